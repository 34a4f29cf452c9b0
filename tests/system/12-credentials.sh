#!/bin/sh
# Goal: host and token are found where official clients find them, the nearer
# place winning: options, environment, profile, netrc; and a token never goes to
# another profile's host.
. "$(dirname "$0")/../support/lib.sh"
need_fuse

start_emulator
emu_put_text /dbfs/hello hello
config=$work/config
token=$emu_token

# works [ARGUMENTS]: mounts with what is in the environment.
works() {
	note "mounts: $*"
	start_brickfs_plain "$work/brickfs.works.log" -f "$@" "$mnt"
	echo "$brickfs_pid $work/brickfs.works.log $mnt" >>"$work/mounted"
	mount_dir=$mnt
	wait_until "$patience" mount_has_come_or_gone
	is_mounted "$mnt" || fail "brickfs did not mount"
	expect_content "$mnt/dbfs/hello" hello
	unmount
}

start_brickfs_plain() {
	log=$1
	shift
	"$BRICKFS" "$@" >"$log" 2>&1 &
	brickfs_pid=$!
}

# profiles: a file with a right default and a wrong other one.
cat >"$config" <<CONFIG
; a comment
[DEFAULT]
host  = $emu_url/
token = $token

# another
[wrong]
host = $emu_url
token = dapi-wrong
[basic]
host = $emu_url
username = token
password = $token
[nohost]
token = $token
CONFIG
chmod 600 "$config"

note "environment"
export DATABRICKS_HOST="$emu_url" DATABRICKS_TOKEN="$token"
works
works -o "config=$config"
note "an option is nearer than the environment"
DATABRICKS_HOST=http://127.0.0.1:1
works -o "host=$emu_url"

note "the default profile, by option, by environment, and in the home"
unset DATABRICKS_HOST DATABRICKS_TOKEN
works -o "config=$config"
export DATABRICKS_CONFIG_FILE="$config"
works
unset DATABRICKS_CONFIG_FILE
cp "$config" "$HOME/.databrickscfg"
works
works -o profile=basic
export DATABRICKS_CONFIG_PROFILE=basic
works
unset DATABRICKS_CONFIG_PROFILE
expect_status 1 "$BRICKFS" -f -o profile=wrong "$mnt"

note "a named profile beats the environment, for every key"
export DATABRICKS_HOST=http://127.0.0.1:1 DATABRICKS_TOKEN=dapi-wrong
works -o profile=basic
unset DATABRICKS_HOST
export DATABRICKS_TOKEN="$token"
expect_status 1 "$BRICKFS" -f -o profile=wrong "$mnt"
expect_status 1 "$BRICKFS" -f -o profile=nohost "$mnt"
unset DATABRICKS_TOKEN

note "Basic, from the environment"
rm "$HOME/.databrickscfg"
export DATABRICKS_HOST="$emu_url"
export DATABRICKS_USERNAME=token DATABRICKS_PASSWORD="$token"
works
unset DATABRICKS_USERNAME DATABRICKS_PASSWORD

note "netrc, for its own host only"
printf 'machine 127.0.0.1 login token password %s\n' "$token" >"$HOME/.netrc"
chmod 600 "$HOME/.netrc"
works
printf 'machine other.example.com login token password %s\n' "$token" \
    >"$HOME/.netrc"
expect_status 1 "$BRICKFS" -f "$mnt"
! grep -q "$token" "$work/err" || fail "the token is shown"

#!/bin/sh
# Goal: what cannot be mounted is refused with one clear line on stderr, status 1
# (2 for usage), and nothing is left behind.
. "$(dirname "$0")/../support/lib.sh"
need_fuse

start_emulator
emu_put_text /dbfs/file text
export DATABRICKS_TOKEN="$emu_token"

# refused STATUS WORDS [ARGUMENTS]: the last argument is the mount point.
refused() {
	status=$1
	words=$2
	shift 2
	note "refused: $*"
	began=$(now_ms)
	expect_status "$status" timeout 120 "$BRICKFS" "$@" </dev/null
	[ $(($(now_ms) - began)) -lt 90000 ] || fail "it took over 90 s"
	[ "$status" -eq 2 ] || expect_equal "lines on stderr of brickfs $*" 1 \
	    "$(wc -l <"$work/err")"
	grep -qiE -- "$words" "$work/err" || {
		cat "$work/err"
		fail "stderr does not say '$words'"
	}
	! grep -q "$emu_token" "$work/err" "$work/out" || fail "the token is shown"
	is_not_mounted "$mnt" || fail "something is mounted"
	! pgrep -f "^$BRICKFS .*$work" >/dev/null || fail "a process is left"
}

host=-ohost=$emu_url

# Usage.
refused 2 'usage'
refused 2 'usage' "$host" ''
refused 2 'no mount point' "$host" dbfs:/part
refused 2 'nosuchoption' "$host" -o nosuchoption "$mnt"
refused 2 'nosuchoption' "$host" --nosuchoption "$mnt"
refused 2 'attr_timeout' "$host" -o attr_timeout=soon "$mnt"

# The other side.
refused 1 'resolve|no such host|not known|nosuchhost' \
    -o host=https://nosuchhost.invalid "$mnt"
closed=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
refused 1 'connect|refused' -o "host=http://127.0.0.1:$closed" "$mnt"
refused 1 'http://|https' -o host=http://example.com "$mnt"
refused 1 'not safe.*cacert' -o "host=https://127.0.0.1:$emu_port" "$mnt"
emu_rule '{"match":{"path":"*/scim/*"},"verb":"status","code":429}'
refused 1 'too busy.*later' "$host" -o retry_timeout=1 "$mnt"
emu_rules_clear
DATABRICKS_TOKEN=dapi-wrong refused 1 'token|credential' "$host" "$mnt"
export DATABRICKS_TOKEN="$emu_token"
unset DATABRICKS_TOKEN
refused 1 'token|credential' "$host" "$mnt"
export DATABRICKS_TOKEN="$emu_token"
refused 1 'host' "$mnt"

# The mount point.
refused 1 "$work/none" "$host" "$work/none"
echo x >"$work/plain"
refused 1 "$work/plain" "$host" "$work/plain"
mkdir "$work/full"
echo x >"$work/full/file"
refused 1 'empty' "$host" "$work/full"
expect_listing "$work/full" file
mount_brickfs
note "a mount point that is in use"
expect_status 1 timeout 60 "$BRICKFS" "$host" "$mnt" </dev/null
expect_equal "lines on stderr" 1 "$(wc -l <"$work/err")"
grep -qiE 'mounted|busy|in use|empty' "$work/err" || {
	cat "$work/err"
	fail "it does not say why"
}
expect_content "$mnt/dbfs/file" text
unmount

note "a mount whose program was killed, whatever the kernel still believes of it"
for known in no yes; do
	mount_brickfs -o attr_timeout=600
	[ "$known" = no ] || stat "$mnt" >"$work/out"
	kill -KILL "$brickfs_pid"
	wait_until "$patience" process_is_gone "$brickfs_pid"
	expect_status 1 timeout 60 "$BRICKFS" "$host" "$mnt" </dev/null
	grep -q 'has ended' "$work/err" || {
		cat "$work/err"
		fail "it does not say that the program has ended"
	}
	# What it says works for who still has a file open there, too.
	grep -q "fusermount3 -uz $mnt" "$work/err" || fail "it does not say how"
	umount -l "$mnt" 2>/dev/null || fusermount3 -uz "$mnt"
	mount_forget "$mnt"
done

# The source.
refused 1 '/file.*(not a directory|is a file)' "$host" dbfs:/file "$mnt"
refused 1 '/none.*(no such|not exist)' "$host" dbfs:/none "$mnt"
refused 1 'nonsense' "$host" nonsense:/x "$mnt"
stop_emulator
start_emulator --dbfs-disabled
refused 1 'dbfs' "$host" dbfs:/part "$mnt"

# The configuration file.  As root every file is readable, so that is shown as an
# ordinary user does only.
unset DATABRICKS_TOKEN
config=$work/config
refused 1 "no config file $config|$config does not exist" -o "config=$config" "$mnt"
printf '[DEFAULT]\nhost = %s\nno value here\n' "$emu_url" >"$config"
chmod 600 "$config"
refused 1 "$config.*\b3\b" -o "config=$config" "$mnt"
printf '[DEFAULT\nhost = %s\n' "$emu_url" >"$config"
refused 1 "$config.*\b1\b" -o "config=$config" "$mnt"
printf '[DEFAULT]\nhost = %s\ntoken = %s\n' "$emu_url" "$emu_token" >"$config"
refused 1 'nosuch' -o "config=$config,profile=nosuch" "$mnt"
chmod 666 "$config"
refused 1 "$config.*(writ|open)" -o "config=$config" "$mnt"
if [ "$(id -u)" -ne 0 ]; then
	chmod 000 "$config"
	refused 1 "$config.*ermission" -o "config=$config" "$mnt"
fi

note "a file that others may read draws a warning, and works"
chmod 644 "$config"
stop_emulator
start_emulator
emu_token_kept=$emu_token
mount_brickfs_at "$mnt" -o "config=$config"
grep -qi "$config.*read" "$mount_log" || fail "no warning about $config"
emu_token=$emu_token_kept
unmount

expect_listing "$work/home"

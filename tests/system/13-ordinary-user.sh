#!/bin/sh
# Goal: an ordinary user mounts and unmounts, through fusermount3, and nobody else
# may look into the mount.
. "$(dirname "$0")/../support/lib.sh"
need_fuse
[ -e /etc/mtab ] || skip "fusermount3 wants /etc/mtab:" \
    "ln -s /proc/self/mounts /etc/mtab"

start_emulator
emu_put_text /dbfs/hello hello

if [ "$(id -u)" -ne 0 ]; then
	note "the whole test suite runs as $(id -un); here: that is enough"
	mount_brickfs
	expect_output "$(id -u)" stat -c %u "$mnt/dbfs/hello"
	unmount
	exit 0
fi

# As root: nobody becomes somebody, with a directory and binary of his own, since
# he may not be let into this one.
command -v setpriv >/dev/null || skip "there is no setpriv"
uid=$(id -u nobody)
gid=$(id -g nobody)
own=$(mktemp -d /tmp/brickfs-user.XXXXXX)
at_exit() {
	umount -l "$own/mnt" 2>/dev/null
	rm -rf "$own"
}
cp "$BRICKFS" "$own/brickfs"
mkdir "$own/mnt" "$own/home"
chown -R "$uid:$gid" "$own"
chmod 700 "$own/mnt"

as_user() {
	setpriv --reuid "$uid" --regid "$gid" --clear-groups env \
	    HOME="$own/home" XDG_STATE_HOME="$own/home/state" \
	    XDG_CACHE_HOME="$own/home/cache" DATABRICKS_TOKEN="$emu_token" "$@"
}
as_user test -r /dev/fuse -a -w /dev/fuse || skip "/dev/fuse is closed to users"

note "where he may not mount, nothing is left behind"
mkdir "$own/theirs" "$own/sticky"
chmod 1777 "$own/sticky"
for dir in theirs sticky; do
	expect_status 1 as_user "$own/brickfs" -o "host=$emu_url" "$own/$dir"
	expect_output 1 grep -c "$own/$dir.* your own" "$work/err"
done
expect_listing "$own/home"

as_user "$own/brickfs" -f -o "host=$emu_url" "$own/mnt" \
    >"$work/brickfs.user.log" 2>&1 &
brickfs_pid=$!
mount_dir=$own/mnt
wait_until "$patience" mount_has_come_or_gone
is_mounted "$own/mnt" || fail "brickfs did not mount"

note "he reads and writes, and everything is his"
expect_output hello as_user cat "$own/mnt/dbfs/hello"
# shellcheck disable=SC2016 # for the inner shell
as_user sh -c 'echo mine >"$1"' sh "$own/mnt/dbfs/mine"
expect_remote_text /dbfs/mine 'mine
'
expect_output "$uid $gid" as_user stat -c '%u %g' "$own/mnt/dbfs/mine"

note "root may not"
expect_failure 'ermission denied' ls "$own/mnt"

note "he unmounts"
as_user fusermount3 -u "$own/mnt"
wait_until "$patience" process_is_gone "$brickfs_pid" || fail "brickfs goes on"
status=0
wait "$brickfs_pid" || status=$?
expect_equal "status" 0 "$status"

note "over a mount of his that cannot be written he is told that it is one"
as_user "$own/brickfs" -f -o "ro,host=$emu_url" "$own/mnt" \
    >>"$work/brickfs.user.log" 2>&1 &
brickfs_pid=$!
wait_until "$patience" mount_has_come_or_gone
expect_status 1 as_user "$own/brickfs" -o "host=$emu_url" "$own/mnt"
expect_output 1 grep -c "$own/mnt is already mounted" "$work/err"
as_user fusermount3 -u "$own/mnt"
wait_until "$patience" process_is_gone "$brickfs_pid" || fail "brickfs goes on"

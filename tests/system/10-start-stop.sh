#!/bin/sh
# Goal: brickfs mounts in the foreground and in the background, shows the
# workspace, ends when it is unmounted or told to, and leaves nothing behind.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
emu_put_text /dbfs/hello 'hello
'

note "foreground, everything"
mount_brickfs
expect_content "$mnt/dbfs/hello" 'hello
'
expect_listing "$mnt" .control Volumes Workspace dbfs
unmount
expect_listing "$mnt"

note "a part of the workspace, in its three spellings"
emu_put_text /dbfs/part/inner/f x
for source in dbfs:/part /dbfs/part dbfs:/part/; do
	mount_brickfs "$source"
	expect_listing "$mnt" inner
	expect_content "$mnt/inner/f" x
	ls "$mnt/.control" >"$work/out"
	unmount
done
for source in / none brickfs; do
	mount_brickfs "$source"
	expect_content "$mnt/dbfs/hello" 'hello
'
	unmount
done

note "in the background: the command returns when the mount is there"
DATABRICKS_TOKEN=$emu_token "$BRICKFS" -o "host=$emu_url" "$mnt" \
    >"$work/background.log" 2>&1 </dev/null
is_mounted "$mnt" || fail "brickfs has returned, and nothing is mounted"
expect_content "$mnt/dbfs/hello" 'hello
'
background=$(pgrep -f "^$BRICKFS -o host=$emu_url $mnt\$") ||
	fail "no process serves the mount"
[ "$(readlink "/proc/$background/cwd")" = / ] ||
	fail "the process in the background keeps a directory busy"
wait_until "$patience" unmount_now "$mnt"
wait_until "$patience" process_is_gone "$background" ||
	fail "brickfs goes on in the background"

note "SIGTERM ends a mount as an unmount does"
mount_brickfs
echo data >"$mnt/dbfs/written"
pid=$brickfs_pid
kill "$pid"
wait_until "$patience" process_is_gone "$pid" || fail "SIGTERM does not end it"
status=0
wait "$pid" || status=$?
expect_equal "status after SIGTERM" 0 "$status"
mount_forget "$mnt"
is_not_mounted "$mnt" || fail "the mount is left behind"
expect_remote_text /dbfs/written 'data
'

note "the token is nowhere to be seen"
mount_brickfs -o debug
cat "$mnt/dbfs/hello" >/dev/null
tr '\0' ' ' <"/proc/$brickfs_pid/cmdline" >"$work/cmdline"
! grep -q "$emu_token" "$work/cmdline" || fail "the token is on the command line"
! grep -rqs "$emu_token" "$mnt/.control" || fail "the token is in .control"
unmount
for log in "$work"/brickfs.*.log "$work/background.log"; do
	! grep -q "$emu_token" "$log" || fail "the token is in $log"
done
! grep -rq "$emu_token" "$work/state" "$work/cache" 2>/dev/null ||
	fail "the token is in the state or cache directory"

#!/bin/sh
# Goal: temporary files of editors cost no request, survive a remount, and are sent
# like any other when they are still there scratch_keep after their last close; swap
# and lock files never are.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
mount_brickfs -o attr_timeout=600,negative_timeout=600 dbfs:/
cd "$mnt"
ls >"$work/out"
later='a~ #b# .~c .goutputstream-XYZ sedAbC123 .DS_Store ._d'
never='.a.swp .a.swpx .swp 4913 .#a .~lock.a# .nfs00'

note "here at once, and no request"
emu_reset_counters
for name in $later $never; do
	printf '%s' "$name" >"$name"
	expect_content "$name" "$name"
done
python3 -c 'import os
fd = os.open(".rsync.AbC123", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
os.write(fd, b".rsync.AbC123")
os.fsync(fd)
os.close(fd)'
later="$later .rsync.AbC123"
# shellcheck disable=SC2086 # lists of names
expect_listing "$mnt" $later $never
expect_equal "requests" 0 "$(emu_calls)"

note "a name of rsync's kind made in another way is a file like any other"
echo x >.plain.AbC123
expect_remote_text /dbfs/.plain.AbC123 'x
'
rm .plain.AbC123

note "they survive a remount, still only here"
cd "$work"
emu_reset_counters
unmount
expect_equal "changes on the server" 0 "$(emu_counter mutations)"
mount_brickfs -o scratch_keep=1 dbfs:/
cd "$mnt"
for name in $later $never; do
	expect_content "$name" "$name"
done

note "then they are sent, those that are somebody's"
for name in $later; do
	wait_until "$patience" emu_exists "/dbfs/$name" ||
		fail "$name is not sent"
	expect_remote_text "/dbfs/$name" "$name"
done

note "renamed to a real name it is one upload, and the rename has its error"
printf new >file~
emu_rule '{"match":{"path":"/api/2.0/dbfs/put"},"verb":"status","code":403}'
expect_failure 'ermission denied' mv file~ file
expect_content file~ new
emu_rules_clear
mv file~ file
expect_remote_text /dbfs/file new

note "swap and lock files were never on the server"
echo 1 >.control/sync
cd "$work"
unmount
for name in $never; do
	expect_equal "versions of $name" '' "$(emu_history "/dbfs/$name")"
done

note "a backup can be read while it gets its name on the server"
make_random 3M "$work/want"
cp "$work/want" "$work/root/dbfs/large"
mount_brickfs -o scratch_keep=1 dbfs:/
emu_rule '{"match":{"path":"/api/2.0/dbfs/move"},"verb":"stall","s":2}'
mv "$mnt/large" "$mnt/large~"
wait_until "$patience" emu_exists /dbfs/large~ || fail "it is not renamed"
expect_same "$work/want" "$mnt/large~"
emu_rules_clear
unmount

#!/bin/sh
# Goal: a file that is removed while it is open goes on working for those who have
# it open, and is gone for everybody else, on the server too.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 3000000 "$work/want"
make_random 9000000 "$work/large"
emu_put /dbfs/remote "$work/want"
emu_put /dbfs/large "$work/large"
mount_brickfs -o cache_mem=8M,attr_timeout=1 dbfs:/
cd "$mnt"

note "one that is only on the server is read to its end"
exec 3<remote
rm remote
[ ! -e remote ] || fail "the name is still there"
cat <&3 >"$work/got"
expect_same "$work/want" "$work/got"
exec 3<&-
expect_no_remote /dbfs/remote

note "... also one that is too large to be fetched at once"
exec 3<large
rm large
expect_no_remote /dbfs/large
expect_listing "$mnt"
cat <&3 >"$work/got"
expect_same "$work/large" "$work/got"
exec 3<&-

note "one that is being written goes on, and is never sent"
exec 3<>scratchpad
echo one >&3
rm scratchpad
echo two >&3
expect_output 'one
two' cat "/proc/$$/fd/3"
exec 3>&-
expect_no_remote /dbfs/scratchpad

note "the name is free for another file meanwhile"
echo old >name
exec 3<name
rm name
echo new >name
expect_output old cat <&3
expect_content name 'new
'
exec 3<&-
expect_content name 'new
'
expect_remote_text /dbfs/name 'new
'

note "what is followed by its name is seen to be another file"
echo old >log
exec 3<log
rm log
echo new >log
old=$(stat -L -c %i "/proc/$$/fd/3")
exec 3<log
[ "$old" != "$(stat -c %i log)" ] || {
	exec 3<&-
	fail "a removed file and the next of its name have one inode number"
}
old=$(stat -L -c %i "/proc/$$/fd/3")
emu_put_text /dbfs/log 'of another client'
is_another() {
	[ "$(stat -c %i log)" != "$old" ]
}
another=yes
wait_until 10 is_another || another=no
exec 3<&-
[ $another = yes ] || fail "two versions, both open, have one inode number"
rm log

note "nothing of it is left on the server"
expect_listing "$mnt" name
on_server() {
	emu_api GET '/api/2.0/dbfs/list?path=/' | jq -r '.files[].path'
}
only_name() {
	[ "$(on_server)" = /name ]
}
wait_until "$patience" only_name || fail "the server has $(on_server)"
cd "$work"
unmount
expect_output /name on_server

#!/bin/sh
# Goal: a file that is removed while it is open goes on working for those who have
# it open, and is gone for everybody else, on the server too.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 3000000 "$work/want"
emu_put /dbfs/remote "$work/want"
mount_brickfs -o cache_mem=8M dbfs:/
cd "$mnt"

note "one that is only on the server is read to its end"
exec 3<remote
rm remote
[ ! -e remote ] || fail "the name is still there"
cat <&3 >"$work/got"
expect_same "$work/want" "$work/got"
exec 3<&-
expect_no_remote /dbfs/remote

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

note "nothing of it is left on the server"
expect_listing "$mnt" name
cd "$work"
unmount
emu_api GET '/api/2.0/dbfs/list?path=/' | jq -r '.files[].path' >"$work/list"
expect_output /name cat "$work/list"

#!/bin/sh
# Goal: files of several programs are sent at the same time, and uploads that get no
# answer delay neither reads nor listings nor other files.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 100000 "$work/one"
make_random 3000000 "$work/large"
emu_put /dbfs/large "$work/large"
mount_brickfs dbfs:/
put_calls() {
	[ "$(emu_counter 'POST /api/2.0/dbfs/put')" -eq "$1" ]
}

note "twelve programs close at the same time, and none gets an answer"
emu_rule '{"match":{"path":"/api/2.0/dbfs/put","target":"/stuck*"},"verb":"stall"}'
emu_reset_counters
pids=
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	timeout -s INT 120 cp "$work/one" "$mnt/stuck$i" 2>/dev/null &
	pids="$pids $!"
done
wait_until "$patience" put_calls 12 || fail "they do not run in parallel"

note "meanwhile others read, list, write and remove"
expect_same "$work/large" "$mnt/large"
mkdir "$mnt/dir"
cp "$work/one" "$mnt/dir/free"
expect_remote /dbfs/dir/free "$work/one"
expect_listing "$mnt/dir" free
rm "$mnt/dir/free"
expect_no_remote /dbfs/dir/free
# None of the others has got its answer yet.
for pid in $pids; do
	! process_is_gone "$pid" || fail "one of the stuck programs has ended"
done

note "the programs can be interrupted, and the next mount has what they wrote"
for pid in $pids; do
	kill -INT "$pid" 2>/dev/null || :
	wait "$pid" || :
done
emu_rules_clear
kill_brickfs
mount_brickfs dbfs:/
echo 1 >"$mnt/.control/sync"
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	expect_remote "/dbfs/stuck$i" "$work/one"
done
unmount

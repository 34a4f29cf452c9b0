#!/bin/sh
# Goal: with -o writeback, close and fsync return when the content is safe on the local
# disk, and it is sent later: once, under the name that it has then, or after a crash by
# the next mount.  .control/sync waits for all of it; what goes wrong later is said.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 300000 "$work/one"
make_random 300000 "$work/two"
make_random 3000000 "$work/large"
control=$mnt/.control
mount_later() {
	mount_brickfs -o writeback=3600,attr_timeout=600 dbfs:/
	emu_reset_counters
}
state() {
	getfattr --only-values -n user.brickfs.state "$1"
}
expect_changes() { # N: requests that changed something, of whatever kind
	expect_equal "changes on the server" "$1" "$(emu_counter mutations)"
}
expect_puts() {
	expect_requests POST /api/2.0/dbfs/put "$1"
}
nothing_pending() {
	[ -z "$(ls "$control/pending")" ]
}
sync_now() {
	echo 1 >"$control/sync"
	nothing_pending || fail "still pending: $(ls "$control/pending")"
}
is_sent() { # PATH FILE
	emu_get "$1" 2>/dev/null | cmp -s - "$2"
}

note "close and fsync send nothing, and the content is there at once"
emu_put /dbfs/old "$work/one"
emu_put /dbfs/large "$work/large"
emu_put /dbfs/wide "$work/large"
mount_later
cp "$work/two" "$mnt/new"
dd if="$work/two" of="$mnt/old" bs=64k conv=fsync 2>"$work/err"
expect_changes 0
expect_same "$work/two" "$mnt/new"
expect_same "$work/two" "$mnt/old"
expect_output 300000 stat -c %s "$mnt/new"
expect_output dirty state "$mnt/old"
expect_output waiting cat "$control/pending/1/state"
expect_output new cat "$control/pending/1/path"
expect_same "$work/two" "$control/pending/1/data"

note "the barrier sends them, and then the server has them"
sync_now
expect_puts 2
expect_remote /dbfs/new "$work/two"
expect_history /dbfs/old "$work/one" "$work/two"
expect_output clean state "$mnt/old"

note "saved ten times, it is sent once"
emu_reset_counters
for i in 1 2 3 4 5 6 7 8 9 10; do
	echo "$i" >"$mnt/often"
done
expect_changes 0
sync_now
expect_changes 1
expect_remote_text /dbfs/often '10
'

note "a temporary file that is renamed is one overwriting put"
emu_reset_counters
for i in 1 2 3; do
	cp "$work/one" "$mnt/x.tmp"
	mv "$mnt/x.tmp" "$mnt/new"
	echo "$i" >"$mnt/y.tmp"
	mv "$mnt/y.tmp" "$mnt/y"
done
expect_changes 0
expect_same "$work/one" "$mnt/new"
[ ! -e "$mnt/x.tmp" ] || fail "the old name is still there"
sync_now
expect_changes 2
expect_puts 2
expect_history /dbfs/new "$work/two" "$work/one"
expect_remote_text /dbfs/y '3
'
expect_equal "versions of x.tmp" '' "$(emu_history /dbfs/x.tmp)"

note "so is what an editor saves by way of a backup"
echo v1 >"$mnt/doc"
sync_now
emu_reset_counters
mv "$mnt/doc" "$mnt/doc~"
echo v2 >"$mnt/doc"
rm "$mnt/doc~"
expect_changes 0
sync_now
expect_changes 1
expect_remote_text /dbfs/doc 'v2
'

note "deleted before it was sent: nothing, or the delete alone"
emu_reset_counters
cp "$work/one" "$mnt/gone"
rm "$mnt/gone"
sync_now
expect_changes 0
cp "$work/one" "$mnt/often"
rm "$mnt/often"
sync_now
expect_changes 1
expect_requests POST /api/2.0/dbfs/delete 1
expect_no_remote /dbfs/often

note "the queue follows names"
mkdir "$mnt/d"
emu_reset_counters
echo text >"$mnt/d/f"
expect_failure 'not empty' rmdir "$mnt/d"
mv "$mnt/d" "$mnt/e"
mv "$mnt/e/f" "$mnt/e/g"
sync_now
expect_puts 1
expect_remote_text /dbfs/e/g 'text
'
expect_no_remote /dbfs/d
expect_no_remote /dbfs/e/f

note "a truncate by name waits its turn, too"
emu_reset_counters
truncate -s 4 "$mnt/new"
expect_changes 0
expect_output 4 stat -c %s "$mnt/new"
sync_now
expect_puts 1

note "kill -9 loses nothing that was acknowledged"
mkdir "$mnt/k"
cp "$work/one" "$mnt/k/created"
cp "$work/one" "$mnt/k/t.tmp"
mv "$mnt/k/t.tmp" "$mnt/k/renamed"
cp "$work/two" "$mnt/k/twice"
cp "$work/one" "$mnt/k/twice.tmp"
mv "$mnt/k/twice.tmp" "$mnt/k/twice"
cp "$work/one" "$mnt/k/removed"
rm "$mnt/k/removed"
mkdir "$mnt/m"
echo moved >"$mnt/m/f"
mv "$mnt/m" "$mnt/n"
: >"$mnt/k/empty"
# Most of it is only on the server.
printf changed | dd of="$mnt/large" bs=1 seek=1500000 conv=notrunc 2>"$work/err"
cp "$work/large" "$work/changed"
printf changed | dd of="$work/changed" bs=1 seek=1500000 conv=notrunc 2>"$work/err"
emu_reset_counters
kill_brickfs
expect_changes 0
mount_later
expect_same "$work/one" "$mnt/k/created"
expect_same "$work/changed" "$mnt/large"
echo 1 >"$control/sync"
for name in created renamed twice; do
	expect_remote "/dbfs/k/$name" "$work/one"
done
expect_remote_text /dbfs/k/empty ''
expect_remote_text /dbfs/n/f 'moved
'
expect_history /dbfs/large "$work/large" "$work/changed"
for name in k/removed k/t.tmp k/twice.tmp m/f; do
	expect_no_remote "/dbfs/$name"
	expect_equal "versions of $name" '' "$(emu_history "/dbfs/$name")"
done
nothing_pending || fail "still pending: $(cat "$control/pending/"*/reason)"

note "many small changes of a large file are fetched before they are acknowledged"
cp "$work/large" "$work/changed"
for file in "$mnt/wide" "$work/changed"; do
	python3 - "$file" <<'PYTHON'
import sys
with open(sys.argv[1], "r+b", buffering=0) as f:
    for i in range(300):
        f.seek(i * 9973)
        f.write(b"x%d" % i)
PYTHON
done
kill_brickfs
mount_later
echo 1 >"$control/sync"
expect_history /dbfs/wide "$work/large" "$work/changed"

note "an error that comes later is said by the barrier and everywhere else"
emu_rule '{"match":{"path":"/api/2.0/dbfs/put"},"verb":"status","code":403,
    "message":"out of paper"}'
cp "$work/one" "$mnt/late"
echo 1 >"$work/1"
expect_failure 'ermission denied' cp "$work/1" "$control/sync"
expect_output failed state "$mnt/late"
getfattr --only-values -n user.brickfs.error "$mnt/late" | grep -q 'out of paper' ||
	fail "user.brickfs.error does not say why"
grep -q 'out of paper' "$control/errors" || fail ".control/errors does not say why"
grep -q 'out of paper' "$control/pending/"*/reason || fail "pending does not say why"
grep -q 'late is not on the server (out of paper)' "$mount_log" ||
	fail "the log does not say why"
expect_same "$work/one" "$mnt/late"
emu_rules_clear
sync_now
expect_remote /dbfs/late "$work/one"

note "an unmount sends what is not due yet"
cp "$work/two" "$mnt/drained"
unmount
expect_remote /dbfs/drained "$work/two"

note "what there is no time for stays for the next mount"
mount_brickfs -o writeback=3600,drain_timeout=0 dbfs:/
cp "$work/two" "$mnt/left"
emu_rule '{"match":{"path":"/api/2.0/dbfs/put"},"verb":"status","code":403}'
unmount "$mnt" 3
emu_rules_clear
expect_no_remote /dbfs/left
mount_later
wait_until "$patience" is_sent /dbfs/left "$work/two" || fail "it is not sent"
unmount

note "a backup that was changed is sent by the unmount"
printf one >"$work/root/dbfs/backed"
mount_brickfs -o writeback=3600,scratch_keep=3600 dbfs:/
mv "$mnt/backed" "$mnt/backed~"
printf two >>"$mnt/backed~"
unmount
expect_remote_text '/dbfs/backed~' onetwo

note "sent by itself when its time has come; with 0, at once"
for seconds in 0 1; do
	mount_brickfs -o writeback=$seconds dbfs:/
	cp "$work/one" "$mnt/auto$seconds"
	wait_until "$patience" is_sent "/dbfs/auto$seconds" "$work/one" ||
		fail "it is not sent"
	# Also when it stays open after an fsync.
	exec 3>"$mnt/open$seconds"
	cat "$work/two" >&3
	python3 -c 'import os; os.fsync(3)'
	wait_until "$patience" is_sent "/dbfs/open$seconds" "$work/two" ||
		fail "it is not sent while it is open"
	exec 3>&-
	unmount
done

note "what a program is in the middle of writing is not sent before it closes"
printf one >"$work/root/dbfs/half"
mount_brickfs -o writeback=1 dbfs:/
echo two >"$mnt/half"
mkfifo "$work/go"
python3 - "$mnt/half" "$work/go" <<'PYTHON' &
import sys
with open(sys.argv[1], "wb", buffering=0) as f:
    f.write(b"thr")
    open(sys.argv[2]).read()
    f.write(b"ee\n")
PYTHON
writer=$!
wait_until "$patience" grep -q thr "$mnt/half" || fail "nothing is written"
cp "$work/one" "$mnt/other" # due when half has been
wait_until "$patience" is_sent /dbfs/other "$work/one" || fail "it is not sent"
echo go >"$work/go"
wait "$writer"
sync_now
unmount
printf one >"$work/1"
printf 'three\n' >"$work/3"
expect_history /dbfs/half "$work/1" "$work/3"

note "more files than may wait at once are no error"
prlimit --pid $$ --nofile=300:300
mount_brickfs -o writeback=3600,attr_timeout=600 dbfs:/
mkdir "$mnt/many"
for i in $(seq 250); do
	echo "$i" >"$mnt/many/$i"
done
echo 1 >"$control/sync"
expect_equal "files on the server" 250 "$(find "$work/root/dbfs/many" -type f | wc -l)"
unmount

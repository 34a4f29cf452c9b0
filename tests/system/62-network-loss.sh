#!/bin/sh
# Goal: without a network no call blocks for ever, the mount survives, goes on when
# the network is back, and what was written meanwhile arrives.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 3000000 "$work/want"
make_random 1000 "$work/small"
emu_put /dbfs/f "$work/want"
emu_put /dbfs/unread "$work/want"
emu_put /dbfs/slow "$work/want"
mount_brickfs -o timeout=3,retry_timeout=6,cache_mem=8M,attr_timeout=600,negative_timeout=600 dbfs:/
ls -l "$mnt" >/dev/null

# in_time COMMAND...: ends within 30 seconds, whatever it says.
in_time() {
	began=$(now_ms)
	status=0
	timeout -k 5 60 "$@" >"$work/out" 2>"$work/err" || status=$?
	[ $(($(now_ms) - began)) -lt 30000 ] || fail "$*: took over 30 s"
}

note "the server is gone"
stop_emulator
in_time cat "$mnt/f"
[ $status -ne 0 ] || fail "content without a server"
grep -qE 'timed out|unreachable|refused|I/O error|is down' "$work/err" ||
	fail "it says: $(cat "$work/err")"
in_time cp "$work/want" "$mnt/written"
grep -q 'failed to close' "$work/err" ||
	fail "close succeeded without a server: $(cat "$work/err")"
expect_same "$work/want" "$mnt/written"
in_time ls "$mnt"
in_time mkdir "$mnt/dir"
[ $status -ne 0 ] || fail "a directory without a server"

note "it is back: everything works, and what was written arrives"
start_emulator
works() {
	cmp -s "$mnt/f" "$work/want"
}
wait_until "$patience" works || fail "the mount does not recover"
arrived() {
	emu_get /dbfs/written 2>/dev/null | cmp -s - "$work/want"
}
wait_until 120 arrived || fail "the failed upload is not repeated"
expect_same "$work/want" "$mnt/written"

note "a server that takes the request and never answers"
for path in read put mkdirs get-status; do
	emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/$path\"},\"verb\":\"stall\"}"
done
silent() {
	in_time "$@"
	[ $status -ne 0 ] || fail "$*: success without an answer"
	grep -q 'timed out' "$work/err" || fail "$*: says: $(cat "$work/err")"
}
silent dd if="$mnt/unread" of=/dev/null bs=1M
silent mkdir "$mnt/silent"
silent cp "$work/small" "$mnt/silent.txt"
emu_rules_clear
wait_until "$patience" works || fail "the mount does not recover"

note "a slow answer is no failure while bytes move"
emu_rule '{"match":{"path":"/api/2.0/dbfs/read"},"verb":"dribble","bps":700000}'
expect_same "$work/want" "$mnt/slow"
emu_rules_clear
unmount

note "the mount point and .control need no server, however old what is known"
mount_brickfs -o timeout=60,attr_timeout=1 dbfs:/
ls "$mnt" >/dev/null
for path in list get-status; do
	emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/$path\"},\"verb\":\"stall\"}"
done
sleep 1.5
for words in "cat $mnt/.control/status.json" "ls $mnt/.control/pending" \
    "stat $mnt" "df $mnt"; do
	# shellcheck disable=SC2086 # a command and its argument
	expect_status 0 timeout -k 5 20 $words
done
emu_rules_clear
ls "$mnt" >/dev/null
unmount

note "nor does .control need the directory that is mounted"
emu_put /dbfs/part/f "$work/small"
mount_brickfs -o attr_timeout=1 dbfs:/part
expect_listing "$mnt" f
emu_rm /dbfs/part
sleep 1.5
expect_failure 'Stale' ls "$mnt"
expect_status 0 cat "$mnt/.control/status.json"
expect_failure 'No such file' cat "$mnt/f"
unmount

#!/bin/sh
# Goal: walking a tree costs one list a directory whoever walks, several of them at a
# time; nothing is listed that nobody comes to; what goes wrong, changes or ends in the
# middle of a walk harms nothing else.
. "$(dirname "$0")/../support/lib.sh"

command -v rsync >/dev/null || skip "rsync is not installed"

start_emulator
# 1 + 12 + 60 directories, 12 * 5 * 5 files; a chain in the last one.
for i in 01 02 03 04 05 06 07 08 09 10 11 12; do
	emu_make /dbfs/t/d$i 5 5 10
done
emu_api POST /api/2.0/dbfs/mkdirs '{"path":"/t/d12/e/f/g/h"}' >/dev/null
dirs=77
names=377
emu_make /dbfs/wide 100 1 10
emu_set latency 10

# calls: how many lists, and what else of the DBFS API.
calls() {
	emu GET /emulator/counters | jq -r 'to_entries |
	    map(select(.key | test("/dbfs/")) |
	    "\(.key | sub(".*/dbfs/"; "")) \(.value)") | sort | join(" ")'
}
metric() {
	awk -v name="brickfs_$1" '$1 == name { print $2 }' "$mnt/.control/metrics"
}
# at_rest: nothing is being read ahead.
at_rest() {
	[ "$(metric list_ahead_active)" = 0 ]
}
# costs "CALL N..." COMMAND...
costs() {
	want=$1
	shift
	note "$*"
	emu_reset_counters
	"$@" >"$work/out"
	wait_until "$patience" at_rest || fail "read-ahead does not end"
	expect_equal "calls" "$want" "$(calls)"
}
# fresh DIR [OPTIONS]: a mount of it that knows nothing.
fresh() {
	source=$1
	shift
	cd "$work"
	! is_mounted "$mnt" || unmount
	mount_brickfs "$@" "dbfs:$source"
	cd "$mnt"
}
walk() {
	fresh /t -o attr_timeout=120
	costs "list $dirs" "$@"
	cp "$work/out" "$work/first"
	[ "$(metric list_ahead_total)" -gt 20 ] || fail "nothing was read ahead"
	costs "" "$@"
	expect_same "$work/first" "$work/out"
}

walk find .
expect_equal "names" $names "$(wc -l <"$work/out")"
walk ls -lR
walk du -a
walk rsync -a --list-only ./

note "as often with the limit of a real workspace, and its 429s"
fresh /t -o attr_timeout=120
emu_set rate-limit 30
emu_reset_counters
find . | wc -l >"$work/out"
wait_until "$patience" at_rest || fail "read-ahead does not end"
expect_equal "names" $names "$(cat "$work/out")"
emu_set rate-limit 0

fresh /wide
costs "list 1" ls
fresh /wide
costs "list 1" ls -l
fresh /t
costs "list 13" find . -maxdepth 2
note "a listed parent and one of its children: two more, on the chance of a walk"
fresh /wide
costs "list 1" ls
costs "list 3" ls d00050
note "... and not more however large the tree below it is"
fresh /
costs "list 1" ls
emu_reset_counters
find t >"$work/out"
wait_until "$patience" at_rest || fail "read-ahead does not end"
expect_requests_at_most GET /api/2.0/dbfs/list $((dirs + 2))
fresh /t -o attr_timeout=0
emu_reset_counters
find . >"$work/out"
expect_equal "names" $names "$(wc -l <"$work/out")"
expect_requests GET /api/2.0/dbfs/list $dirs
expect_equal "read ahead" 0 "$(metric list_ahead_total)"

note "rsync"
fresh /t
rsync -a ./ "$work/copy/"
fresh /t
costs "list $dirs" rsync -a ./ "$work/copy/"
fresh /t
# The empty one at the end of the chain has nothing to compare.
costs "get-status 1 list $((dirs - 1))" rsync -a --itemize-changes "$work/copy/" ./
[ ! -s "$work/out" ] || fail "rsync sends: $(cat "$work/out")"

note "names that are not there"
fresh /t
costs "list 1" ls
# shellcheck disable=SC2016
costs "" sh -c 'for n in a b c d e f; do [ ! -e $n ] || exit 1; done'

note "what is refused in the middle harms nothing else"
fresh /
emu_rule '{"match":{"path":"/api/2.0/dbfs/list","target":"/t/d05"},"verb":"status","code":403,"error_code":"PERMISSION_DENIED"}'
emu_rule '{"match":{"path":"/api/2.0/dbfs/list","target":"/t/d07/d00003"},"verb":"status","code":500}'
expect_status 1 find t
expect_equal "refused" 2 "$(grep -c 'd0[57]' "$work/err")"
grep -q 'd05.: Permission denied' "$work/err" || fail "$(cat "$work/err")"
expect_equal "names" $((names - 30 - 5)) "$(wc -l <"$work/out")"
emu_rules_clear
find t >"$work/out"
expect_equal "names" $names "$(wc -l <"$work/out")"

note "Ctrl-C ends it, and what was under way"
fresh /
cd "$work"
cat >"$work/find.py" <<'PYTHON'
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("find", ["find"] + sys.argv[1:])
PYTHON
fires() {
	[ "$(emu GET /emulator/rules | jq '[.rules[].fired] | add')" -ge "$1" ]
}
emu_rule '{"match":{"path":"/api/2.0/dbfs/list","target":"/t/d*"},"verb":"stall"}'
python3 "$work/find.py" "$mnt/t" >"$work/out" 2>&1 &
pid=$!
wait_until "$patience" fires 3 || fail "nothing is read ahead"
kill -INT $pid
wait_until 5 process_is_gone $pid || fail "Ctrl-C does not end it"
wait_until 5 at_rest || fail "read-ahead goes on"
emu_rules_clear
emu_reset_counters
cat "$mnt/.control/status.json" >"$work/out"
expect_equal "calls" "" "$(calls)"
expect_equal "names" $names "$(find "$mnt/t" | wc -l)"

note "own changes during a walk show at once"
fresh /
i=0
find t >"$work/out" 2>"$work/err" &
pid=$!
while ! process_is_gone $pid && [ $i -lt 40 ]; do
	i=$((i + 1))
	mkdir t/d12/new$i
	mv t/d12/new$i t/d11/moved$i
	[ ! -e t/d12/new$i ] || fail "the old name is shown"
	expect_equal "moved" moved$i "$(find t/d11 -maxdepth 1 -name "moved$i" -printf %f)"
	rmdir t/d11/moved$i
	[ ! -e t/d11/moved$i ] || fail "a removed directory is shown"
	echo x >t/d10/file$i
	rm t/d09/f0000$((i % 5)) 2>/dev/null || :
	find t/d10 -maxdepth 1 -name "file$i" | grep -q . || fail "a new file is not shown"
	rm t/d10/file$i
	! find t/d10 -maxdepth 1 -name "file$i" | grep -q . || fail "a removed file is shown"
done
wait $pid || ! grep -v 'No such file' "$work/err" || fail "$(cat "$work/err")"

note "changes by others are seen after attr_timeout"
fresh / -o attr_timeout=1
find t >"$work/out"
emu_put_text /dbfs/t/d03/theirs text
emu_rm /dbfs/t/d04/d00001/f00001
sees() {
	find t >"$work/out"
	grep -qx t/d03/theirs "$work/out" &&
		! grep -qx t/d04/d00001/f00001 "$work/out"
}
wait_until 20 sees || fail "they are not seen"

note "listings are bounded, and what they said is not"
cd "$work"
for i in 01 02 03 04 05 06 07 08 09 10 11 12; do
	emu_make "/dbfs/big/n$i" 0 9000 1
done
unmount
mount_brickfs -o attr_timeout=600,cache_mem=8M dbfs:/big
cd "$mnt"
expect_equal "names" 108013 "$(find . -size +0 -o -type d | wc -l)"
[ "$(metric listed_names)" -le 100000 ] || fail "$(metric listed_names) names"
note "... and so is memory: 32 MiB, cache_mem, 1 MiB a thread, 300 bytes a name"
threads=$(awk '/^Threads:/ { print $2 }' "/proc/$brickfs_pid/status")
peak=$(awk '/^VmHWM:/ { print $2 }' "/proc/$brickfs_pid/status")
after=$(awk '/^VmRSS:/ { print $2 }' "/proc/$brickfs_pid/status")
held=$(metric names)
note "resident $after KiB, at most $peak, for $held names"
[ "$held" -gt 108000 ] || fail "the kernel holds $held names"
if ! grep -qE '__(asan|tsan)_init' "$BRICKFS"; then
	limit=$(((32 + 8 + threads) * 1024 + 300 * held / 1024))
	[ "$peak" -le "$limit" ] || fail "brickfs took $peak KiB of $limit"
fi
emu_reset_counters
expect_equal "size" 1 "$(stat -c %s n01/f00077)"
expect_requests_at_most GET /api/2.0/dbfs/list 1
cd "$work"
unmount

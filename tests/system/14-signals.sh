#!/bin/sh
# Goal: a signal unmounts and sends what is left, a second one ends at once, what
# could not be sent is counted (status 3) and goes with the next mount, which waits
# for one that is still sending; SIGHUP drops caches, as cache/drop does.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
emu_put_text /dbfs/old 'old
'
emu_put_text /dbfs/other 'other
'

# ended STATUS: of the mount that was signalled, which left no mount behind.
ended() {
	wait_until "$patience" process_is_gone "$brickfs_pid" ||
		fail "brickfs goes on"
	status=0
	wait "$brickfs_pid" || status=$?
	expect_equal "exit status" "$1" "$status"
	mount_forget "$mnt"
	is_not_mounted "$mnt" || fail "the mount is left behind"
}

note "SIGINT with an open file: what was written is sent"
mount_brickfs
exec 7>"$mnt/dbfs/open"
echo part >&7
kill -INT "$brickfs_pid"
ended 0
exec 7>&-
expect_remote_text /dbfs/open 'part
'

note "SIGHUP drops caches, and the mount goes on"
mount_brickfs
cached_bytes() {
	awk '$1 == "brickfs_cache_bytes" { print $2 }' "$mnt/.control/metrics"
}
cache_is_empty() {
	[ "$(cached_bytes)" -eq 0 ]
}
cat "$mnt/dbfs/old" >"$work/out"
expect_output 4 cached_bytes
kill -HUP "$brickfs_pid"
wait_until "$patience" cache_is_empty || fail "SIGHUP drops nothing"
cat "$mnt/dbfs/other" >"$work/out"
expect_output 6 cached_bytes
echo 1 >"$mnt/.control/cache/drop"
expect_output 0 cached_bytes
expect_content "$mnt/dbfs/old" 'old
'

note "drain_timeout: status 3, and the next mount sends it"
emu_rule '{"match": {"path": "*/dbfs/put"}, "verb": "status",
    "args": {"code": 503}}' >"$work/out"
remount -o drain_timeout=1,retry_timeout=1
echo late >"$mnt/dbfs/late" || :
kill "$brickfs_pid"
ended 3
grep -q '1 file could not be sent' "$mount_log" || fail "it is not counted"
expect_no_remote /dbfs/late
emu_rules_clear
mount_brickfs
wait_until "$patience" emu_exists /dbfs/late || fail "it is not taken up"
expect_remote_text /dbfs/late 'late
'

# A rule of the emulator has met a request.
rule_fired() {
	[ "$(emu GET /emulator/rules | jq '[.rules[].fired] | add')" -gt 0 ]
}

note "a second signal ends at once"
emu_rule '{"match": {"path": "*/dbfs/put"}, "verb": "retry_after",
    "args": {"value": "60"}}' >"$work/out"
{ echo slow >"$mnt/dbfs/slow" || :; } 2>"$work/out" &
writer=$!
wait_until "$patience" rule_fired || fail "nothing is sent"
began=$(now_ms)
kill "$brickfs_pid"
wait_until "$patience" is_not_mounted "$mnt"
kill "$brickfs_pid"
ended 3
[ $(($(now_ms) - began)) -lt 15000 ] || fail "it took over 15 s"
wait "$writer" || :
emu_rules_clear

note "a mount waits for one that is still sending"
mount_brickfs
wait_until "$patience" emu_exists /dbfs/slow || fail "it is not taken up"
emu_rule '{"match": {"path": "*/dbfs/put"}, "verb": "status",
    "args": {"code": 503}}' >"$work/out"
{ echo handed >"$mnt/dbfs/over" || :; } 2>"$work/out" &
writer=$!
wait_until "$patience" rule_fired || fail "nothing is sent"
first=$brickfs_pid
kill "$first"
wait_until "$patience" is_not_mounted "$mnt"
mount_forget "$mnt"
# The first one can send, and end, when the second one waits for it.
next_log=$work/brickfs.$((mounts + 1)).log
{
	wait_until "$patience" grep -qs "waiting for process $first" "$next_log"
	emu_rules_clear
} &
clearer=$!
mount_brickfs
wait "$clearer" || fail "it did not wait"
wait "$writer" || :
process_is_gone "$first" || fail "two processes share the state"
expect_content "$mnt/dbfs/over" 'handed
'

note "Ctrl-C while the workspace does not answer, by somebody impatient"
unmount
emu_rule '{"match": {"path": "*/scim/*"}, "verb": "stall"}' >"$work/out"
start_brickfs "$work/interrupted.log" -f -o "host=$emu_url" "$mnt"
wait_until "$patience" rule_fired || fail "the workspace is not asked"
began=$(now_ms)
kill -INT "$brickfs_pid"
kill -TERM "$brickfs_pid"
ended 1
[ $(($(now_ms) - began)) -lt 10000 ] || fail "it took over 10 s"
grep -q interrupted "$work/interrupted.log" || fail "it says nothing"
emu_rules_clear

note "SIGTERM for the command that waits for a mount in the background"
emu_rule '{"match": {"path": "*/scim/*"}, "verb": "stall"}' >"$work/out"
start_brickfs "$work/command.log" -o "host=$emu_url" "$mnt"
wait_until "$patience" rule_fired || fail "the workspace is not asked"
kill "$brickfs_pid"
ended 1
grep -q interrupted "$work/command.log" || fail "it says nothing"
! pgrep -f "^$BRICKFS .*$mnt" >"$work/out" || fail "a process is left"
emu_rules_clear

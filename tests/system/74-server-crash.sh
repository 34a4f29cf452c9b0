#!/bin/sh
# Goal: a service that dies before or after any request of an operation, and comes
# back, costs nothing: what was acknowledged is there, and of a file that was being
# replaced the old or the new content, whole.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 1000 "$work/small"
make_random 1100000 "$work/large"
make_random 5000 "$work/old"
mount_brickfs -o timeout=20,retry_timeout=60,attr_timeout=0,negative_timeout=0 dbfs:/

has_ended() {
	process_is_gone "$emu_pid" || process_is_gone "$op_pid"
}

# crashing WHEN NTH COMMAND...: the emulator dies at the n-th request of the command
# and is started again.  Sets op_status; false when there was no such request.
crashing() {
	when=$1 nth=$2
	shift 2
	emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/*\",\"nth\":$nth},
	    \"verb\":\"crash_after\",\"when\":\"$when\"}"
	"$@" >"$work/op.out" 2>&1 &
	op_pid=$!
	wait_until "$patience" has_ended || fail "$*: neither ends nor crashes"
	crashed=false
	# The command may have ended without a crash, or just after it.
	rules=$(emu GET /emulator/rules 2>/dev/null) || rules=
	if [ "$(echo "$rules" | jq '.rules[0].fired')" != 0 ]; then
		emu_await_crash
		start_emulator
		crashed=true
	fi
	wait_until "$patience" process_is_gone "$op_pid" || fail "$*: hangs"
	op_status=0
	wait "$op_pid" || op_status=$?
	emu_rules_clear
	$crashed
}

# at_each_request NAME PREPARE OPERATION CHECK: functions, called with a new name.
# CHECK looks at op_status.
round=0
at_each_request() {
	note "$1"
	for when in before after; do
		nth=1
		while :; do
			round=$((round + 1))
			"$2" "$round"
			went_on=true
			crashing "$when" "$nth" "$3" "$round" || went_on=false
			"$4" "$round"
			$went_on || break
			nth=$((nth + 1))
		done
		[ "$nth" -gt 1 ] || fail "$1: makes no request"
	done
}

must_have_worked() {
	[ "$op_status" -eq 0 ] || fail "it says: $(cat "$work/op.out")"
}
nothing() {
	:
}

save() {
	cp "$work/large" "$mnt/new$1"
}
is_saved() {
	must_have_worked
	expect_remote "/dbfs/new$1" "$work/large"
	expect_same "$work/large" "$mnt/new$1"
	expect_history_within "/dbfs/new$1" "$work/large"
}
at_each_request 'a new file' nothing save is_saved

have_old() {
	emu_put "/dbfs/over$1" "$work/old"
}
overwrite() {
	cp "$work/small" "$mnt/over$1"
}
is_overwritten() {
	must_have_worked
	expect_remote "/dbfs/over$1" "$work/small"
	expect_same "$work/small" "$mnt/over$1"
	expect_history_within "/dbfs/over$1" "$work/old" "$work/small"
}
at_each_request 'an existing file' have_old overwrite is_overwritten

have_two() {
	emu_put "/dbfs/onto$1" "$work/old"
	emu_put "/dbfs/from$1" "$work/small"
}
replace() {
	mv "$mnt/from$1" "$mnt/onto$1"
}
is_replaced() {
	if [ "$op_status" -eq 0 ]; then
		expect_remote "/dbfs/onto$1" "$work/small"
		expect_no_remote "/dbfs/from$1"
		expect_same "$work/small" "$mnt/onto$1"
		return
	fi
	# What was to be seen is the old or the new file, and the source is not lost.
	echo "# request $nth, $when: $(cat "$work/op.out")"
	cat "$mnt/onto$1" >"$work/seen" || fail "the target is lost"
	if ! cmp -s "$work/seen" "$work/small"; then
		expect_same "$work/old" "$work/seen"
		expect_same "$work/small" "$mnt/from$1"
	fi
}
at_each_request 'a file over another' have_two replace is_replaced

have_dir() {
	emu_put "/dbfs/dir$1/file" "$work/small"
}
move_dir() {
	mv "$mnt/dir$1" "$mnt/moved$1"
}
is_moved() {
	if [ "$op_status" -eq 0 ]; then
		expect_remote "/dbfs/moved$1/file" "$work/small"
		expect_no_remote "/dbfs/dir$1/file"
	elif ! emu_exists "/dbfs/moved$1/file"; then
		expect_remote "/dbfs/dir$1/file" "$work/small"
	fi
}
at_each_request 'a directory' have_dir move_dir is_moved

make_dir() {
	mkdir "$mnt/made$1"
}
is_made() {
	must_have_worked
	[ -d "$mnt/made$1" ] || fail "no directory"
}
at_each_request mkdir nothing make_dir is_made

remove() {
	rm "$mnt/over$1"
}
is_removed() {
	must_have_worked
	expect_no_remote "/dbfs/over$1"
}
at_each_request rm have_old remove is_removed

emu GET '/emulator/tree' | jq -r '.entries[].path' >"$work/list"
! grep -q 'brickfs' "$work/list" || fail "left: $(grep brickfs "$work/list")"
unmount

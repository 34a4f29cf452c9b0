#!/bin/sh
# Goal: calls that were carried out though their answer was lost are found out: no
# error for what is done, no file lost.  (That no block goes out twice:
# tests/unit/test_api_dbfs.)
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 3000000 "$work/want"
make_random 3000 "$work/small"
mount_brickfs -o timeout=10,retry_timeout=30,attr_timeout=0 dbfs:/

# lost CALL HOW
lost() {
	note "$1: $2"
	emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/$1\",\"nth\":1},
	    \"verb\":\"apply_then_fail\",\"args\":{\"how\":\"$2\"}}"
}
for how in close reset status; do
	lost put $how
	cp "$work/small" "$mnt/small-$how"
	expect_remote "/dbfs/small-$how" "$work/small"
	lost put $how
	cp "$work/want" "$mnt/large-$how"
	emu_rules_clear
	expect_remote "/dbfs/large-$how" "$work/want"

	lost mkdirs $how
	mkdir "$mnt/dir-$how"
	emu_rules_clear
	[ -d "$mnt/dir-$how" ] || fail "the directory is not there"

	lost move $how
	mv "$mnt/small-$how" "$mnt/dir-$how/moved"
	emu_rules_clear
	expect_no_remote "/dbfs/small-$how"
	expect_remote "/dbfs/dir-$how/moved" "$work/small"
	expect_same "$work/small" "$mnt/dir-$how/moved"
	[ ! -e "$mnt/small-$how" ] || fail "the old name is shown"

	# Onto a file: any of the two moves, or the deletion.
	for nth in 1 2; do
		emu_put "/dbfs/from-$how-$nth" "$work/small"
		emu_put "/dbfs/onto-$how-$nth" "$work/want"
		emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/move\",
		    \"nth\":$nth},\"verb\":\"apply_then_fail\",
		    \"args\":{\"how\":\"$how\"}}"
		lost delete $how
		mv "$mnt/from-$how-$nth" "$mnt/onto-$how-$nth"
		emu_rules_clear
		expect_remote "/dbfs/onto-$how-$nth" "$work/small"
		expect_same "$work/small" "$mnt/onto-$how-$nth"
		expect_no_remote "/dbfs/from-$how-$nth"
	done

	lost delete $how
	rm "$mnt/large-$how"
	emu_rules_clear
	expect_no_remote "/dbfs/large-$how"
	[ ! -e "$mnt/large-$how" ] || fail "the removed file is shown"
done
emu_api GET '/api/2.0/dbfs/list?path=/' | jq -r '.files[].path' >"$work/list"
! grep -q brickfs "$work/list" || fail "a hidden file is left: $(cat "$work/list")"

note "a move for which a gateway has lost patience may go on: it is sent once"
mkdir "$mnt/slow"
for answer in '"code":504' '"code":503,"error_code":"TEMPORARILY_UNAVAILABLE",
    "message":"The service at this URL is taking too long to process your request."'
do
	emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/move\"},
	    \"verb\":\"status\",\"args\":{$answer}}"
	emu_reset_counters
	expect_failure 'timed out' mv -T "$mnt/slow" "$mnt/moved"
	expect_requests POST /api/2.0/dbfs/move 1
	emu_rules_clear
done
unmount

#!/bin/sh
# Goal: calls that were carried out though their answer was lost are found out: no
# block twice, no error for what is done, no file lost.
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

	# A move is never repeated blindly: it may be reported as failed, but
	# the file is in exactly one place, and the mount shows which.
	lost move $how
	mv "$mnt/small-$how" "$mnt/dir-$how/moved" 2>"$work/err" || :
	emu_rules_clear
	found=0
	if emu_exists "/dbfs/small-$how"; then
		found=$((found + 1))
		expect_same "$work/small" "$mnt/small-$how"
	fi
	if emu_exists "/dbfs/dir-$how/moved"; then
		found=$((found + 1))
		expect_same "$work/small" "$mnt/dir-$how/moved"
	fi
	expect_equal "places of the moved file" 1 $found

	lost delete $how
	rm "$mnt/large-$how" 2>"$work/err" || :
	emu_rules_clear
	expect_no_remote "/dbfs/large-$how"
	[ ! -e "$mnt/large-$how" ] || fail "the removed file is shown"
done
unmount

#!/bin/sh
# Goal: what could not be uploaded is said, kept, listed under .control/pending,
# readable, tried again, and can be given up.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 500000 "$work/want"
# What the kernel knows is not forgotten by itself.
mount_brickfs -o timeout=5,retry_timeout=5,attr_timeout=3600 dbfs:/
control=$mnt/.control

deny() {
	emu_rule '{"match":{"path":"/api/2.0/dbfs/put"},"verb":"status","code":403,
	    "message":"out of paper"}'
}
pending_count() {
	find "$control/pending" -mindepth 1 -maxdepth 1 -type d | wc -l
}
nothing_pending() {
	[ "$(pending_count)" -eq 0 ]
}

note "close fails with the true error, and everything says why"
deny
expect_failure 'ermission denied' cp "$work/want" "$mnt/f"
expect_no_remote /dbfs/f
expect_same "$work/want" "$mnt/f"
expect_equal "pending files" 1 "$(pending_count)"
one=$(find "$control/pending" -mindepth 1 -maxdepth 1 -type d)
expect_content "$one/path" 'f
'
grep -q 'out of paper' "$one/reason" || fail "pending does not say why"
expect_same "$work/want" "$one/data"
grep -q 'out of paper' "$control/errors" || fail ".control/errors does not say why"
expect_output failed getfattr --only-values -n user.brickfs.state "$mnt/f"
getfattr --only-values -n user.brickfs.error "$mnt/f" | grep -q 'out of paper' ||
	fail "user.brickfs.error does not say why"

note "fsync fails, too"
expect_failure 'ermission denied|fsync' dd if="$work/want" of="$mnt/g" bs=1M conv=fsync
rm "$mnt/g"

note "written again, it arrives"
emu_rules_clear
cp "$work/want" "$mnt/f"
expect_remote /dbfs/f "$work/want"
wait_until "$patience" nothing_pending || fail "still pending: $(ls "$control/pending")"
expect_output clean getfattr --only-values -n user.brickfs.state "$mnt/f"

note "a truncate whose upload fails shows what is going to be sent"
size_is() {
	[ "$(stat -c %s "$mnt/f")" -eq "$1" ]
}
size_is 500000 || fail "the file has $(stat -c %s "$mnt/f") bytes"
deny
expect_failure 'ermission denied' \
    python3 -c 'import os, sys; os.truncate(sys.argv[1], 4)' "$mnt/f"
wait_until "$patience" size_is 4 || fail "the file has $(stat -c %s "$mnt/f") bytes, and not 4"
head -c 4 "$work/want" >"$work/short"
expect_same "$work/short" "$mnt/f"
emu_rules_clear
echo 1 >"$control/sync"
expect_remote /dbfs/f "$work/short"

note "retry by hand, and sync: the write says what came of it"
deny
expect_failure 'ermission denied' cp "$work/want" "$mnt/h"
one=$(find "$control/pending" -mindepth 1 -maxdepth 1 -type d)
echo 1 >"$work/1"
expect_failure 'ermission denied' cp "$work/1" "$one/retry"
expect_failure 'ermission denied' cp "$work/1" "$control/sync"
emu_rules_clear
# Unless it has gone by itself meanwhile.
echo 1 >"$one/retry" || ! [ -e "$one" ]
expect_remote /dbfs/h "$work/want"
wait_until "$patience" nothing_pending || fail "it is still listed"
deny
expect_failure 'ermission denied' cp "$work/want" "$mnt/s"
emu_rules_clear
echo 1 >"$control/sync"
expect_remote /dbfs/s "$work/want"

note "a size on the server that is not what was sent is an error"
emu_rule '{"match":{"path":"/api/2.0/dbfs/get-status","target":"/size*"},
    "verb":"size_lie","args":{"d":-1}}'
make_random 1100000 "$work/form"
expect_failure 'I.*O error|Input/output' cp "$work/form" "$mnt/size"
grep -q 'another size than was sent' "$control/pending/"*/reason ||
	fail "pending does not say why"
emu_rules_clear
echo 1 >"$control/sync"
expect_remote /dbfs/size "$work/form"
wait_until "$patience" nothing_pending || fail "it is still pending"

note "given up by removing it"
deny
expect_failure 'ermission denied' cp "$work/want" "$mnt/i"
rm "$mnt/i"
emu_rules_clear
wait_until "$patience" nothing_pending || fail "the removed file is still pending"
expect_no_remote /dbfs/i

note "given up by name"
deny
expect_failure 'ermission denied' cp "$work/want" "$mnt/k"
one=$(find "$control/pending" -mindepth 1 -maxdepth 1 -type d)
basename "$one" >"$one/discard"
emu_rules_clear
wait_until "$patience" nothing_pending || fail "it is still pending"
expect_no_remote /dbfs/k

note "what is still unsent at the unmount is said by the exit status"
deny
expect_failure 'ermission denied' cp "$work/want" "$mnt/j"
unmount "$mnt" 3
emu_rules_clear

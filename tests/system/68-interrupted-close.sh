#!/bin/sh
# Goal: a program that is interrupted while its close waits ends at once; the upload
# goes on, is listed as pending meanwhile, and arrives.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
mount_brickfs dbfs:/
echo data >"$work/want"
pending=$mnt/.control/pending
emu_rule '{"match":{"path":"/api/2.0/dbfs/put","times":1},"verb":"delay","ms":6000}'

note "interrupted after a second"
began=$(now_ms)
status=0
timeout -s INT 1 cp "$work/want" "$mnt/f" 2>"$work/err" || status=$?
[ "$status" -ne 0 ] || fail "the close did not wait"
[ $(($(now_ms) - began)) -lt 3000 ] || fail "the program did not end"

note "the upload goes on, and is listed"
expect_output uploading cat "$pending/1/state"
expect_output f cat "$pending/1/path"
expect_same "$work/want" "$pending/1/data"
expect_same "$work/want" "$mnt/f"

note "it arrives, and is not listed any more"
arrived() {
	emu_get /dbfs/f 2>/dev/null | cmp -s - "$work/want" &&
		[ -z "$(ls "$pending")" ]
}
wait_until "$patience" arrived || fail "it does not arrive: $(ls "$pending")"
unmount

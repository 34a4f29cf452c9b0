#!/bin/sh
# Goal: connections are opened when the mount is there, not when the first file is read,
# without a question that is rate-limited or wants a credential; and they are kept.
. "$(dirname "$0")/../support/lib.sh"

document='GET /.well-known/databricks-config'

connections_are() {
	[ "$(metric brickfs_http_connections_total)" -eq "$1" ]
}

note "four for content, besides the one that has asked for the mount"
start_emulator
for i in 1 2 3 4; do
	emu_put_text "/dbfs/f$i" "content $i"
done
emu_reset_counters
mount_brickfs dbfs:/
wait_until "$patience" connections_are 5 || fail "$(cat "$mnt/.control/metrics")"
expect_requests GET /.well-known/databricks-config 4
emu GET /emulator/log >"$work/requests"
expect_equal "tokens sent for $document" '[""]' "$(jq -c '[.requests[] |
    select(.target | startswith("/.well-known")) | .token] | unique' \
    "$work/requests")"

note "files are read on them"
for i in 1 2 3 4; do
	cat "$mnt/f$i" >"$work/got$i" &
done
wait_until "$patience" file_has_content "$work/got4"
for i in 1 2 3 4; do
	wait_until "$patience" file_has_content "$work/got$i" ||
		fail "f$i is not read"
	expect_content "$work/got$i" "content $i"
done
connections_are 5 || fail "more connections than were opened"
expect_requests GET /.well-known/databricks-config 4
unmount

note "a service that has no such document is none the worse for it"
emu_rule '{"match":{"path":"/.well-known/*"},"verb":"status","code":404}'
mount_brickfs dbfs:/
wait_until "$patience" connections_are 5 || fail "$(cat "$mnt/.control/metrics")"
unmount
emu_rules_clear

note "one that does not answer to it delays neither the mount nor its end"
emu_rule '{"match":{"path":"/.well-known/*"},"verb":"stall"}'
mount_brickfs dbfs:/
expect_content "$mnt/f1" "content 1"
expect_equal "errors" 1 "$(wc -l <"$mnt/.control/errors")"
unmount
emu_rules_clear

#!/bin/sh
# Goal: what the emulator acknowledged is there after SIGKILL, open write handles
# and history too, and nothing half.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 3000000 "$work/large"
make_random 1000 "$work/small"
emu_put /dbfs/dir/small "$work/small"
emu_put_text '/dbfs/dir/na\me:with	everything %2F' x
emu POST /api/2.0/dbfs/put -F path=/large -F "contents=@$work/large" -o /dev/null
handle=$(emu_api POST /api/2.0/dbfs/create '{"path":"/stream"}' | jq .handle)
block() {
	emu_api POST /api/2.0/dbfs/add-block \
	    "{\"handle\":$handle,\"data\":\"$(printf %s "$1" | base64)\"}" \
	    >/dev/null
}
block 'before '
emu_history /dbfs/large >"$work/history"

note "killed"
stop_emulator KILL
start_emulator
expect_remote /dbfs/dir/small "$work/small"
expect_remote /dbfs/large "$work/large"
expect_remote_text '/dbfs/dir/na\me:with	everything %2F' x
expect_no_remote /dbfs/stream
emu_history /dbfs/large >"$work/history2"
expect_same "$work/history" "$work/history2"
block after
emu_api POST /api/2.0/dbfs/close "{\"handle\":$handle}" >/dev/null
expect_remote_text /dbfs/stream 'before after'

twenty_acknowledged() {
	[ "$(wc -l <"$work/acknowledged")" -ge 20 ]
}
note "killed again and again while clients write"
for round in 1 2 3 4 5; do
	i=0
	: >"$work/acknowledged"
	(
		trap - EXIT
		while :; do
			i=$((i + 1))
			printf '%s' "$round $i" >"$work/.sent"
			emu POST /api/2.0/dbfs/put -F "path=/k/$round-$i" \
			    -F "contents=@$work/.sent" -o /dev/null \
			    2>/dev/null || exit 0
			echo "$round $i" >>"$work/acknowledged"
		done
	) &
	writer=$!
	wait_until "$patience" twenty_acknowledged || fail "nothing is acknowledged"
	stop_emulator KILL
	wait "$writer" || :
	start_emulator
	while read -r round i; do
		expect_remote_text "/dbfs/k/$round-$i" "$round $i"
	done <"$work/acknowledged"
done
expect_equal "left over in the root" '' \
    "$(find "$work/root/.state/tmp" -type f)"

note "write handles are lost at a restart when asked for"
handle=$(emu_api POST /api/2.0/dbfs/create '{"path":"/lost"}' | jq .handle)
stop_emulator
start_emulator --handles lose
expect_failure 404 emu_api POST /api/2.0/dbfs/close "{\"handle\":$handle}"

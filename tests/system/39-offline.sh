#!/bin/sh
# Goal: with -o offline what is known is shown while the service cannot be reached, and
# everything else fails at once; when it is back all is checked again and what was
# written meanwhile arrives.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 3000000 "$work/want"
make_random 2000000 "$work/other"
emu_put /dbfs/t/read "$work/want"
emu_put /dbfs/t/unread "$work/want"
emu_put_text /dbfs/t/sub/small text
emu_put_text /dbfs/t/changes before
emu_put_text /dbfs/never/listed text
common=attr_timeout=1,negative_timeout=0,timeout=3,retry_timeout=6,drain_timeout=1

# status: is it offline?
is_offline() {
	[ "$(jq .offline "$mnt/.control/status.json")" = true ]
}
is_back() {
	! is_offline
}
learn() {
	ls -lR "$mnt/t" >"$work/listing"
	expect_same "$work/want" "$mnt/t/read"
	expect_content "$mnt/t/changes" before
}
# Past attr_timeout, so that nothing is fresh any more.
grow_old() {
	sleep 1.2
}
says() {
	grep -c "offline: $1" "$mount_log" || :
}

note "without it nothing is shown that is too old"
mount_brickfs -o "$common" dbfs:/
learn
stop_emulator
grow_old
expect_failure 'refused|unreachable|timed out' ls "$mnt/t"
unmount "$mnt" any
start_emulator

note "who finds out that the service is gone is shown what is known, too"
for first in 'ls -lR' 'stat' 'cat'; do
	mount_brickfs -o "offline,$common" dbfs:/
	learn
	[ "$first" = 'ls -lR' ] || cat "$mnt/t/sub/small" >"$work/out"
	stop_emulator
	grow_old
	case $first in
	ls*)
		ls -lR "$mnt/t" >"$work/out" 2>"$work/err" ||
			fail "ls: $(cat "$work/err")"
		expect_same "$work/listing" "$work/out"
		;;
	stat) expect_output 4 stat -c %s "$mnt/t/sub/small" ;;
	cat) expect_content "$mnt/t/sub/small" text ;;
	esac
	is_offline || fail "it does not say that it is offline"
	unmount
	start_emulator
done

note "with it: names, attributes, content that is here"
mount_brickfs -o "offline,$common" dbfs:/
learn
stop_emulator
grow_old
expect_failure 'refused|unreachable|timed out' ls "$mnt/never"
is_offline || fail "it does not say that it is offline"
for round in 1 2; do
	ls -lR "$mnt/t" >"$work/out"
	expect_same "$work/listing" "$work/out"
	expect_same "$work/want" "$mnt/t/read"
	# Not from the kernel's pages.
	dd if="$mnt/t/read" of="$work/out" bs=1M iflag=direct 2>"$work/err" ||
		fail "$(cat "$work/err")"
	expect_same "$work/want" "$work/out"
	expect_content "$mnt/t/changes" before
	[ ! -e "$mnt/t/absent$round" ] || fail "there is a file that nobody made"
	grow_old
done

note "what is not here fails with the network's error, at once"
began=$(now_ms)
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	expect_failure 'refused|unreachable|timed out' ls "$mnt/never"
	expect_failure 'refused|unreachable|timed out' cat "$mnt/t/unread"
	expect_failure 'refused|unreachable|timed out' mkdir "$mnt/t/new$i"
done
# Trying to reach it takes 3 s each time.
[ $(($(now_ms) - began)) -lt 60000 ] || fail "they wait for the network"
ls -lR "$mnt/t" >"$work/out"
expect_same "$work/listing" "$work/out"

note "what is written stays here, pending"
expect_failure 'failed to close|cannot create' cp "$work/other" "$mnt/t/written"
expect_same "$work/other" "$mnt/t/written"
[ "$(jq .unsent_files "$mnt/.control/status.json")" -gt 0 ] ||
	fail "it is not pending"
expect_equal "said" 1 "$(says 'the service cannot be reached')"
expect_equal "said" 0 "$(says 'the service answers again')"

note "what is pending is shown as it is now"
pending() {
	find "$mnt/.control/pending" -mindepth 2 -name path -exec cat {} + | sort
}
expect_equal "pending" 't/written' "$(pending)"
expect_failure 'failed to close|cannot create' cp "$work/other" "$mnt/t/second"
expect_equal "pending" 't/second
t/written' "$(pending)"
rm "$mnt/t/second"
expect_equal "pending" 't/written' "$(pending)"
# The next try of what has failed so often is minutes away.
for i in 1 2 3 4 5 6; do
	# shellcheck disable=SC2016 # for the shell that writes
	expect_failure 'refused|unreachable|timed out' sh -c 'echo 1 | tee "$1"' sh \
	    "$mnt/.control/pending/1/retry"
done

note "it is back: all is checked again, and what was written arrives"
printf 'after\n' >"$work/root/dbfs/t/changes"
echo new >"$work/root/dbfs/t/new"
start_emulator
wait_until "$patience" is_back || fail "it stays offline"
expect_content "$mnt/t/changes" 'after
'
expect_content "$mnt/t/new" 'new
'
expect_same "$work/want" "$mnt/t/unread"
expect_content "$mnt/never/listed" text
arrived() {
	emu_get /dbfs/t/written 2>/dev/null | cmp -s - "$work/other"
}
wait_until "$patience" arrived || fail "what was written does not arrive"
expect_equal "said" 1 "$(says 'the service cannot be reached')"
expect_equal "said" 1 "$(says 'the service answers again')"

note "a refusal, an error and a busy service are answers"
for rule in '"status","code":403' '"status","code":500' '"status","code":429'; do
	emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/*\",\"target\":\"/never*\"},\"verb\":$rule}"
	grow_old
	ls "$mnt/never" >"$work/out" 2>&1 || :
	is_back || fail "it went offline by $rule"
	emu_rules_clear
done
expect_equal "said" 1 "$(says 'the service cannot be reached')"

note "a service that takes everything and says nothing is gone, too"
unmount
mount_brickfs -o "offline,attr_timeout=1,negative_timeout=0,drain_timeout=1" dbfs:/
ls -lR "$mnt/t" >"$work/listing"
grow_old
kill -s STOP "$emu_pid"
begun=$(date +%s)
expect_failure 'timed out' ls "$mnt/never"
is_offline || fail "it does not say that it is offline"
ls -lR "$mnt/t" >"$work/out" || fail "what is known is not shown"
expect_same "$work/listing" "$work/out"
took=$(($(date +%s) - begun))
[ "$took" -lt 60 ] || fail "it took $took s to find out"
kill -s CONT "$emu_pid"
wait_until 60 is_back || fail "it is not back"
ls "$mnt/never" >"$work/out" || fail "it does not ask again"

note "a mount that is taken away meanwhile ends"
stop_emulator
grow_old
expect_failure 'refused|unreachable|timed out' mkdir "$mnt/never/new"
is_offline || fail "it does not say that it is offline"
unmount
start_emulator

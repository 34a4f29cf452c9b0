#!/bin/sh
# Goal: a service that answers 429 and 503 for a while, to some or to all, is asked
# seldom and soon again, and no program notices but by waiting; what a program waits for
# goes before what is read ahead; a limit that is enforced is kept.
# TEST_STORM_SECONDS (15) is how long it storms.
. "$(dirname "$0")/../support/lib.sh"

storm=${TEST_STORM_SECONDS:-15}
latency=20
clients=7 # of the loops below
part=$((storm / 5))
emulated=$work/root/dbfs

at_exit() {
	: >"$work/stop"
}

# loop NAME COMMAND...: again and again with a number; what fails is in $work/failed.
loop() {
	loop_name=$1
	shift
	n=0
	echo 0 >"$work/count.$loop_name"
	until [ -e "$work/stop" ]; do
		n=$((n + 1))
		"$@" $n >>"$work/loop.$loop_name" 2>&1 ||
			echo "$loop_name: $* $n: status $?" >>"$work/failed"
		echo $n >"$work/counting.$loop_name"
		mv "$work/counting.$loop_name" "$work/count.$loop_name"
	done
}

# Every file once: nothing comes from a cache.
read_some() {
	file=d0000$1/$(printf 'f%05d' "$2")
	[ -e "$emulated/many/$file" ] || return 0
	cmp "$emulated/many/$file" "$mnt/many/$file"
}

write_some() {
	head -c "$(($2 * 997 % 200000))" /dev/urandom >"$work/w.$1.$2"
	cp "$work/w.$1.$2" "$mnt/w.$1.$2"
	echo "w.$1.$2" >>"$work/written.$1"
}

list_some() {
	ls -l "$mnt/many/d0000$(($1 % 4))" >"$work/list" &&
		[ "$(wc -l <"$work/list")" -eq 501 ]
}

loop_goes_on() {
	[ "$(cat "$work/count.$1")" -gt "$2" ]
}

all_go_on() {
	for i in read0 read1 read2 read3 write0 write1 list; do
		count=$(cat "$work/count.$i")
		wait_until "$patience" loop_goes_on "$i" "$count" ||
			fail "$i stands still"
	done
}

was_throttled() {
	[ "$(metric 'brickfs_rate_throttled_total{family="dbfs"}')" -gt 0 ]
}

# rain HOW RULE: for a while.
rain() {
	note "$1: $2"
	emu_rule "$2"
	sleep "$part"
	emu_rules_clear
}

# pour RULE: on all, and few requests are sent.  Each client alone would send another
# one with each answer.
sent=0
pour() {
	emu_reset_counters
	rain "all" "$1"
	got=$(emu_counter errors)
	[ "$got" -gt 0 ] || fail "nothing was sent"
	sent=$((sent + got))
	all_go_on
}

note "programs at work"
start_emulator --latency "$latency"
emu_make /dbfs/many 4 500 300000
mount_brickfs -o attr_timeout=1,negative_timeout=1,cache_mem=16M dbfs:/
loops=
for i in 0 1 2 3; do
	loop "read$i" read_some "$i" &
	loops="$loops $!"
done
for i in 0 1; do
	loop "write$i" write_some "$i" &
	loops="$loops $!"
done
loop list list_some &
loops="$loops $!"
sleep 1

all='"match":{"path":"/api/2.0/dbfs/*"}'
rain "every second one" '{"match":{"path":"/api/2.0/dbfs/*","p":0.5,"seed":7},
    "verb":"status","code":429}'
all_go_on
pour "{$all,\"verb\":\"status\",\"code\":429}"
pour "{$all,\"verb\":\"retry_after\",\"in\":1}"
pour "{$all,\"verb\":\"status\",\"code\":503}"
rain "most" '{"match":{"path":"/api/2.0/dbfs/*","p":0.7,"seed":8},
    "verb":"retry_after","code":503,"value":1}'

naive=$((clients * 3 * part * 1000 / latency))
note "$sent requests in $((3 * part)) s in which all failed; a loop would send $naive"
[ "$sent" -lt $((naive / 20)) ] || fail "too many"

note "everybody goes on"
all_go_on
: >"$work/stop"
for i in $loops; do
	wait "$i"
done

note "nobody has noticed, and all bytes are right"
[ ! -e "$work/failed" ] || {
	cat "$work/failed" "$work"/loop.*
	fail "a program has seen an error"
}
cat "$work"/written.* | while read -r file; do
	expect_remote "/dbfs/$file" "$work/$file"
done
expect_equal "errors" 1 "$(wc -l <"$mnt/.control/errors")"
was_throttled || fail "the metrics know of no 429"
unmount
stop_emulator

note "ls goes before what is read ahead"
start_emulator
mkdir "$emulated/small1"
for i in 1 2 3 4; do
	make_random 40M "$emulated/large$i"
done
mount_brickfs -o attr_timeout=600,cache_mem=256M dbfs:/
ls "$mnt" >/dev/null

waiting() {
	metric "brickfs_rate_waiting{family=\"dbfs\",class=\"$1\"}"
}

waits_more() {
	[ "$(waiting "$1")" -gt "$2" ]
}

# What has left after the hold, as it came to the service.
after_the_hold() {
	emu GET '/emulator/log?max=4096' | jq -r '.requests | sort_by(.time) |
	    (map(select(.status == 429))[0].time + 11000) as $over |
	    .[] | select(.time > $over) | "\(.status) \(.target)"'
}

readers=
for i in 1 2 3 4; do
	cmp "$emulated/large$i" "$mnt/large$i" &
	readers="$readers $!"
done
emu_rule '{"match":{"path":"/api/2.0/dbfs/read","nth":24},
    "verb":"retry_after","value":12}'
wait_until "$patience" was_throttled || fail "nothing is held"
wait_until 6 waits_more demand 3 || fail "the readers do not wait"
wait_until 6 waits_more ahead 0 || fail "nothing is read ahead"
before=$(waiting demand)
ls "$mnt/small1" &
list=$!
wait_until 6 waits_more demand "$before" || fail "ls does not wait"
before=$(waiting demand)
wait "$list"
after_the_hold >"$work/order"
grep -n 'dbfs/list.*small1' "$work/order" >"$work/position" ||
	fail "no listing in the log: $(cat "$work/order")"
# What leaves in the same millisecond may change places.
[ "$(cut -d: -f1 "$work/position")" -le $((before + 3)) ] || {
	cat "$work/order"
	fail "ls comes after more than the $before that programs waited for"
}
for i in $readers; do
	wait "$i" || fail "a reader has failed"
done
unmount

note "a limit that is enforced is kept"
emu_set rate-limit 30
emu_rules_clear
emu_reset_counters
mount_brickfs -o cache_mem=256M,cache_disk=0 dbfs:/
expect_same "$emulated/large1" "$mnt/large1"
expect_same "$emulated/large2" "$mnt/large2"
expect_same "$emulated/large3" "$mnt/large3"
refused=$(emu_counter errors)
all=$(emu_counter requests)
note "$refused of $all requests were refused"
[ "$all" -gt 120 ] || fail "there were more to be counted"
[ "$refused" -lt $((all / 5)) ] || fail "too many"

note "where there is none, more is asked for"
unmount
emu_set rate-limit 0
emu_make /dbfs/small1 1 600 100
mount_brickfs dbfs:/
find "$mnt/small1" -type f -print0 | xargs -0 -n 20 -P 4 cat >"$work/got"
expect_equal "bytes read" 60000 "$(wc -c <"$work/got")"
rate=$(metric 'brickfs_rate_limit{family="dbfs"}')
[ "${rate%.*}" -gt 30 ] || fail "$rate requests a second are still the limit"

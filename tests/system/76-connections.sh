#!/bin/sh
# Goal: whatever becomes of connections, calls end in time, interrupted or by
# themselves, other files go on, and the mount goes on when the network does.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 1500000 "$work/want"
make_random 1000 "$work/small"
mkdir -p "$work/root/dbfs"
for i in $(seq 30); do
	cp "$work/want" "$work/root/dbfs/f$i"
done
# Names are known, so that what is written without a network can be told from what
# cannot even be opened.
mount_brickfs -o timeout=3,retry_timeout=30,cache_mem=8M,attr_timeout=600 \
    -o negative_timeout=600 dbfs:/
ls -l "$mnt" >"$work/out"

# new_file: one that nobody has read, in $file.
files=0
new_file() {
	files=$((files + 1))
	file=$mnt/f$files
}

# ends COMMAND...: with an error, in time.
ends() {
	status=0
	timeout -k 5 60 "$@" >"$work/out" 2>"$work/err" || status=$?
	case $status in
	0) fail "$*: success without a network" ;;
	124 | 137) fail "$*: hangs" ;;
	esac
	grep -qE 'timed out|refused|unreachable|I/O error' "$work/err" ||
		fail "$*: says: $(cat "$work/err")"
}

# in_the_middle NETWORK: it fails so while a file is read and one is written; then it
# comes back, within the patience of both or after it.
in_the_middle() {
	note "the network: $1, and back while calls wait"
	new_file
	emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/*\",\"nth\":1},
	    \"verb\":\"set\",\"name\":\"network\",\"value\":\"$1\"}"
	cp "$file" "$work/copy" 2>"$work/copy.err" &
	reader=$!
	cp "$work/want" "$mnt/written-$1" 2>"$work/write.err" &
	writer=$!
	down() {
		[ "$(emu GET /emulator/settings | jq -r .network)" = "$1" ]
	}
	wait_until "$patience" down "$1" || fail "it was not met"
	emu_set network up
	emu_rules_clear
	wait $reader || fail "reading: $(cat "$work/copy.err")"
	wait $writer || fail "writing: $(cat "$work/write.err")"
	expect_same "$work/want" "$work/copy"
	expect_remote "/dbfs/written-$1" "$work/want"

	note "the network: $1, and stays so"
	new_file
	emu_set network "$1"
	emu POST /emulator/connections/drop -o /dev/null -d '{"which":"all"}'
	ends dd if="$file" of=/dev/null bs=1M
	ends cp "$work/small" "$mnt/unwritten-$1"
	ends mkdir "$mnt/dir-$1"
	note "... Ctrl-C ends a caller at once"
	timeout -k 5 -s INT 1 cat "$file" >"$work/out" 2>&1 &
	caller=$!
	wait_until 30 process_is_gone $caller || fail "it cannot be interrupted"
	wait $caller || :
	emu_set network up
	echo 1 >"$mnt/.control/sync"
	expect_remote "/dbfs/unwritten-$1" "$work/small"
	expect_same "$work/want" "$file"
}
for network in refuse stall drop; do
	in_the_middle $network
done

note "connections that are dropped while nobody uses them"
for how in close reset stall; do
	new_file
	emu POST /emulator/connections/drop -o /dev/null -d "{\"how\":\"$how\"}"
	expect_same "$work/want" "$file"
	cp "$work/small" "$mnt/idle-$how"
	expect_remote "/dbfs/idle-$how" "$work/small"
	new_file
	emu_rule "{\"match\":{\"nth\":2},\"verb\":\"drop_idle\",\"how\":\"$how\"}"
	expect_same "$work/want" "$file"
	emu_rules_clear
done

note "the service restarts, before or after any request"
for when in before after; do
	for nth in 1 2 3; do
		new_file
		emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/*\",\"nth\":$nth},
		    \"verb\":\"restart\",\"when\":\"$when\"}"
		cp "$file" "$work/copy"
		cp "$work/want" "$mnt/restart-$when-$nth"
		emu_rules_clear
		expect_same "$work/want" "$work/copy"
		expect_remote "/dbfs/restart-$when-$nth" "$work/want"
	done
done

note "three connections, and no more"
emu POST /emulator/connections/drop -o /dev/null -d '{"which":"all"}'
emu_set max-conn 3
for i in 1 2 3; do
	new_file
	expect_same "$work/want" "$file"
	cp "$work/want" "$mnt/few$i"
	expect_remote "/dbfs/few$i" "$work/want"
done
emu_set max-conn 0

note "slow lines and slow answers are no failures while bytes move"
new_file
emu_rule '{"match":{"path":"/api/2.0/dbfs/*"},"verb":"bandwidth","bps":1500000}'
emu_rule '{"match":{"path":"/api/2.0/dbfs/*"},"verb":"delay","ms":10,"jitter":200}'
expect_same "$work/want" "$file"
cp "$work/want" "$mnt/slowly"
expect_remote /dbfs/slowly "$work/want"
emu_rules_clear

note "an answer that stalls, and goes on in time"
new_file
emu_rule '{"match":{"path":"/api/2.0/dbfs/read","nth":1},"verb":"stall",
    "after":1000,"s":1}'
expect_same "$work/want" "$file"
emu_rules_clear

note "nothing odd was sent, and nothing odd arrived"
expect_invariants "$work/want" "$work/small"
unmount

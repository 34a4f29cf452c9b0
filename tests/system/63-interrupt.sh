#!/bin/sh
# Goal: Ctrl-C ends a stuck call within a second, also with every thread busy.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 3000000 "$work/want"
emu_put /dbfs/f "$work/want"
emu_make /dbfs/many 0 100 10
mount_brickfs -o cache_mem=8M,attr_timeout=0 dbfs:/
ls -l "$mnt/many" >/dev/null

# An interrupted program says nothing; python keeps SIGINT's default from being
# ignored in the background.
cat >"$work/call.py" <<'PYTHON'
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
open(sys.argv[2], "w").close()
if sys.argv[1] == "read":
    os.read(os.open(sys.argv[3], os.O_RDONLY), 100)
elif sys.argv[1] == "list":
    os.listdir(sys.argv[3])
elif sys.argv[1] == "mkdir":
    os.mkdir(sys.argv[3])
elif sys.argv[1] == "write":
    with open(sys.argv[3], "w") as f:
        f.write("x")
elif sys.argv[1] == "replace":
    os.replace(sys.argv[3] + ".new", sys.argv[3])
PYTHON
serial=0
# It has said that it starts, so what it sleeps in is the call.
is_asleep() {
	read -r _ _ state _ <"/proc/$1/stat"
	[ "$state" = S ]
}
stuck() {
	serial=$((serial + 1))
	python3 "$work/call.py" "$1" "$work/started.$serial" "$2" \
	    >/dev/null 2>&1 &
	stuck_pid=$!
	wait_until "$patience" test -e "$work/started.$serial"
	wait_until "$patience" is_asleep "$stuck_pid" || fail "it is not stuck"
}
requests_reach() {
	[ "$(emu GET /emulator/rules | jq '[.rules[].fired] | add')" -ge "$1" ]
}
stall_all() {
	emu_rule '{"match":{"path":"/api/2.0/dbfs/*"},"verb":"stall"}'
}

# Ends what is stuck, within a second.
ctrl_c() {
	began=$(now_ms)
	kill -INT "$stuck_pid"
	wait_until 5 process_is_gone "$stuck_pid" || fail "Ctrl-C does not end it"
	took=$(($(now_ms) - began))
	[ $took -lt 1000 ] || fail "it took $took ms"
}

for call in "read $mnt/f" "list $mnt" "mkdir $mnt/new" "write $mnt/written"; do
	note "one stuck $call"
	stall_all
	# shellcheck disable=SC2086 # two words
	stuck $call
	wait_until "$patience" requests_reach 1 || fail "no request was made"
	ctrl_c
	emu_rules_clear
done

note "one stuck in the midst of a replace, which goes on and ends"
emu_put_text /dbfs/old 'old'
emu_put_text /dbfs/old.new 'new'
ls "$mnt" >/dev/null
emu_rule '{"match":{"path":"/api/2.0/dbfs/move","nth":1},"verb":"delay","ms":4000}'
stuck replace "$mnt/old"
wait_until "$patience" requests_reach 1 || fail "no request was made"
ctrl_c
expect_content "$mnt/old.new" new
is_replaced() {
	[ ! -e "$mnt/old.new" ] && [ "$(cat "$mnt/old")" = new ]
}
wait_until "$patience" is_replaced || fail "the replace was not finished"
expect_output new emu_get /dbfs/old
emu_rules_clear

note "... and what comes after it comes after it"
emu_put_text /dbfs/b 'old'
emu_put_text /dbfs/b.new 'new'
ls "$mnt" >/dev/null
emu_rule '{"match":{"path":"/api/2.0/dbfs/move","nth":1},"verb":"delay","ms":2000}'
stuck replace "$mnt/b"
wait_until "$patience" requests_reach 1 || fail "no request was made"
ctrl_c
mv "$mnt/b" "$mnt/c"
expect_content "$mnt/c" new
[ ! -e "$mnt/b" ] || fail "the renamed file is there"
expect_output new emu_get /dbfs/c
expect_no_remote /dbfs/b
expect_no_remote /dbfs/b.new
emu_rules_clear

note "a rename of content that is here is finished, too"
emu_put_text /dbfs/t 'target'
echo moved >"$mnt/t.new"
emu_rule '{"match":{"path":"/api/2.0/dbfs/put","nth":1},"verb":"delay","ms":2000}'
stuck replace "$mnt/t"
wait_until "$patience" requests_reach 1 || fail "no request was made"
ctrl_c
is_moved() {
	[ ! -e "$mnt/t.new" ] && [ "$(cat "$mnt/t")" = moved ]
}
wait_until "$patience" is_moved || fail "the rename was not finished"
expect_output moved emu_get /dbfs/t
wait_until "$patience" emu_is_missing /dbfs/t.new || fail "the old name is there"
emu_rules_clear

note "100 stuck calls, and one more is interrupted within a second"
stall_all
all=
i=0
while [ $i -lt 100 ]; do
	stuck read "$mnt/many/f$(printf %05d $i)"
	all="$all $stuck_pid"
	i=$((i + 1))
done
stuck read "$mnt/f"
ctrl_c
note "took $took ms"
began=$(now_ms)
# shellcheck disable=SC2086 # a list
kill -INT $all
for pid in $all; do
	wait_until 10 process_is_gone "$pid" || fail "one is left"
done
note "all of them: $(($(now_ms) - began)) ms"
emu_rules_clear
expect_same "$work/want" "$mnt/f"
unmount "$mnt" 0

#!/bin/sh
# Goal: bench/run measures: a cold read and an upload, tiny, on the delayed link
# where that can be had and on the emulator's delay; it finds the requests that
# cannot be saved, writes JSON, and leaves no process, mount or file.
. "$(dirname "$0")/../support/lib.sh"

need_fuse
[ -x "$EMULATOR" ] || skip "$EMULATOR is not built"
command -v openssl >/dev/null || skip "openssl is not installed"

# What a run leaves: directories, mounts, processes.
traces() {
	find "$work/place/bench" -mindepth 1 -type d
	grep "$work/place/" /proc/self/mountinfo || :
	pgrep -f "^$work/place/|work.py .*$work/place/" || :
}

# A build directory of its own, so that the traces are its own.
mkdir -p "$work/place/bench"
for program in brickfs brickfs-emulator bench/link bench/passthrough; do
	ln -s "$builddir/$program" "$work/place/$program"
done
builddir=$work/place
export builddir

for link in --link --no-link; do
	note "a self-test with $link"
	"$srcdir/bench/run" --self-test "$link" --json "$work/json" >"$work/table" ||
		fail "bench/run --self-test $link: $(cat "$work/table")"
	expect_output "read write" jq -r '[.rows[].row] | join(" ")' "$work/json"
	expect_output true jq '[.rows[] | .median > 0 and .of_floor > 0 and .peak > 0
	    and .requests == .least_requests and (.cpu | length) == 1] | all' \
	    "$work/json"
	expect_equal "lines of rows" 2 "$(grep -c '^open ' "$work/table")"
	expect_output "" traces
done

note "a signal ends it, and leaves nothing"
"$srcdir/bench/run" --quick --row storm --profile default --no-peers \
    >"$work/table" 2>&1 &
bench=$!
at_exit() {
	kill "$bench" 2>/dev/null && wait "$bench"
}
storm_is_on() {
	pgrep -f "work.py storm 10 $work/place/" >/dev/null
}
wait_until "$patience" storm_is_on || fail "no storm: $(cat "$work/table")"
kill -TERM "$bench"
status=0
wait "$bench" || status=$?
expect_equal "status" 130 "$status"
expect_output "" traces

note "killed, it leaves two directories, which the next run removes"
"$srcdir/bench/run" --quick --row storm --profile default --no-peers \
    >"$work/table" 2>&1 &
bench=$!
wait_until "$patience" storm_is_on || fail "no storm: $(cat "$work/table")"
kill -KILL "$bench"
wait "$bench" || :
only_directories() {
	! traces | grep -qv "^$work/place/bench/"
}
wait_until "$patience" only_directories || fail "left: $(traces)"
"$srcdir/bench/run" --self-test --row write >"$work/table"
expect_output "" traces

note "what cannot be"
expect_failure "no row is called nonsense" "$srcdir/bench/run" --row nonsense
expect_failure "is not built" env builddir="$work/none" "$srcdir/bench/run" --no-peers

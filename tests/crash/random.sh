#!/bin/sh
# Goal: random operations of several threads, and brickfs or the service killed at random
# instants: after the next mount every name has what was acknowledged; also while the
# service fails now and then, and when not all was sent before the next death; and in the
# Workspace, with notebooks.  ROUNDS and SEED in the environment choose others; by hand:
# soak.py --help.
. "$(dirname "$0")/../support/lib.sh"

need_fuse
rounds=${ROUNDS:-100}
seed=${SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
blocks=$builddir/tests/crash/brickfs-blocks
[ -x "$blocks" ] || fail "$blocks: make it first"
# soak ROUNDS OPTION...
soak() {
	count=$1
	shift
	note "$count rounds${1:+ with $1}, seed $seed"
	PYTHONDONTWRITEBYTECODE=1 python3 "$srcdir/tests/crash/soak.py" "$work" \
	    "$BRICKFS" "$EMULATOR" --blocks "$blocks" --seed "$seed" \
	    --rounds "$count" "$@" || fail "see above"
	rm -rf "$work/root" "$work/state"
}
soak "$((rounds / 2))"
soak "$((rounds / 4))" --faults
soak "$((rounds / 4))" --unsettled
soak "$((rounds / 4))" --tree workspace

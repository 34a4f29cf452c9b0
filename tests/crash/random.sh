#!/bin/sh
# Goal: random operations of several threads, and brickfs killed at random instants:
# after the next mount every name has what was acknowledged; also while the service
# fails now and then.  ROUNDS and SEED in the environment choose others; by hand:
# soak.py --help.
. "$(dirname "$0")/../support/lib.sh"

need_fuse
# soak ARGUMENT...
soak() {
	PYTHONDONTWRITEBYTECODE=1 python3 "$srcdir/tests/crash/soak.py" "$work" \
	    "$BRICKFS" "$EMULATOR" "$@" || fail "see above"
}
soak --seed "${SEED:-1}" --rounds "${ROUNDS:-200}"
rm -rf "$work/root" "$work/state"
soak --seed "$((${SEED:-1} + 1))" --rounds "$((${ROUNDS:-200} / 4))" --faults

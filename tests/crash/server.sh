#!/bin/sh
# Goal: the service may die at every change that it is asked for, before it is done or
# with the answer lost: what was acknowledged is there when it is back.
# Arguments: the scenarios of points.py to run; all, without.
. "$(dirname "$0")/../support/lib.sh"

need_fuse
PYTHONDONTWRITEBYTECODE=1 python3 "$srcdir/tests/crash/points.py" "$work" "$BRICKFS" \
    "$EMULATOR" none server "$@" || fail "see above"

#!/bin/sh
# Goal: the power may go at every write to the journal, and what was not synced with it:
# what was acknowledged is there after the next mount, whole, and nothing else ever is on
# the server.
# Arguments: the scenarios of points.py to run; all, without.
. "$(dirname "$0")/../support/lib.sh"

killer=$builddir/tests/crash/killer.so
[ -f "$killer" ] || fail "$killer is not built"
need_fuse
# The library is there before the sanitizer's.
export ASAN_OPTIONS="verify_asan_link_order=0:$ASAN_OPTIONS"
PYTHONDONTWRITEBYTECODE=1 python3 "$srcdir/tests/crash/points.py" "$work" "$BRICKFS" \
    "$EMULATOR" "$killer" power "$@" || fail "see above"

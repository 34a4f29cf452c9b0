#!/bin/sh
# Goal: what random-operations says holds with -o writeback, too.
options=,writeback=0.3
STEPS=${STEPS:-90}
# shellcheck source=tests/model/random-operations.sh
. "$(dirname "$0")/random-operations.sh"

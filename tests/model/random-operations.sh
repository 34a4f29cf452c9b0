#!/bin/sh
# Goal: random operations by several threads on the mount give what a tree in
# memory gives, after a remount too; and in the end the server holds that tree.
# SEED and STEPS in the environment choose others.
. "$(dirname "$0")/../support/lib.sh"

model=$builddir/tests/model/model
[ -x "$model" ] || fail "$model is not built"
seed=${SEED:-1}
steps=${STEPS:-300}
threads=4
options=${options:-}
mkdir "$work/mirror"

start_emulator
mount_brickfs -o "cache_mem=16M$options" dbfs:/

# round SEED
round() {
	note "seed $1, $steps steps, $threads threads"
	timeout 300 "$model" "$mnt" "$work/mirror" "$1" "$steps" $threads
}
# same_on_server [EXCLUDE...]
same_on_server() {
	diff -r "$@" "$work/mirror" "$work/root/dbfs" ||
		fail "the server holds another tree"
}

round "$seed"
unmount
same_on_server
note "after a remount"
mount_brickfs -o "cache_mem=16M,attr_timeout=0,negative_timeout=0$options" dbfs:/
round $((seed + 1))

note "while one call of ten fails for a moment"
emu_rule '{"match":{"path":"/api/2.0/dbfs/*","p":0.05,"seed":'"$seed"'},
    "verb":"status","code":503}'
emu_rule '{"match":{"path":"/api/2.0/dbfs/*","p":0.05,"seed":'"$seed"'},
    "verb":"retry_after","value":0}'
steps=$((steps / 3))
round $((seed + 2))
emu_rules_clear
unmount
same_on_server

# Temporary files of editors are not on the server, or not yet; everything else is.
note "with names of temporary files"
SCRATCH=1
export SCRATCH
steps=$((steps * 3))
mount_brickfs -o "cache_mem=16M,scratch_keep=1$options" dbfs:/
round $((seed + 3))
unmount
mount_brickfs -o "cache_mem=16M,scratch_keep=1$options" dbfs:/
round $((seed + 4))
unmount
same_on_server -x '*~' -x '.*.swp' -x 'sed??????' -x '#*#'

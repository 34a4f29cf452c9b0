#!/bin/sh
# Goal: what shells do with a redirection leaves the right bytes, and the server
# never holds a version that no program wrote: above all no empty file between
# the old and the new one.
. "$(dirname "$0")/../support/lib.sh"
command -v bash >/dev/null || skip "bash is not installed"

start_emulator
mount_brickfs dbfs:/
cd "$mnt"
text() {
	printf '%s\n' "$2" >"$work/$1"
}
text 1 1
text 2 2
: >"$work/0"

for shell in sh bash; do
	note "$shell: echo > f, new and old"
	$shell -c "echo 1 >f-$shell"
	expect_history "/dbfs/f-$shell" "$work/1"
	$shell -c "echo 2 >f-$shell"
	expect_history "/dbfs/f-$shell" "$work/1" "$work/2"
	expect_same "$work/2" "f-$shell"

	note "$shell: >> f"
	$shell -c "echo 1 >>f-$shell"
	printf '2\n1\n' >"$work/21"
	expect_history "/dbfs/f-$shell" "$work/1" "$work/2" "$work/21"

	note "$shell: cat x > f"
	make_random 3000000 "$work/x"
	$shell -c "cat '$work/x' >f-$shell"
	expect_history "/dbfs/f-$shell" "$work/1" "$work/2" "$work/21" "$work/x"
	expect_same "$work/x" "f-$shell"

	note "$shell: : > f empties, once"
	$shell -c ": >f-$shell"
	expect_content "f-$shell" ''
	expect_history "/dbfs/f-$shell" "$work/1" "$work/2" "$work/21" "$work/x" \
	    "$work/0"

	note "$shell: : > new"
	$shell -c ": >new-$shell"
	expect_history "/dbfs/new-$shell" "$work/0"

	note "$shell: exec > log, with children that inherit it"
	# shellcheck disable=SC2016 # for the other shell
	$shell -c 'exec >"$1"; echo begin; sh -c "echo child 1"; (echo child 2)
	    printf "%s\n" end | cat' log "log-$shell"
	printf 'begin\nchild 1\nchild 2\nend\n' >"$work/log"
	expect_same "$work/log" "log-$shell"
	expect_remote "/dbfs/log-$shell" "$work/log"
	# Each child closes the file; what was written by then may be there.
	emu_history "/dbfs/log-$shell" >"$work/history"
	while read -r size _; do
		case $size in
		6 | 14 | 22 | 26) ;;
		*) fail "a version of $size bytes" ;;
		esac
	done <"$work/history"

	note "$shell: exec > log over an old one"
	# shellcheck disable=SC2016
	$shell -c 'exec >"$1"; sh -c "echo other 1"; echo other 2' log "log-$shell"
	emu_history "/dbfs/log-$shell" | grep -q '^0 ' &&
		fail "an empty version of log-$shell"
	expect_content "log-$shell" 'other 1
other 2
'

	note "$shell: two descriptors, one file"
	$shell -c "{ echo out; echo err >&2; } >two-$shell 2>&1"
	expect_content "two-$shell" 'out
err
'
	expect_remote_text "/dbfs/two-$shell" 'out
err
'
	note "$shell: noclobber"
	expect_failure 'xist|overwrite' $shell -c "set -C; echo x >two-$shell"
	expect_content "two-$shell" 'out
err
'
done

note "a mapped write after close"
make_random 100000 map
cp map "$work/map"
python3 - map "$work/map" <<'PYTHON'
import mmap, os, sys
for path in sys.argv[1:]:
    fd = os.open(path, os.O_RDWR)
    m = mmap.mmap(fd, 0)
    os.close(fd)
    m[50000:50005] = b"hello"
    m.flush()
    m.close()
PYTHON
expect_same "$work/map" map
same_on_server() {
	emu_get /dbfs/map | cmp -s - "$work/map"
}
wait_until 30 same_on_server || fail "the mapped write is not on the server"
cd "$work"
unmount

#!/bin/sh
# Goal: with 100 files being read and 100 being written at once, brickfs stays within
# what the manual promises: 32 MiB, cache_mem, and 1 MiB for each thread that is busy.
# A sanitized build has another idea of memory: there only the bytes are looked at.
. "$(dirname "$0")/../support/lib.sh"

files=100
cache=16
start_emulator
mount_brickfs -o "cache_mem=${cache}M,cache_disk=0" dbfs:/
make_random 3145728 "$work/read"
make_random 1572864 "$work/large" # sent as a form
make_random 614400 "$work/small"  # sent as JSON
for i in $(seq "$files"); do
	ln "$work/read" "$work/root/dbfs/read.$i" 2>/dev/null ||
		cp "$work/read" "$work/root/dbfs/read.$i"
done

note "at once"
emu_set latency 30
for i in $(seq "$files"); do
	cmp "$work/read" "$mnt/read.$i" &
	echo $! >>"$work/pids"
	case $i in
	*[02468]) cp "$work/large" "$mnt/written.$i" ;;
	*) cp "$work/small" "$mnt/written.$i" ;;
	esac &
	echo $! >>"$work/pids"
done
while read -r pid; do
	wait "$pid" || fail "one of them failed"
done <"$work/pids"
emu_set latency 0

threads=$(awk '/^Threads:/ { print $2 }' "/proc/$brickfs_pid/status")
peak=$(awk '/^VmHWM:/ { print int($2 / 1024) }' "/proc/$brickfs_pid/status")
limit=$((32 + cache + threads))
note "resident at most $peak MiB of $limit, $threads threads"
if ! grep -qE '__(asan|tsan)_init' "$BRICKFS"; then
	[ "$peak" -le "$limit" ] || fail "brickfs took $peak MiB"
fi

note "and what was written is there"
for i in $(seq "$files"); do
	case $i in
	*[02468]) want=$work/large ;;
	*) want=$work/small ;;
	esac
	cmp "$want" "$work/root/dbfs/written.$i" || fail "written.$i"
done
unmount

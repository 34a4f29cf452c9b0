#!/bin/sh
# Goal: reads and writes at any offset and of any length give the right bytes,
# across blocks, holes and ends.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 5000001 "$work/want"
emu_put /dbfs/f "$work/want"
mount_brickfs -o cache_mem=8M dbfs:/

# piece FILE OFFSET LENGTH, on stdout
piece() {
	dd if="$1" bs=1M skip="$2" count="$3" iflag=skip_bytes,count_bytes status=none
}

note "read at odd offsets"
for at in 0 1 4095 4096 131071 1048575 1048576 1048577 2097150 4999999 5000000 \
    5000001 6000000; do
	for length in 1 2 4097 131073 1048577; do
		piece "$work/want" "$at" "$length" >"$work/a"
		piece "$mnt/f" "$at" "$length" >"$work/b"
		expect_same "$work/a" "$work/b"
	done
done

note "read in odd sizes, and backwards"
for size in 1000003 777 65537; do
	dd if="$mnt/f" bs=$size status=none | cmp - "$work/want"
done
tac -s "$(printf '\001')" "$mnt/f" >"$work/b"
tac -s "$(printf '\001')" "$work/want" >"$work/a"
expect_same "$work/a" "$work/b"

note "direct"
dd if="$mnt/f" of="$work/b" bs=1M iflag=direct status=none
expect_same "$work/want" "$work/b"

# both OFFSET LENGTH: writes the same into both files.
both() {
	make_random "$2" "$work/new"
	for file in "$work/want" "$mnt/f"; do
		dd if="$work/new" of="$file" bs=1M seek="$1" oflag=seek_bytes \
		    conv=notrunc status=none
	done
	expect_remote /dbfs/f "$work/want"
}
note "write at odd offsets of a large file"
both 0 1
both 1048575 2
both 3000001 70001
both 4999990 100
both 5000090 3
note "... beyond its end, leaving a hole"
both 6000000 5
expect_same "$work/want" "$mnt/f"

note "truncate and extend"
for size in 5500000 1048576 1048575 10 0 7; do
	truncate -s $size "$work/want"
	truncate -s $size "$mnt/f"
	expect_remote /dbfs/f "$work/want"
	expect_same "$work/want" "$mnt/f"
done

note "truncate by name"
make_random 300000 "$work/want"
cp "$work/want" "$mnt/t"
for size in 100001 400000 0 5; do
	for file in "$work/want" "$mnt/t"; do
		python3 -c 'import os, sys
os.truncate(sys.argv[1], int(sys.argv[2]))' "$file" $size
	done
	expect_remote /dbfs/t "$work/want"
done

note "make room, and punch holes"
make_random 300000 "$work/want"
cp "$work/want" "$mnt/h"
for file in "$work/want" "$mnt/h"; do
	fallocate -l 400001 "$file"
	fallocate -p -o 1000 -l 100001 "$file"
	fallocate -n -o 399999 -l 5000 "$file"
done
expect_remote /dbfs/h "$work/want"
expect_same "$work/want" "$mnt/h"
expect_failure 'not supported' fallocate -c -o 0 -l 4096 "$mnt/h"

note "two readers and a writer of one file"
make_random 3M "$work/want"
cp "$work/want" "$mnt/g"
exec 3<"$mnt/g"
head -c 100 <&3 >/dev/null
printf X | dd of="$mnt/g" bs=1 seek=2000000 conv=notrunc status=none
printf X | dd of="$work/want" bs=1 seek=2000000 conv=notrunc status=none
expect_same "$work/want" "$mnt/g"
exec 3<&-
remount dbfs:/
expect_same "$work/want" "$mnt/g"
unmount

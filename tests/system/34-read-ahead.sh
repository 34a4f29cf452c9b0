#!/bin/sh
# Goal: a program that reads on gets its blocks over parallel requests, and nobody
# pays for a block twice, or for one that he does not want: sequential, random,
# interleaved, re-read.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 67108864 "$work/big"
emu_put /dbfs/big "$work/big"
emu_put /dbfs/other "$work/big"
emu_set latency 20
mount_brickfs dbfs:/
ls "$mnt" >"$work/out" # so that no look-up is counted
big=$mnt/big

# fresh: what follows finds nothing here.
fresh() {
	unmount
	rm -rf "$XDG_CACHE_HOME/brickfs"
	mount_brickfs "$@" dbfs:/
	ls "$mnt" >"$work/out"
	emu_reset_counters
}

expect_reads() {
	expect_equal "reads: $1" "$2" "$(emu_counter 'GET /api/2.0/dbfs/read')"
}

metric() {
	awk -v name="brickfs_$1" '$1 == name { print $2 }' "$mnt/.control/metrics"
}

note "sequential: each block once, nearly all of them before they are asked for"
emu_reset_counters
expect_same "$work/big" "$big"
expect_reads "of 64 blocks" 64
ahead=$(metric cache_ahead_total)
[ "$ahead" -ge 60 ] || fail "only $ahead blocks were read ahead"
expect_same "$work/big" "$big"
# What the kernel has it may give away at any time, unless somebody holds it: all, or as
# much as this user may hold.
python3 - "$big" "$work/big" "$mnt/.control/cache/drop" <<'END'
import ctypes, mmap, os, sys
PROT_READ, MAP_SHARED = 1, 1
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.mlock.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
ours, want, drop = sys.argv[1:]
fd = os.open(ours, os.O_RDONLY)
size = os.fstat(fd).st_size
held = libc.mmap(None, size, PROT_READ, MAP_SHARED, fd, 0)
while libc.mlock(held, size) != 0:
    size //= 2
    assert size >= mmap.PAGESIZE, os.strerror(ctypes.get_errno())
with open(drop, "w") as control:
    control.write("1\n")
fd = os.open(ours, os.O_RDONLY)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
with open(want, "rb") as true:
    for off in range(0, size, 1 << 20):
        piece = true.read(min(size - off, 1 << 20))
        assert os.pread(fd, len(piece), off) == piece
END
expect_reads "the kernel has the rest" 64

note "a little of it"
fresh
head -c 100 "$big" | cmp - "$work/big" -n 100
expect_reads "its first bytes" 1
fresh
tail -c 100 "$big" >"$work/out"
tail -c 100 "$work/big" | cmp - "$work/out"
expect_reads "its last bytes" 1

# pread FILE OFFSET LENGTH...: one program, one open file.
pread() {
	python3 - "$@" <<-'END'
	import os, sys
	path, rest = sys.argv[1], [int(n) for n in sys.argv[2:]]
	mine, true = os.open(path, os.O_RDONLY), os.open(os.environ["want"], os.O_RDONLY)
	for off, n in zip(rest[::2], rest[1::2]):
	    at = 0
	    while at < n:
	        got = os.pread(mine, n - at, off + at)
	        assert got and got == os.pread(true, len(got), off + at), off
	        at += len(got)
	END
}
want=$work/big
export want

note "random: what is asked for and no more"
fresh
# shellcheck disable=SC2046 # words
pread "$big" $(for i in 50 3 31 17 61 9 44 25 56 12; do
	echo $((i * 1048576 + 12345)) 4096
done)
expect_reads "of 10 places" 10
# shellcheck disable=SC2046
pread "$big" $(for i in 50 3 31 17 61; do echo $((i * 1048576 + 500000)) 100; done)
expect_reads "of the same blocks" 10

note "two readers of one open file, in turns"
fresh
# shellcheck disable=SC2046
pread "$big" $(for i in $(seq 0 31); do
	echo $((i * 1048576)) 1048576 $(((i + 32) * 1048576)) 1048576
done)
expect_reads "of both halves" 64
[ "$(metric cache_ahead_total)" -ge 56 ] || fail "two streams were not seen"

note "many readers of one file at once: each block once"
fresh
for i in 1 2 3 4 5 6; do
	cmp "$work/big" "$big" &
	readers="${readers:-} $!"
done
for pid in $readers; do
	wait "$pid" || fail "a reader got something else"
done
expect_reads "for six readers" 64

note "a program that stops reading stops the requests"
fresh
head -c 4194304 "$big" | cmp - "$work/big" -n 4194304
quiet() {
	before=$(emu_counter requests)
	sleep 0.3
	[ "$before" = "$(emu_counter requests)" ]
}
wait_until "$patience" quiet || fail "it goes on"
reads=$(emu_counter 'GET /api/2.0/dbfs/read')
[ "$reads" -le 40 ] || fail "$reads blocks of 4 that were wanted"

note "what is read ahead fails, what is asked for does not"
fresh
emu_rule '{"match":{"path":"/api/2.0/dbfs/read","every":7},"verb":"cut"}'
expect_same "$work/big" "$big"
emu_rules_clear

note "a file that changes while it is read is one version or an error"
fresh -o attr_timeout=0
exec 3<"$big"
head -c 1048576 <&3 | cmp - "$work/big" -n 1048576
make_random 67108864 "$work/new"
emu_put /dbfs/big "$work/new"
! cat <&3 >"$work/out" 2>"$work/err" || fail "the end of another version was read"
exec 3<&-
expect_same "$work/new" "$big"
unmount

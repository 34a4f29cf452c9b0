#!/bin/sh
# Goal: files are mapped: programs run from the mount, mapped reads and writes give
# the right bytes, and a write after close reaches the server.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
mount_brickfs dbfs:/
cd "$mnt"

note "a program runs"
cp "$(command -v sleep)" program
chmod +x program
./program 0

note "mapped writes, at odd places, and after close"
make_random 3000001 "$work/want"
cp "$work/want" file
python3 - file "$work/want" <<'PYTHON'
import ctypes, os, sys
# Not mmap.mmap, which keeps a descriptor that it closes in the end.
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
for path in sys.argv[1:]:
    size = os.stat(path).st_size
    fd = os.open(path, os.O_RDWR)
    m = libc.mmap(None, size, 3, 1, fd, 0)  # read and write, shared
    for at in (0, 1, 4095, 1048575, 2097152, 2999990):
        ctypes.memmove(m + at, b"written", 7)
    os.close(fd)
    ctypes.memmove(m + 100, b"after", 5)
    libc.munmap(m, size)
PYTHON
expect_same "$work/want" file
on_server() {
	emu_get /dbfs/file | cmp -s - "$work/want"
}
wait_until 30 on_server || fail "the server does not have the mapped writes"

note "a mapping sees what another descriptor writes"
python3 - <<'PYTHON'
import mmap, os, sys
fd = os.open("file", os.O_RDONLY)
m = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
before = m[1000:1003]
with open("file", "r+b") as f:
    f.seek(1000)
    f.write(b"new")
if m[1000:1003] != b"new":
    sys.exit(f"the mapping shows {m[1000:1003]!r}, before {before!r}")
PYTHON
cd "$work"
unmount

#!/bin/sh
# Goal: the kernel keeps the names of a directory while they are fresh, and shows
# nothing older than attr_timeout, whoever changed it and however it is read.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
emu_make /dbfs/d 5 200 10
mount_brickfs -o attr_timeout=600 dbfs:/
requests() {
	awk '$1 == "brickfs_fuse_requests_total" { print $2 }' \
	    "$mnt/.control/metrics"
}
# cost COMMAND...: requests of the kernel, beside those of counting them.
cost() {
	before=$(requests)
	none=$(($(requests) - before))
	before=$(requests)
	"$@" >"$work/out"
	cost=$(($(requests) - before - none))
}

note "names that the kernel has are read without us"
ls "$mnt/d/d00001" >"$work/first"
ls "$mnt/d/d00001" >"$work/second"
cost ls "$mnt/d/d00001"
expect_same "$work/first" "$work/second"
expect_same "$work/first" "$work/out"
[ "$cost" -le 1 ] || fail "ls made $cost requests, not only opendir"

note "own changes show at once"
shows() {
	ls "$mnt/d/d00001" >"$work/out"
	{ cat "$work/first"; printf '%s\n' "$@"; } | sed '/^$/d' |
		LC_ALL=C sort >"$work/want"
	expect_same "$work/want" "$work/out"
}
for _ in 1 2 3; do
	mkdir "$mnt/d/d00001/new"
	shows new
	shows new
	echo text >"$mnt/d/d00001/text"
	shows new text
	mv "$mnt/d/d00001/new" "$mnt/d/d00001/newer"
	shows newer text
	mv "$mnt/d/d00001/text" "$mnt/d/text"
	shows newer
	mv "$mnt/d/text" "$mnt/d/d00001/f"
	shows f newer
	rm "$mnt/d/d00001/f"
	rmdir "$mnt/d/d00001/newer"
	shows ""
	shows ""
done
rm "$mnt/d/d00001/f00007"
ls "$mnt/d/d00001" >"$work/out"
expect_equal "names" 199 "$(wc -l <"$work/out")"

note "changes by others are seen after attr_timeout, in a new reader"
remount -o attr_timeout=1 dbfs:/
has() {
	ls "$mnt/d/d00002" >"$work/out"
	grep -qx "$1" "$work/out"
}
has_not() {
	! has "$1"
}
has f00000 || fail "a file is not there"
has f00000
emu_put_text /dbfs/d/d00002/theirs text
wait_until 10 has theirs || fail "their file is not shown"
emu_rm /dbfs/d/d00002/theirs
wait_until 10 has_not theirs || fail "their file is shown after its end"

note "... and in one that has the directory open and begins again"
emu_put_text /dbfs/d/sign text
python3 - "$mnt/d/d00003" "$work" <<'PYTHON' &
import ctypes, sys, time
# rewinddir looks at nothing else, as opening anew and fdopendir do.
libc = ctypes.CDLL(None, use_errno=True)
class Entry(ctypes.Structure):
    _fields_ = [("ino", ctypes.c_uint64), ("off", ctypes.c_int64),
        ("reclen", ctypes.c_uint16), ("type", ctypes.c_uint8),
        ("name", ctypes.c_char * 256)]
libc.opendir.restype = ctypes.c_void_p
libc.rewinddir.argtypes = [ctypes.c_void_p]
libc.readdir.argtypes = [ctypes.c_void_p]
libc.readdir.restype = ctypes.POINTER(Entry)
def until(what):
    end = time.time() + 20
    while not what():
        if time.time() > end:
            sys.exit("not seen in time")
        time.sleep(0.2)
dir = libc.opendir(sys.argv[1].encode())
assert dir
def names():
    all = set()
    libc.rewinddir(dir)
    while entry := libc.readdir(dir):
        all.add(entry.contents.name.decode())
    return all - {".", ".."}
before = names()
assert names() == before and len(before) == 200
open(sys.argv[2] + "/read", "w").close()
until(lambda: "theirs" in names())
assert names() == before | {"theirs"}
open(sys.argv[2] + "/seen", "w").close()
until(lambda: names() == before)
PYTHON
pid=$!
wait_until "$patience" test -e "$work/read" || fail "it is not read"
emu_put_text /dbfs/d/d00003/theirs text
wait_until "$patience" test -e "$work/seen" || fail "their file is not shown"
emu_rm /dbfs/d/d00003/theirs
wait "$pid" || fail "their file is shown after its end"

note "a reader that takes longer than that misses no name"
emu_make /dbfs/long 1 2000 10
cat >"$work/read.py" <<'PYTHON'
import ctypes, os, struct, sys, time
# In small pieces, which no library does: a pause is between two of them.
libc = ctypes.CDLL(None, use_errno=True)
libc.getdents64.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
libc.getdents64.restype = ctypes.c_ssize_t
def pieces(path):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    buf = ctypes.create_string_buffer(4096)
    while (got := libc.getdents64(fd, buf, len(buf))) > 0:
        at, names = 0, []
        while at < got:
            _, _, size, _ = struct.unpack_from("<QqHB", buf, at)
            names.append(buf.raw[at + 19:at + size].split(b"\0")[0].decode())
            at += size
        yield names
    assert got == 0
    os.close(fd)
def check(all, what):
    assert len(all) == len(set(all)) == 2002, (what, len(all), len(set(all)))
path = sys.argv[1]
os.listdir(path)
reader = pieces(path)
all = next(reader)
time.sleep(float(sys.argv[2]) + 1)
for names in reader:
    all += names
check(all, "slow")
# What it deletes as it goes is not there any more when it reads on.
os.listdir(path)
reader = pieces(path)
gone = all = next(reader)
for name in gone:
    if name not in (".", ".."):
        os.unlink(path + "/" + name)
time.sleep(float(sys.argv[2]) + 1)
for names in reader:
    all = all + names
check(all, "deleting")
PYTHON
remount -o attr_timeout=3 dbfs:/
ls "$mnt/long/d00000" >"$work/out"
python3 "$work/read.py" "$mnt/long/d00000" 3 || fail "names are missing"

note "absence that a listing proved is not believed for longer than the listing"
remount -o attr_timeout=2,negative_timeout=600 dbfs:/d/d00004
ls "$mnt" >"$work/out"
[ ! -e "$mnt/theirs" ] || fail "there is a file that nobody made"
emu_put_text /dbfs/d/d00004/theirs text
wait_until 10 test -e "$mnt/theirs" || fail "their file is not found"

#!/bin/sh
# Goal: rename replaces whole, moves directories with what is open in them, honours
# RENAME_NOREPLACE, and readers never miss the name.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
mount_brickfs dbfs:/
cd "$mnt"

# rename2 FLAGS OLD NEW: prints the errno's name, or ok.
cat >"$work/rename2.py" <<'PYTHON'
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
flags, old, new = int(sys.argv[1]), *[os.fsencode(a) for a in sys.argv[2:4]]
if libc.renameat2(-100, old, -100, new, flags) == 0:
    print("ok")
else:
    print(errno.errorcode[ctypes.get_errno()])
PYTHON
rename2() {
	python3 "$work/rename2.py" "$@"
}

# With nothing of the files here.
remount_here() {
	cd "$work"
	remount dbfs:/
	cd "$mnt"
}

note "flags"
echo a >a
echo b >b
expect_output EEXIST rename2 1 a b
expect_output ok rename2 1 a c
expect_output EINVAL rename2 2 b c
expect_content b 'b
'
expect_content c 'a
'

note "kinds"
mkdir d e
expect_output EISDIR rename2 0 b d
expect_output ENOTDIR rename2 0 d b
expect_output ENOENT rename2 0 none x
expect_output EINVAL rename2 0 d d/below
echo x >e/x
expect_output ENOTEMPTY rename2 0 d e
rm e/x
expect_output ok rename2 0 d e
expect_output ok rename2 0 b b
rmdir e

note "readers of a name that is replaced see one of its contents, whole, always"
make_random 200000 "$work/one"
make_random 300000 "$work/two"
cp "$work/one" target
python3 - "$work/one" "$work/two" <<'PYTHON'
import os, shutil, sys, threading, time
want = {open(p, "rb").read() for p in sys.argv[1:]}
stop = False
bad = []
reads = stale = 0
def reader():
    global reads, stale
    while not stop:
        try:
            with open("target", "rb") as f:
                if f.read() not in want:
                    bad.append("mixed or cut content")
            reads += 1
        except OSError as e:
            if e.errno != 116:  # ESTALE: says that it has changed
                bad.append(repr(e))
            stale += 1
threads = [threading.Thread(target=reader) for _ in range(3)]
for t in threads: t.start()
for i in range(20):
    shutil.copyfile(sys.argv[1 + i % 2], "target.tmp~")
    os.rename("target.tmp~", "target")
    shutil.copyfile(sys.argv[2 - i % 2], "other")
    os.rename("other", "target")
stop = True
for t in threads: t.join()
if bad:
    sys.exit(f"{len(bad)} of {reads} reads: {set(bad)}")
if reads <= stale:
    sys.exit(f"{reads} reads, and {stale} that say ESTALE")
print(f"# {reads} reads, {stale} stale")
PYTHON
emu_history /dbfs/target | while read -r size _; do
	case $size in
	200000 | 300000) ;;
	*) fail "the server held a version of $size bytes" ;;
	esac
done

note "onto a file, in steps: what is not here, and what is too large to stay here"
make_random 17M "$work/big"
for file in one big; do
	emu_put /dbfs/from "$work/$file"
	emu_put "/dbfs/to-$file" "$work/two"
	remount_here
	mv from "to-$file"
	expect_same "$work/$file" "to-$file"
	expect_remote "/dbfs/to-$file" "$work/$file"
	expect_no_remote /dbfs/from
	expect_history "/dbfs/to-$file" "$work/two" "$work/$file"
done
note "... that somebody else has deleted meanwhile"
emu_put_text /dbfs/mover mover
emu_put_text /dbfs/deleted deleted
remount_here
ls -l . mover deleted >"$work/out" # both are known
emu_rm /dbfs/deleted
mv mover deleted
expect_content deleted mover
expect_remote_text /dbfs/deleted mover
expect_no_remote /dbfs/mover

note "... that fail half way: the target is put back"
emu_put /dbfs/from "$work/one"
emu_put /dbfs/to "$work/two"
remount_here
emu_rule '{"match":{"path":"*/dbfs/move","nth":2},"verb":"status","code":403}'
expect_failure 'ermission denied' mv from to
emu_rules_clear
expect_same "$work/one" from
expect_same "$work/two" to
expect_remote /dbfs/from "$work/one"
expect_remote /dbfs/to "$work/two"
emu_api GET '/api/2.0/dbfs/list?path=/' | jq -r '.files[].path' >"$work/list"
! grep -q brickfs "$work/list" || fail "a hidden file is left: $(cat "$work/list")"
rm from to

note "a directory moves with files that are open for writing"
mkdir -p tree/sub
exec 3>tree/sub/open
echo before >&3
mv tree moved
echo after >&3
exec 3>&-
expect_content moved/sub/open 'before
after
'
expect_remote_text /dbfs/moved/sub/open 'before
after
'
expect_no_remote /dbfs/tree/sub/open

note "a file that is open for reading is renamed over"
exec 3<c
echo fresh >fresh
mv fresh c
expect_output a cat <&3
exec 3<&-
expect_content c 'fresh
'
cd "$work"
unmount

note "a file takes the name of one of the same time and size that was read before"
cd "$work"
for file in old new left right; do
	printf '%s' "$file content" | cut -c 1-9 >"$work/root/dbfs/$file"
	touch -d 2020-01-01T00:00:00Z "$work/root/dbfs/$file"
done
mkdir "$work/root/dbfs/one" "$work/root/dbfs/two"
mv "$work/root/dbfs/left" "$work/root/dbfs/one/file"
mv "$work/root/dbfs/right" "$work/root/dbfs/two/file"
mount_brickfs dbfs:/
for file in old new one/file two/file; do
	cat "$mnt/$file" >>"$work/out"
done
rm "$mnt/old" "$mnt/one/file"
mv "$mnt/new" "$mnt/old"
expect_content "$mnt/old" 'new conte
'
rmdir "$mnt/one"
mv "$mnt/two" "$mnt/one"
expect_content "$mnt/one/file" 'right con
'
kill_brickfs
mount_brickfs dbfs:/
expect_content "$mnt/old" 'new conte
'
unmount

#!/bin/sh
# Goal: what another client changes is seen after attr_timeout at the latest; an
# open file reads one version or says ESTALE; an upload never overwrites a version
# that this mount has not seen.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 5000000 "$work/one"
make_random 5000000 "$work/two"
emu_put /dbfs/f "$work/one"
mount_brickfs -o attr_timeout=1 dbfs:/
mount_brickfs_at "$work/mnt2" -o attr_timeout=1 dbfs:/

shows() {
	cmp -s "$1" "$2"
}
is_there() { [ -e "$1" ]; }
is_away() { ! [ -e "$1" ]; }

note "content, new names, removed names"
expect_same "$work/one" "$mnt/f"
emu_put /dbfs/f "$work/two"
wait_until 10 shows "$mnt/f" "$work/two" || fail "the old version is shown"
emu_put_text /dbfs/new text
wait_until 10 is_there "$mnt/new" || fail "the new file is not shown"
emu_rm /dbfs/new
wait_until 10 is_away "$mnt/new" || fail "the removed file is shown"

note "two mounts"
echo first >"$mnt/both"
wait_until 10 shows "$work/mnt2/both" "$mnt/both" || fail "not shown in the other"
mkdir "$work/mnt2/dir"
wait_until 10 is_there "$mnt/dir" || fail "the directory is not shown"

note "a directory that was removed is never shown as an empty one"
mount_brickfs_at "$work/mnt9" -o attr_timeout=600 dbfs:/
for how in list walk; do
	emu_put_text "/dbfs/away-$how/f" text
done
ls "$work/mnt9" >/dev/null
for how in list walk; do
	stat "$work/mnt9/away-$how" >/dev/null
	emu_rm "/dbfs/away-$how"
done
expect_failure 'Stale|No such' ls "$work/mnt9/away-list"
expect_failure 'Stale|No such' ls "$work/mnt9/away-list"
gone() { ! stat "$work/mnt9/away-list" >/dev/null 2>&1; }
wait_until "$patience" gone || fail "the name is still shown"
expect_failure 'Stale|No such' find "$work/mnt9/away-walk"
unmount "$work/mnt9"

note "an open file: one version, or ESTALE"
emu_put /dbfs/open "$work/two"
wait_until 10 is_there "$mnt/open" || fail "the new file is not shown"
exec 3<"$mnt/open"
head -c 1000 <&3 | cmp -n 1000 - "$work/two"
emu_put /dbfs/open "$work/one"
sleep 1.5 # what was seen is too old now, and nobody has looked since
# Of the old version no more than the first block is here.
expect_failure 'Stale' sh -c "tail -c 3000000 >'$work/rest'" <&3
[ ! -s "$work/rest" ] || fail "a piece of another version was read"
exec 3<&-
expect_same "$work/one" "$mnt/open"

note "attr_timeout=0: what is opened is what the server has"
mount_brickfs_at "$work/mnt0" -o attr_timeout=0,negative_timeout=0 dbfs:/
for version in two one two; do
	emu_put /dbfs/f "$work/$version"
	expect_same "$work/$version" "$work/mnt0/f"
	emu_put_text "/dbfs/new-$version" text
	expect_content "$work/mnt0/new-$version" text
	emu_rm "/dbfs/new-$version"
	[ ! -e "$work/mnt0/new-$version" ] || fail "the removed file is shown"
done
unmount "$work/mnt0"

note "an upload over what was not seen fails with ESTALE, our copy kept"
echo base >"$mnt/mine"
python3 - "$mnt/mine" "$work/mnt2/mine" <<'PYTHON'
import errno, os, sys, time
deadline = time.time() + 20
while not os.path.exists(sys.argv[2]):
    if time.time() > deadline:
        sys.exit("the other mount does not show the file")
    time.sleep(0.1)
fd = os.open(sys.argv[1], os.O_RDWR)
os.pwrite(fd, b"ours", 0)
with open(sys.argv[2], "w") as f:
    f.write("theirs\n")
try:
    os.fsync(fd)
    sys.exit("fsync did not fail")
except OSError as e:
    if e.errno != errno.ESTALE:
        sys.exit(f"fsync: {e}")
try:
    os.close(fd)
except OSError:
    pass
PYTHON
expect_remote_text /dbfs/mine 'theirs
'
expect_kept ours

note "the same change by somebody else is no conflict"
python3 - "$mnt/same" "$work/root/dbfs/same" <<'PYTHON'
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_EXCL)
os.write(fd, b"the same")
with open(sys.argv[2], "w") as f:
    f.write("the same")
os.close(fd)
PYTHON
expect_listing "$mnt/.control/pending" 1
unmount "$work/mnt2"
unmount "$mnt" any

# The kernel goes on believing the size, and the mount has seen another one since.
note "a file that has grown is not cut where it ended"
emu_put_text /dbfs/grown/1/f short
emu_put_text /dbfs/grown/2/f short
for i in 1 2; do
	dir=$work/grown$i
	mount_brickfs_at "$dir" -o attr_timeout=600 "dbfs:/grown/$i"
	expect_output 5 stat -c %s "$dir/f"
	emu_put_text "/dbfs/grown/$i/f" 'a much longer text'
	emu_reset_counters
	for name in a b c; do
		! [ -e "$dir/$name" ] || fail "there is $dir/$name"
	done
	expect_requests GET /api/2.0/dbfs/list 1
done
expect_content "$work/grown1/f" 'a much longer text'
touch -d 2001-02-03T04:05:06 "$work/grown2/f"
expect_output 981173106 stat -c %Y "$work/grown2/f"
expect_content "$work/grown2/f" 'a much longer text'
unmount "$work/grown1"
unmount "$work/grown2"

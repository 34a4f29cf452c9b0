#!/bin/sh
# Goal: the everyday tools do on the mount what they do on a local disk.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
mount_brickfs dbfs:/
make_tree "$work/tree"

note "cp there and back"
cp -r "$work/tree" "$mnt/tree"
expect_same_tree "$work/tree" "$mnt/tree"
remount dbfs:/
expect_same_tree "$work/tree" "$mnt/tree"
cp -r "$mnt/tree" "$work/back"
expect_same_tree "$work/tree" "$work/back"
expect_remote /dbfs/tree/a/b/c/big "$work/tree/a/b/c/big"

note "cp -p keeps times, also after a remount"
touch -d '2001-02-03 04:05:06.789012345' "$work/tree/one"
cp -p "$work/tree/one" "$mnt/one"
expect_output '2001-02-03 04:05:06.789012345 +0000' stat -c %y "$mnt/one"
remount dbfs:/
expect_output '2001-02-03 04:05:06.789012345 +0000' stat -c %y "$mnt/one"

cd "$mnt"
note "ls, stat, du, df, find, wc, head, tail"
expect_output 'tree/a/b/c/big 3000000 regular file' stat -c '%n %s %F' tree/a/b/c/big
expect_output 'tree/a directory' stat -c '%n %F' tree/a
expect_output "$(id -u) $(id -g)" stat -c '%u %g' one
expect_output '3000000 tree/a/b/c/big' wc -c tree/a/b/c/big
df "$mnt" >/dev/null
expect_equal "files found" 8 "$(find tree -type f | wc -l)"
expect_equal "directories found" 6 "$(find tree -type d | wc -l)"
head -c 100000 tree/a/b/c/big | cmp - "$work/tree/a/b/c/big" -n 100000
tail -c 100001 tree/a/b/c/big >"$work/tail"
tail -c 100001 "$work/tree/a/b/c/big" | cmp - "$work/tail"

note "mv: onto another name, onto a file, of a directory"
mv one uno
expect_content uno 'one
'
[ ! -e one ] || fail "one is still there"
echo new >one
mv one uno
expect_content uno 'new
'
expect_remote_text /dbfs/uno 'new
'
mv tree wood
expect_same_tree "$work/tree" wood
expect_no_remote /dbfs/tree/one
mv uno wood/
mv -n wood/uno wood/one || : # newer ones say that they did nothing
expect_content wood/one 'one
'
rm wood/uno
expect_failure 'not empty|Directory' mv -T wood/empty wood/a
mkdir wood/e2
mv -T wood/e2 wood/empty
expect_listing wood/empty

note "append, truncate, fallocate"
echo more >>wood/one
expect_content wood/one 'one
more
'
truncate -s 3 wood/one
expect_content wood/one one
truncate -s 6 wood/one
printf 'one\0\0\0' >"$work/want"
expect_same "$work/want" wood/one
expect_remote /dbfs/wood/one "$work/want"

note "tee, split, cat, sort -o, install, touch, chmod"
echo tee | tee t1 t2 >/dev/null
expect_content t2 'tee
'
split -b 1000000 wood/a/b/c/big part.
cat part.aa part.ab part.ac >joined
expect_same joined "$work/tree/a/b/c/big"
printf 'b\na\nc\n' >sorted
sort -o sorted sorted
expect_content sorted 'a
b
c
'
install -m 755 sorted installed
expect_same sorted installed
[ -x installed ] || fail "the execute bit is not kept"
touch -d '2020-01-01 UTC' sorted
expect_output 1577836800 stat -c %Y sorted
touch fresh
expect_content fresh ''
expect_remote_text /dbfs/fresh ''
chmod 644 sorted
chown "$(id -u)" sorted

note "rm"
rm part.*
mkdir -p deep/er/est
rmdir -p deep/er/est
rm -r wood
expect_no_remote /dbfs/wood/a/1
expect_listing "$mnt" fresh installed joined sorted t1 t2
cd "$work"
unmount

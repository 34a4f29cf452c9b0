#!/bin/sh
# Goal: git, rsync and tar bring trees of notebooks and files to the Workspace and back;
# a second time nothing moves.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/workspace.sh"
command -v rsync >/dev/null || skip "rsync is not installed"

start_emulator
tree=$work/tree
mkdir -p "$tree/etl/deep" "$tree/with space"
printf '%s\nx = 1\n' "$header" >"$tree/etl/book.py"
printf '%s\nx = 1' "$header" >"$tree/etl/no newline.py"
printf '%s\r\nx = 1\r\n' "$header" >"$tree/etl/crlf.py"
printf -- '-- Databricks notebook source\nselect 1\n' >"$tree/etl/deep/query.sql"
printf '// Databricks notebook source\n1\n' >"$tree/etl/deep/s.scala"
printf '%s\n1\n' "$header" >"$tree/etl/deep/r.R"
echo 'import x' >"$tree/etl/module.py"
: >"$tree/etl/__init__.py"
printf '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}' >"$tree/j.ipynb"
echo '[x]' >"$tree/with space/ä 😀 %41 #1 & ;.toml"
make_random 300000 "$tree/data.bin"
find "$tree" -exec touch -d '2020-02-02 02:02:02.123456789' {} +
touch -d '2011-11-11 11:11:11.5' "$tree/etl/book.py" "$tree/etl/deep"
kinds='NOTEBOOK PYTHON etl/book
NOTEBOOK PYTHON etl/no newline
NOTEBOOK PYTHON etl/crlf
NOTEBOOK SQL etl/deep/query
NOTEBOOK SCALA etl/deep/s
NOTEBOOK R etl/deep/r
NOTEBOOK PYTHON JUPYTER j
FILE etl/module.py
FILE etl/__init__.py
FILE with space/ä 😀 %41 #1 & ;.toml
FILE data.bin
DIRECTORY etl
DIRECTORY etl/deep
DIRECTORY with space'

note "rsync there"
mount_brickfs -o attr_timeout=600 /Workspace/Users/me@example.com
rsync -a --delete "$tree/" "$mnt/tree/"
everything_sent
expect_same_tree "$tree" "$mnt/tree"
expect_objects /Workspace/Users/me@example.com/tree "$kinds"
expect_output '2011-11-11 11:11:11.500000000 +0000' stat -c %y "$mnt/tree/etl/deep"
note "no name of rsync's own was ever there"
ws_ever /Workspace/Users/me@example.com/tree | grep -v /Users >"$work/ever"
! grep -E '(^|/)\.[^/]*\.[A-Za-z0-9]{6}$' "$work/ever" || fail "temporary files were sent"

nothing_moves() { # FROM TO
	emu_reset_counters
	rsync -a --delete --itemize-changes "$1/" "$2/" >"$work/out"
	[ ! -s "$work/out" ] || {
		cat "$work/out"
		fail "the second rsync changes something"
	}
	expect_equal "changes on the server" 0 "$(emu_counter mutations)"
	expect_requests GET /api/2.0/workspace/export 0
}
note "again: nothing moves, there or back, nor after a remount"
nothing_moves "$tree" "$mnt/tree"
rsync -a --delete "$mnt/tree/" "$work/back/"
expect_same_tree "$tree" "$work/back"
nothing_moves "$mnt/tree" "$work/back"
remount -o attr_timeout=600 /Workspace/Users/me@example.com
nothing_moves "$tree" "$mnt/tree"
nothing_moves "$mnt/tree" "$work/back"

note "one change is one import, and what is deleted goes"
echo 'y = 2' >>"$tree/etl/book.py"
id=$(ws_id /Workspace/Users/me@example.com/tree/etl/book)
emu_reset_counters
rsync -a "$tree/" "$mnt/tree/"
expect_requests POST /api/2.0/workspace/import 1
expect_equal id "$id" "$(ws_id /Workspace/Users/me@example.com/tree/etl/book)"
expect_same "$tree/etl/book.py" "$mnt/tree/etl/book.py"
emu_reset_counters
rm "$tree/etl/deep/query.sql" "$tree/data.bin"
rm -r "$tree/with space"
rsync -a --delete "$tree/" "$mnt/tree/"
expect_requests POST /api/2.0/workspace/delete 4
expect_same_tree "$tree" "$mnt/tree"
nothing_moves "$tree" "$mnt/tree"

note "what others do in the web UI comes back with rsync"
ws_put_text /Workspace/Users/me@example.com/tree/web "$header
web" PYTHON
ws_put_text /Workspace/Users/me@example.com/tree/etl/book "$header
theirs" PYTHON
remount -o attr_timeout=600 /Workspace/Users/me@example.com
rsync -a --delete "$mnt/tree/" "$work/back/"
expect_content "$work/back/web.py" "$header
web
"
expect_content "$work/back/etl/book.py" "$header
theirs
"
nothing_moves "$mnt/tree" "$work/back"

note "tar there and back"
tar -C "$work" -cf - tree | tar -C "$mnt" -xf - --transform 's/^tree/tarred/'
everything_sent
expect_same_tree "$tree" "$mnt/tarred"
tar -C "$mnt" -cf "$mnt/archive.tar" tarred
mkdir "$work/untarred"
tar -C "$work/untarred" -xf "$mnt/archive.tar"
expect_same_tree "$tree" "$work/untarred/tarred"
rm "$mnt/archive.tar"
note "... over what is there: the objects stay the same ones"
tar -C "$work" -cf - tree | tar -C "$mnt" -xf - --transform 's/^tree/tarred/' --overwrite
everything_sent
expect_same_tree "$tree" "$mnt/tarred"

note "git where a directory .git is refused: it says so, and another place is taken"
git init -q -b main "$work/origin"
cp -a "$tree/." "$work/origin/"
git -C "$work/origin" add -A
git -C "$work/origin" commit -qm first
expect_failure 'not permitted' mkdir "$mnt/.git"
expect_failure 'not permitted' git clone -q "$work/origin" "$mnt/refused"
rm -rf "$mnt/refused"
git clone -q --separate-git-dir="$work/clone.git" "$work/origin" "$mnt/clone" \
    2>"$work/err" || {
	cat "$work/err"
	fail "git clone --separate-git-dir"
}
expect_output '' git -C "$mnt/clone" status --porcelain
git -C "$mnt/clone" ls-files | sort >"$work/files"
expect_equal "files" "$(git -C "$work/origin" ls-files | wc -l)" "$(wc -l <"$work/files")"
while read -r file; do
	expect_same "$tree/$file" "$mnt/clone/$file"
done <"$work/files"

note "... in place where it is not"
emu_set git-dirs allow
git clone -q "$work/origin" "$mnt/inplace"
cd "$mnt/inplace"
expect_output '' git status --porcelain
echo 'z = 3' >>etl/book.py
expect_output ' M etl/book.py' git status --porcelain
git commit -qam second
git mv etl/module.py etl/moved.py
git commit -qm moved
git checkout -q HEAD~2
expect_same "$tree/etl/book.py" etl/book.py
git checkout -q main
git fsck --strict >"$work/fsck" 2>&1 || {
	cat "$work/fsck"
	fail "git fsck complains"
}
# A file as young as the index is read by git in any case.
find . -path ./.git -prune -o -type f -exec touch -d 2001-02-03T04:05:06.789 {} +
expect_output '' git status --porcelain
cd "$work"
remount -o attr_timeout=600 /Workspace/Users/me@example.com
expect_output '' git -C "$mnt/inplace" status --porcelain
# Else it makes its index.lock, if only to remove it.
costs '' env GIT_OPTIONAL_LOCKS=0 git -C "$mnt/inplace" status --porcelain
git clone -q "$mnt/inplace" "$work/from"
expect_output 3 git -C "$work/from" rev-list --count HEAD
unmount

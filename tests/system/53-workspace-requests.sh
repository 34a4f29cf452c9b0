#!/bin/sh
# Goal: going through notebooks costs a list a directory, and once for each version of a
# notebook its export; within the time-to-live nothing, after it the lists alone, and so
# after a remount.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/workspace.sh"

start_emulator
# 3 directories, 14 notebooks, 6 of them Python's, and 6 files.
for dir in a b; do
	for i in 1 2 3; do
		ws_put_text /Workspace/t/$dir/py$i "$header
$dir $i" PYTHON
		ws_put_text /Workspace/t/$dir/sql$i "-- Databricks notebook source
select '$dir $i'" SQL
		ws_put_text /Workspace/t/$dir/f$i.txt "$dir $i"
	done
done
for i in 1 2; do
	ws_put_text /Workspace/t/r$i "$header
$i" R
done
cold() {
	rm -rf "$work/cache" "$work/state"
}
walk() { # COMMAND...: in the mount
	(cd "$mnt" && "$@")
}
is_known() {
	costs '' walk "$@"
}
start() {
	mount_brickfs -o "attr_timeout=${1:-600},negative_timeout=${1:-600}" /Workspace/t
}

note "names cost the lists, and once the format of each Python notebook"
start
costs 'get-status 6 list 3' walk ls -R
is_known ls -R
is_known find . -type f
note "... sizes the export of each notebook, and contents what is not here yet"
costs 'export 14' walk ls -lR
is_known ls -lR
is_known grep -r Databricks . --include='*.py'
costs 'export 6' walk grep -r . .
is_known grep -r . .
is_known ls -lR
unmount
note "... after a remount the lists alone"
start
costs 'list 3' walk ls -lR
is_known grep -r . .
unmount
note "... and without what was on disk all of it, once"
cold
start
costs 'export 20 get-status 6 list 3' walk grep -r . .
is_known ls -lR
is_known grep -r . .
unmount

note "git status"
command git init -q --separate-git-dir="$work/git" "$work/repo"
of_mount() {
	command git --git-dir="$work/git" --work-tree="$mnt" "$@"
}
status() {
	(cd "$mnt" && of_mount status --porcelain)
}
# git goes by the names in its index: it asks for the first name of a directory before
# anybody knows that it will ask for all.
status_costs() { # EXPORTS FORMATS WANT
	note "costs $1 exports, 3 lists: git status"
	emu_reset_counters
	expect_output "$3" status
	expect_requests GET /api/2.0/workspace/list 3
	expect_requests GET /api/2.0/workspace/export "$1"
	expect_requests_at_most GET /api/2.0/workspace/get-status $(($2 + 4))
	expect_equal "changes" 0 "$(emu_counter mutations)"
}
start
(cd "$mnt" && of_mount add -A && of_mount commit -qm first)
expect_equal "files in git" 20 "$(of_mount ls-files | wc -l)"
costs '' status
unmount
cold
start
note "... cold: sizes are to be known; no file is read"
status_costs 14 6 ''
costs '' status
costs '' of_mount -C "$mnt" diff
unmount
start
status_costs 0 0 ''
costs '' status
ws_put_text /Workspace/t/a/py1 "$header
changed"
unmount
note "... and what others changed is fetched, alone"
start
status_costs 1 1 ' M a/py1.py'
unmount

note "after the time-to-live a list a directory"
ttl=2
start $ttl
walk ls -lR >"$work/out"
walk grep -r . . >"$work/out"
status >"$work/out"
# Nothing is known any more when all was looked at before this.
sleep "$ttl.2"
costs 'list 3' walk ls -lR
sleep "$ttl.2"
costs 'list 3' walk grep -r . .
sleep "$ttl.2"
status_costs 0 0 ' M a/py1.py'
unmount

note "one notebook"
echo old >"$work/old"
cold
start
costs 'export 1 get-status 2' cat "$mnt/r1.r"
costs '' cat "$mnt/r1.r"
costs '' stat "$mnt/r1.r"
unmount
cold
start
costs 'export 1 get-status 3' cat "$mnt/a/py2.py"
costs 'get-status 2 list 1' ls "$mnt/a" # the formats of the other two
costs 'get-status 1 import 1' cp "$work/old" "$mnt/a/new.txt"
note "... and looking at one again fetches no other"
twice() {
	cat "$1" "$1"
	stat "$1"
	cp "$1" "$work/copy"
}
costs 'export 1' twice "$mnt/a/py1.py"
unmount
expect_requests GET /api/2.0/workspace/export 1
start
costs 'get-status 1 list 1' ls "$mnt/a"
costs 'get-status 2 import 1' cp "$work/old" "$mnt/a/py2.py"
costs 'rename 1' mv "$mnt/a/new.txt" "$mnt/a/new2.txt"
costs 'delete 1' rm "$mnt/a/new2.txt"
costs 'get-status 1 mkdirs 1' mkdir "$mnt/a/c"
costs 'delete 1' rmdir "$mnt/a/c"
unmount

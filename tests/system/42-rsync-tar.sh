#!/bin/sh
# Goal: rsync -a and tar bring a tree there and back; a second rsync moves
# nothing, also after a remount.
. "$(dirname "$0")/../support/lib.sh"
command -v rsync >/dev/null || skip "rsync is not installed"

start_emulator
mount_brickfs dbfs:/
make_tree "$work/tree"
touch -d '2010-10-10 10:10:10.123456789' "$work/tree/one"
touch -d '2011-11-11' "$work/tree/a"

note "rsync there"
rsync -a "$work/tree/" "$mnt/tree/"
expect_same_tree "$work/tree" "$mnt/tree"
expect_output '2010-10-10 10:10:10.123456789 +0000' stat -c %y "$mnt/tree/one"
expect_output '2011-11-11 00:00:00.000000000 +0000' stat -c %y "$mnt/tree/a"

# nothing_moves: what rsync would say of every file that it touches.
nothing_moves() {
	emu_reset_counters
	rsync -a --itemize-changes "$work/tree/" "$mnt/tree/" >"$work/out"
	[ ! -s "$work/out" ] || {
		cat "$work/out"
		fail "the second rsync changes something"
	}
	expect_equal "changes on the server" 0 "$(emu_counter mutations)"
	expect_requests GET /api/2.0/dbfs/read 0
}
note "rsync again"
nothing_moves
note "rsync again, after a remount"
remount dbfs:/
nothing_moves

note "one change is one upload"
echo changed >>"$work/tree/one"
emu_reset_counters
rsync -a "$work/tree/" "$mnt/tree/"
expect_requests POST /api/2.0/dbfs/put 1
expect_requests POST /api/2.0/dbfs/move 0
expect_remote /dbfs/tree/one "$work/tree/one"

note "rsync --delete, --inplace, --append and back"
rm "$work/tree/a/1"
rsync -a --delete "$work/tree/" "$mnt/tree/"
expect_same_tree "$work/tree" "$mnt/tree"
make_random 10 "$work/more"
cat "$work/more" >>"$work/tree/a/b/c/big"
rsync -a --inplace --append "$work/tree/" "$mnt/tree/"
expect_remote /dbfs/tree/a/b/c/big "$work/tree/a/b/c/big"
rsync -a "$mnt/tree/" "$work/back/"
expect_same_tree "$work/tree" "$work/back"

note "no name of rsync's own has reached the server"
emu_api GET '/api/2.0/dbfs/list?path=/tree' | jq -r '.files[].path' >"$work/list"
! grep -E '/\.[^/]*\.[A-Za-z0-9]{6}$' "$work/list" || fail "scratch files were sent"

note "tar there and back"
tar -C "$work" -cf - tree | tar -C "$mnt" -xf - --transform 's/^tree/tarred/'
expect_same_tree "$work/tree" "$mnt/tarred"
tar -C "$mnt" -cf "$mnt/archive.tar" tarred
mkdir "$work/untarred"
tar -C "$work/untarred" -xf "$mnt/archive.tar"
expect_same_tree "$work/tree" "$work/untarred/tarred"
tar -C "$work" -czf "$mnt/archive.tgz" tree
tar -tzf "$mnt/archive.tgz" >/dev/null
unmount

#!/bin/sh
# Goal: git works in a repository that lies on the mount.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
mount_brickfs dbfs:/
cd "$mnt"
mkdir repo
cd repo
note "init, add, commit"
git init -q -b main .
echo one >a
mkdir d
make_random 200000 d/b
# A file as young as the index is read by git in any case.
touch -d 2001-02-03T04:05:06.789 d/b
git add .
git commit -qm first
expect_output '' git status --porcelain
expect_output 2 sh -c 'git ls-files | wc -l'

note "change, diff, commit, log, checkout, branch, merge"
echo two >>a
expect_output ' M a' git status --porcelain
git commit -qam second
git checkout -q -b side HEAD~1
expect_content a 'one
'
echo side >s
git add s
git commit -qm side
git checkout -q main
git merge -q -m merged side
expect_output 4 git rev-list --count HEAD
git mv a moved
git rm -q s
git commit -qm moved
git gc -q
git fsck --strict >"$work/fsck" 2>&1 || {
	cat "$work/fsck"
	fail "git fsck complains"
}
expect_output '' git status --porcelain

# One that was renamed has another inode number now.
note "a remount: nothing has changed, and git need not read a file"
cd "$work"
remount dbfs:/
: >"$work/emu.requests"
cd "$mnt/repo"
expect_output '' git status --porcelain
grep 'dbfs/read.*%2Frepo%2F' "$work/emu.requests" >"$work/read" || :
grep -q '%2F\.git%2Findex' "$work/read" || fail "not even the index is read"
! grep -v '%2F\.git%2F\|%2Fmoved&' "$work/read" || fail "files are read"
expect_output 5 git rev-list --count HEAD

note "a clone from it"
cd "$work"
git clone -q "$mnt/repo" clone
expect_same clone/d/b "$mnt/repo/d/b"
unmount

#!/bin/sh
# Goal: walking a tree costs one list a directory, and no call a file.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
emu_make /dbfs/ 100 100 10

# walk COMMAND...: on a fresh mount; 101 directories, 10,000 files.
walk() {
	note "$*"
	mount_brickfs -o attr_timeout=120 dbfs:/
	emu_reset_counters
	(cd "$mnt" && "$@") >"$work/out"
	expect_requests GET /api/2.0/dbfs/list 101
	expect_requests GET /api/2.0/dbfs/get-status 0
	expect_requests GET /api/2.0/dbfs/read 0
	note "... again, from what is known"
	(cd "$mnt" && "$@") >"$work/out2"
	expect_requests GET /api/2.0/dbfs/list 101
	expect_same "$work/out" "$work/out2"
	unmount
}

walk find . -type f
expect_equal "files" 10000 "$(wc -l <"$work/out")"
walk find . -type f -size +0 -newermt 2000-01-01
expect_equal "files" 10000 "$(wc -l <"$work/out")"
walk ls -lR
expect_equal "files" 10000 "$(grep -c ' f[0-9]*$' "$work/out")"
walk du -a
walk rsync -a --list-only ./

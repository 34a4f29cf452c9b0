#!/bin/sh
# Goal: content is kept on the local disk between mounts, for one host and user, and
# shared by mounts that are there at once; what is damaged there is fetched again and
# never shown; without a place for it, or room, the mount works as well.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 3500000 "$work/f"
make_random 10 "$work/small"
emu_put /dbfs/f "$work/f"
emu_put /dbfs/small "$work/small"
blocks=$work/cache/brickfs/v1/blocks

# figure GROUP NAME: of stats.json.
figure() {
	jq ".$1.$2" "$mnt/.control/cache/stats.json"
}
figure_is() {
	[ "$(figure "$1" "$2")" = "$3" ]
}
# expect_figure NAME N: of the disk; blocks may arrive there later than at a reader.
expect_figure() {
	wait_until "$patience" figure_is disk "$1" "$2" ||
		fail "disk.$1 is $(figure disk "$1"), not $2"
}
expect_reads() {
	expect_requests GET /api/2.0/dbfs/read "$1"
	emu_reset_counters
}
block_files() {
	find "$blocks" -name '*-*-*' -type f
}

note "what was read once is read without a request by the next mount"
mount_brickfs dbfs:/
emu_reset_counters
expect_same "$work/f" "$mnt/f"
expect_same "$work/small" "$mnt/small"
expect_reads 5
expect_figure blocks 5
expect_figure budget 10737418240
expect_figure misses 5
remount dbfs:/
emu_reset_counters
expect_same "$work/f" "$mnt/f"
expect_same "$work/small" "$mnt/small"
expect_reads 0
expect_figure hits 5
expect_figure misses 0
expect_equal "directory in status.json" "$blocks" \
    "$(jq -r .cache_directory "$mnt/.control/status.json")"

note "nobody else can look into it"
expect_equal "modes" "directory 700 file 600" "$(find "$blocks" \
    -mindepth 1 ! -name format -printf '%y %m\n' | sort -u |
	sed 's/^d/directory/; s/^f/file/' | tr '\n' ' ' | sed 's/ $//')"
expect_output 700 stat -c %a "$blocks"
expect_output 700 stat -c %a "${blocks%/*}"
! grep -rqs "$emu_token" "$work/cache" || fail "the token is in the cache"
unmount

note "a flipped byte, a block cut short and one under another's name: fetched again"
printf 'X' | dd of="$(block_files | grep -e '-0000000000000001$')" bs=1 \
    seek=500000 conv=notrunc status=none
truncate -s 1000 "$(block_files | grep -e '-0000000000000002$')"
cp "$(block_files | grep -e '-0000000000000003$')" \
    "$(find "$blocks" -size 1 -name '*-0000000000000000')"
mount_brickfs dbfs:/
emu_reset_counters
expect_same "$work/f" "$mnt/f"
expect_same "$work/small" "$mnt/small"
expect_reads 3
expect_figure damaged 3
expect_figure blocks 5
grep -q 'damaged' "$mount_log" || fail "the log is silent"
remount dbfs:/
emu_reset_counters
expect_same "$work/f" "$mnt/f"
expect_reads 0

note "a changed file is read anew"
make_random 3500000 "$work/f"
emu_put /dbfs/f "$work/f"
remount dbfs:/
emu_reset_counters
expect_same "$work/f" "$mnt/f"
expect_reads 4
expect_same "$work/small" "$mnt/small"
expect_reads 0
expect_figure blocks 9

note "drop forgets it on disk, too; other mounts of the same go on"
mount_brickfs_at "$work/second" dbfs:/
expect_same "$work/f" "$work/second/f"
expect_reads 0
echo 1 >"$mnt/.control/cache/drop"
expect_figure blocks 0
unmount "$work/second"
remount dbfs:/
emu_reset_counters
expect_same "$work/f" "$mnt/f"
expect_reads 4
expect_figure blocks 4

note "two mounts at once see what the other one fetched"
mount_brickfs_at "$work/second" dbfs:/
emu_reset_counters
expect_same "$work/f" "$work/second/f"
expect_reads 0
expect_same "$work/small" "$work/second/small"
expect_reads 1
expect_figure blocks 5
expect_same "$work/small" "$mnt/small"
expect_reads 0
unmount "$work/second"
unmount

note "another user, with the same token and path"
emu_rule '{"match": {"path": "*/scim/v2/Me"}, "verb": "status", "args":
    {"code": 200, "body": "{\"userName\": \"other@example.com\", \"id\": \"7\"}",
     "type": "application/scim+json"}}'
mount_brickfs dbfs:/
emu_reset_counters
expect_equal "user" other@example.com \
    "$(jq -r .user "$mnt/.control/status.json")"
expect_same "$work/f" "$mnt/f"
expect_reads 4
expect_figure blocks 9
note "... who drops his own only"
echo 1 >"$mnt/.control/cache/drop"
expect_figure blocks 5
unmount
emu_rules_clear

note "another host with the same files"
stop_emulator
emu_port=
start_emulator
mount_brickfs dbfs:/
emu_reset_counters
expect_same "$work/f" "$mnt/f"
expect_reads 4
unmount

note "cache_disk=0: nothing is kept"
rm -r "$work/cache"
mount_brickfs -o cache_disk=0 dbfs:/
expect_same "$work/f" "$mnt/f"
expect_output null jq .disk "$mnt/.control/cache/stats.json"
jq -e '.cache_directory == null and (.cache_directory_why | length > 0)' \
    "$mnt/.control/status.json" >/dev/null || fail "status.json is silent"
unmount
[ ! -e "$work/cache" ] || fail "a cache directory was made"

note "no place, an unsafe place, one that the mount would hide, a newer format"
# expect_without WORDS: a mount that says them and keeps nothing.
expect_without() {
	mount_brickfs dbfs:/
	expect_same "$work/f" "$mnt/f"
	expect_output null jq .disk "$mnt/.control/cache/stats.json"
	jq -r .cache_directory_why "$mnt/.control/status.json" | grep -q "$1" ||
		fail "status.json does not say '$1'"
	grep -q "$1" "$mount_log" || fail "the log does not say '$1'"
	unmount
}
XDG_CACHE_HOME=/proc/none expect_without 'No such file'
mkdir -p "$work/open/brickfs"
chmod 777 "$work/open/brickfs"
XDG_CACHE_HOME=$work/open expect_without 'chmod go-w'
chmod 700 "$work/open/brickfs"
mkdir -m 755 "$work/open/brickfs/v1"
XDG_CACHE_HOME=$work/open expect_without 'chmod 700'
XDG_CACHE_HOME=$mnt expect_without 'below the mount point'
(umask 077 && mkdir -p "$blocks")
echo 2 >"$blocks/format"
expect_without 'newer brickfs'
expect_output 2 cat "$blocks/format"
rm -r "$work/cache"

note "CACHE_DIRECTORY, as systemd gives it"
mkdir -m 700 "$work/systemd"
CACHE_DIRECTORY=$work/systemd:/other mount_brickfs dbfs:/
expect_same "$work/f" "$mnt/f"
expect_figure blocks 4
[ -d "$work/systemd/v1/blocks" ] || fail "it is not used"
unmount

note "the budget holds: what was used last stays"
mount_brickfs -o cache_disk=3M dbfs:/
expect_same "$work/f" "$mnt/f"
expect_figure misses 4
expect_same "$work/small" "$mnt/small"
keeps_budget() {
	[ "$(figure disk evicted)" -ge 1 ] && [ "$(figure disk blocks)" -ge 2 ] &&
		[ "$(figure disk bytes)" -le 3145728 ]
}
wait_until "$patience" keeps_budget || fail "$(figure disk bytes) bytes, \
$(figure disk evicted) blocks were evicted"
unmount

note "kill -9 while blocks are written: whatever is found then is right"
# No more blocks than wait for the disk at once: beyond that some are not kept.
make_random 12M "$work/large"
emu_put /dbfs/large "$work/large"
for _ in 1 2 3 4; do
	mount_brickfs dbfs:/
	cat "$mnt/large" >"$work/got" 2>/dev/null &
	reader=$!
	wait_until "$patience" file_has_content "$work/got"
	kill_brickfs
	wait "$reader" || :
	rm "$work/got"
	find "$blocks" -name '*-0000000000000007' -delete
done
mount_brickfs dbfs:/
expect_same "$work/large" "$mnt/large"
expect_figure damaged 0
remount dbfs:/
emu_reset_counters
expect_same "$work/large" "$mnt/large"
expect_reads 0
unmount

[ "$(id -u)" -eq 0 ] || {
	note "not root: no small disk can be mounted"
	exit 0
}
note "a full disk: the mount reads and writes all the same"
mkdir "$work/tiny"
at_exit() {
	umount -l "$work/tiny" 2>/dev/null || :
}
mount -t tmpfs -o size=2m,mode=700 tmpfs "$work/tiny"
XDG_CACHE_HOME=$work/tiny mount_brickfs dbfs:/
dd if=/dev/zero of="$work/tiny/filler" bs=4096 2>/dev/null || :
expect_same "$work/f" "$mnt/f"
wait_until "$patience" figure_is disk not_kept 4 ||
	fail "$(figure disk not_kept) blocks were not kept"
expect_output 1 grep -c 'not kept on disk' "$mount_log"
cp "$work/small" "$mnt/new"
expect_remote /dbfs/new "$work/small"
rm "$work/tiny/filler"
echo 1 >"$mnt/.control/cache/drop"
expect_same "$work/small" "$mnt/small"
expect_figure blocks 1
unmount

#!/bin/sh
# Goal: a full local disk is ENOSPC at write, the server keeps what it had, and all
# is well again when there is room.
. "$(dirname "$0")/../support/lib.sh"
[ "$(id -u)" -eq 0 ] || skip "only root can mount a small disk"

small=$work/small
mkdir "$small"
at_exit() {
	umount -l "$small" 2>/dev/null || :
}
mount -t tmpfs -o size=4m tmpfs "$small"
start_emulator
make_random 300000 "$work/old"
make_random 3000000 "$work/fits"
make_random 9000000 "$work/big"
emu_put /dbfs/f "$work/old"
emu_put /dbfs/large "$work/big"
head -c 2000000 "$work/big" >"$work/half"
emu_put /dbfs/half "$work/half"
mount_brickfs -o "state_dir=$small" dbfs:/

note "what does not fit fails, and nothing of it reaches the server"
expect_failure 'No space left' cp "$work/big" "$mnt/f"
expect_failure 'No space left' cp "$work/big" "$mnt/new"
# df of the mount shows room: which disk is it?
for file in f new; do
	expect_output 1 grep -c "	$file	.*	ENOSPC	the local disk" \
	    "$mnt/.control/errors"
done
expect_remote /dbfs/f "$work/old"
expect_no_remote /dbfs/new
expect_history_within /dbfs/f "$work/old"
expect_same "$work/old" "$mnt/f"
[ ! -e "$mnt/new" ] || fail "a torn file is shown"

note "a change of a file that is larger than the disk leaves room for others"
expect_failure 'No space left' dd if="$work/old" of="$mnt/large" bs=1000 \
    count=1 seek=5000 conv=notrunc,fsync
expect_remote /dbfs/large "$work/big"
note "... also when it is read"
cp "$work/big" "$work/changed"
dd if="$work/old" of="$work/changed" bs=1000 count=1 seek=5000 conv=notrunc \
    status=none
expect_same "$work/changed" "$mnt/large"
cp "$work/fits" "$mnt/a"
expect_remote /dbfs/a "$work/fits"
for item in "$mnt/.control/pending/"*; do
	basename "$item" >"$item/discard"
done
expect_same "$work/big" "$mnt/large"

note "what fits goes through, again and again: what is kept for later makes room"
for file in a b c d; do
	cp "$work/fits" "$mnt/$file"
	expect_remote "/dbfs/$file" "$work/fits"
done
dd if="$work/old" of="$mnt/half" bs=1000 count=1 conv=notrunc,fsync 2>/dev/null
fallocate -l 3000000 "$mnt/new"

note "a file that could not be written can be written when there is room"
make_random 4096 "$work/page"
cp "$work/page" "$mnt/page"
exec 9<"$mnt/page" # its content stays here
dd if=/dev/zero of="$small/filler" bs=4096 2>/dev/null || :
expect_failure 'No space left' cp "$work/big" "$mnt/new"
dd if=/dev/zero of="$small/more" bs=4096 2>/dev/null || :
expect_failure 'No space left' dd if="$work/page" of="$mnt/page" \
	oflag=append conv=notrunc
exec 9<&-
expect_same "$work/page" "$mnt/page"
rm "$small/filler" "$small/more"
cat "$work/old" >>"$mnt/page"
cat "$work/old" >>"$work/page"
expect_remote /dbfs/page "$work/page"
expect_same "$work/page" "$mnt/page"

note "reading needs no room"
expect_failure 'No space left' cp "$work/big" "$mnt/new"
dd if=/dev/zero of="$small/filler" bs=4096 2>/dev/null || :
expect_same "$work/old" "$mnt/f"
expect_failure 'No space left' cp "$work/fits" "$mnt/e"
rm "$small/filler"
cp "$work/fits" "$mnt/e"
expect_remote /dbfs/e "$work/fits"
unmount

note "what was acknowledged before the disk was full is not lost with what came then"
mount_brickfs -o "state_dir=$small,writeback=3600" dbfs:/
cp "$work/page" "$mnt/acknowledged"
dd if=/dev/zero of="$small/filler" bs=4096 2>/dev/null || :
expect_failure 'No space left' dd if="$work/big" of="$mnt/acknowledged" bs=1M \
	oflag=append conv=notrunc
rm "$small/filler"
unmount "$mnt" 3
expect_no_remote /dbfs/acknowledged
mount_brickfs -o "state_dir=$small" dbfs:/
for item in "$mnt/.control/pending/"*; do
	[ "$(cat "$item/state")" != kept ] || basename "$item" >"$item/discard"
done
echo 1 >"$mnt/.control/sync"
expect_remote /dbfs/acknowledged "$work/page"
unmount

note "what was put off is sent to make room"
mount_brickfs -o "state_dir=$small,writeback=3600" dbfs:/
for file in wa wb wc; do
	cp "$work/fits" "$mnt/$file"
done
expect_remote /dbfs/wa "$work/fits"
expect_remote /dbfs/wb "$work/fits"
expect_no_remote /dbfs/wc
fallocate -l 3000000 "$mnt/wd"
expect_remote /dbfs/wc "$work/fits"
rm "$mnt/wd"

note "... if it can be"
cp "$work/fits" "$mnt/we"
emu_rule '{"match":{"path":"*/dbfs/put"},"verb":"status","args":{"code":403}}'
expect_failure 'No space left' cp "$work/fits" "$mnt/wf"
emu_rules_clear
expect_same "$work/fits" "$mnt/we"
echo 1 >"$mnt/.control/sync"
expect_remote /dbfs/we "$work/fits"
[ ! -e "$mnt/wf" ] || fail "a torn file is shown"
unmount

note "content that is kept on that disk for later reads makes room"
emu_put /dbfs/read "$work/half"
export XDG_CACHE_HOME="$small/cache"
mount_brickfs -o "state_dir=$small" dbfs:/
expect_same "$work/half" "$mnt/read"
is_kept() {
	[ "$(jq .disk.blocks "$mnt/.control/cache/stats.json")" -ge 2 ]
}
wait_until "$patience" is_kept || fail "nothing is kept on disk"
cp "$work/fits" "$mnt/made-room"
expect_remote /dbfs/made-room "$work/fits"
unmount

#!/bin/sh
# Goal: a journal that ends in half a record, that is damaged in the middle, empty, or of
# a newer format, stops no mount that can go on, loses what is whole in no case, and is
# never changed when it cannot be read.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
mount_brickfs -o scratch_keep=3600 dbfs:/
echo one >"$mnt/one~"
echo two >"$mnt/two~"
kill_brickfs
kept=$(dirname "$(find "$work/state" -name journal)")
cp "$kept/journal" "$work/journal"
cp -r "$kept/staging" "$work/staging"

# put_back: what the crash left.
put_back() {
	rm -rf "$kept/staging"
	cp -r "$work/staging" "$kept/staging"
	chmod 700 "$kept/staging"
	cp "$work/journal" "$kept/journal"
}

note "half a record at the end"
printf '\377\003\000\000\001' >>"$kept/journal"
mount_brickfs -o scratch_keep=3600 dbfs:/
expect_content "$mnt/one~" 'one
'
expect_content "$mnt/two~" 'two
'
grep -q 'were being written' "$mount_log" || fail "it is not said"
kill_brickfs

note "damaged after the first file: that one is there, the files of the others stay"
put_back
# The first byte of the second file's name, wherever it is.
at=$(grep -abo 'two~' "$kept/journal" | head -n 1 | cut -d : -f 1)
printf 'X' | dd of="$kept/journal" bs=1 seek="$at" conv=notrunc 2>"$work/out"
files=$(find "$kept/staging" -name '*.data' | wc -l)
mount_brickfs -o scratch_keep=3600 dbfs:/
expect_content "$mnt/one~" 'one
'
expect_equal "staging files" "$files" "$(find "$kept/staging" -name '*.data' | wc -l)"
kill_brickfs

note "empty"
put_back
: >"$kept/journal"
mount_brickfs dbfs:/
expect_listing "$mnt"
echo new >"$mnt/new"
unmount
expect_remote_text /dbfs/new 'new
'

note "of a newer format: refused, and left as it is"
put_back
printf '\002' | dd of="$kept/journal" bs=1 seek=8 conv=notrunc 2>"$work/out"
sum=$(sha256sum "$kept/journal")
expect_failure 'newer brickfs' env DATABRICKS_TOKEN="$emu_token" "$BRICKFS" -f \
    -o "host=$emu_url" dbfs:/ "$mnt"
expect_equal "journal" "$sum" "$(sha256sum "$kept/journal")"
mkdir "$work/other"
mount_brickfs_at "$work/other" dbfs:/
unmount "$work/other"
expect_equal "journal" "$sum" "$(sha256sum "$kept/journal")"

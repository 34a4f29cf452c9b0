#!/bin/sh
# Goal: an upload is checked.  By its size, unless it was JSON that a cut would have
# broken; with -o verify=read all of it is read back, and a single wrong byte is an error
# that is said, and mended by the next try.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 500000 "$work/json"
make_random 2500000 "$work/form"
make_random 3000000 "$work/form2"
control=$mnt/.control
expect_reads() { # N: pieces of files that were read
	expect_requests GET /api/2.0/dbfs/read "$1"
}
expect_looks() {
	expect_requests GET /api/2.0/dbfs/get-status "$1"
}

note "size: one look after a form, none after JSON"
mount_brickfs -o attr_timeout=600,negative_timeout=600 dbfs:/
ls "$mnt" >"$work/out"
emu_reset_counters
cp "$work/json" "$mnt/json"
expect_looks 0
cp "$work/form" "$mnt/form"
expect_looks 1
expect_reads 0
emu_rule '{"match":{"path":"/api/2.0/dbfs/get-status","target":"/lie*"},
    "verb":"size_lie","args":{"d":1}}'
expect_failure 'I.*O error|Input/output' cp "$work/form" "$mnt/lie"
emu_rules_clear
echo 1 >"$control/sync"
expect_remote /dbfs/lie "$work/form"
unmount

note "size: what has another size there may be somebody else's, and stays"
mount_brickfs -o attr_timeout=600 dbfs:/
emu_rule '{"match":{"path":"/api/2.0/dbfs/get-status","target":"/theirs*","nth":2},
    "verb":"remote_edit","args":{"path":"/theirs","content":"theirs"}}'
expect_failure 'I.*O error|Input/output' cp "$work/form" "$mnt/theirs"
emu_rules_clear
echo 1 >"$work/1"
expect_failure 'Stale|exists' cp "$work/1" "$control/sync"
expect_remote_text /dbfs/theirs theirs
one=$(find "$control/pending" -mindepth 1 -maxdepth 1 -type d)
expect_output conflict cat "$one/state"
expect_same "$work/form" "$one/data"
basename "$one" >"$one/discard"
unmount

note "read: everything that was sent is read back, in pieces of 1 MiB"
mount_brickfs -o verify=read,attr_timeout=600,negative_timeout=600 dbfs:/
ls "$mnt" >"$work/out"
emu_reset_counters
cp "$work/json" "$mnt/json2"
expect_looks 1
expect_reads 1
cp "$work/form" "$mnt/form2"
expect_looks 2
expect_reads 4

note "read: one wrong byte is an error with words, kept, and sent again"
for file in json form; do
	emu_reset_counters
	# It stays base64, of another byte.
	emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/read\",\"target\":\"/bad-$file*\",
	    \"times\":1},\"verb\":\"corrupt\",\"args\":{\"at\":100}}"
	expect_failure 'I.*O error|Input/output' cp "$work/$file" "$mnt/bad-$file"
	expect_requests POST /api/2.0/dbfs/put 1
	grep -q 'other bytes than were sent' "$control/pending/"*/reason ||
		fail "pending does not say why"
	emu_rules_clear
	expect_same "$work/$file" "$mnt/bad-$file"
	echo 1 >"$control/sync"
	expect_requests POST /api/2.0/dbfs/put 2
	expect_remote "/dbfs/bad-$file" "$work/$file"
	expect_listing "$control/pending"
done

note "read: what is damaged in the store itself is replaced, too"
emu_rule '{"match":{"path":"/api/2.0/dbfs/get-status","target":"/store*","times":1},
    "verb":"remote_edit","args":{"path":"/store","content":"right byteS"}}'
printf 'right bytes' >"$work/right"
expect_failure 'I.*O error|Input/output' cp "$work/right" "$mnt/store"
emu_rules_clear
expect_remote_text /dbfs/store 'right byteS'
echo 1 >"$control/sync"
expect_remote /dbfs/store "$work/right"
unmount

#!/bin/sh
# Goal: what an ended mount could not send is taken over by the next mount of the same
# host, workspace and user that shows that part of the tree, wherever it is mounted;
# once, by one of several, never from a mount that lives, and never for another host.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
base=$work/state/brickfs/v1
one=$work/one two=$work/two three=$work/three

# refuse: nothing can be sent.
refuse() {
	emu_rule '{"match": {"path": "*/dbfs/put"}, "verb": "status",
	    "args": {"code": 403, "error_code": "PERMISSION_DENIED"}}'
}

# die DIR: the mount there, which was the last one, ends as in a crash.
die() {
	kill -KILL "$brickfs_pid"
	wait "$brickfs_pid" || :
	umount -l "$1" 2>/dev/null || fusermount3 -uz "$1"
	mount_forget "$1"
}

# leave DIR [SOURCE]: a mount there dies with unsent files in a/ and b/.
leave() {
	refuse
	mount_brickfs_at "$1" -o scratch_keep=3600 "${2:-dbfs:/}"
	echo unsent-a >"$1/a/new" || :
	echo unsent-b >"$1/b/new" || :
	echo scratch >"$1/a/x~"
	mv "$1/a/old" "$1/a/old~"
	die "$1"
	emu_rules_clear
}

is_sent() {
	emu_exists "$1"
}

emu_api POST /api/2.0/dbfs/mkdirs '{"path":"/a"}'
emu_api POST /api/2.0/dbfs/mkdirs '{"path":"/b"}'
emu_put_text /dbfs/a/old 'old
'

note "another mount point"
leave "$one"
mount_brickfs_at "$two" -o scratch_keep=3600 dbfs:/
expect_content "$two/a/new" 'unsent-a
'
expect_content "$two/a/x~" 'scratch
'
expect_content "$two/a/old~" 'old
'
[ ! -e "$two/a/old" ] || fail "what was moved aside shows under its real name"
for dir in a b; do
	wait_until "$patience" is_sent "/dbfs/$dir/new" || fail "$dir/new is not sent"
	expect_remote_text "/dbfs/$dir/new" "unsent-$dir
"
done
grep -q '3 files .*not sent: here again' "$mount_log" || fail "it is not said"
unmount "$two"
expect_remote_text '/dbfs/a/old~' 'old
'

note "and back, where nothing is taken twice"
mount_brickfs_at "$one" -o scratch_keep=3600 dbfs:/
expect_content "$one/a/x~" 'scratch
'
rm "$one/a/x~"
unmount "$one"
mount_brickfs_at "$two" dbfs:/
[ ! -e "$two/a/x~" ] || fail "a deleted file is back"
unmount "$two"

note "a part of the tree: the rest waits for a mount that shows it"
emu_rm /dbfs/a/new
emu_rm /dbfs/b/new
emu_put_text /dbfs/a/old 'old
'
leave "$one"
mount_brickfs_at "$two" dbfs:/a
wait_until "$patience" is_sent /dbfs/a/new || fail "a/new is not sent"
unmount "$two"
expect_no_remote /dbfs/b/new

note "another name of the host is another host"
port=${emu_url##*:}
mkdir -p "$three"
mount_brickfs_at "$three" -o "host=http://localhost:$port" dbfs:/
unmount "$three"
expect_no_remote /dbfs/b/new

note "a mount that lives is left alone"
refuse
mount_brickfs_at "$three" dbfs:/a
echo living >"$three/living" || :
living=$brickfs_pid
emu_rules_clear
mount_brickfs_at "$two" dbfs:/
wait_until "$patience" is_sent /dbfs/b/new || fail "b/new is not sent"
expect_content "$three/living" 'living
'
echo 1 >"$three/.control/sync"
expect_remote_text /dbfs/a/living 'living
'
unmount "$two"
process_is_gone "$living" && fail "the other mount has ended"
unmount "$three"

note "two at once: one of them takes it"
emu_rm /dbfs/a/new
emu_rm /dbfs/b/new
emu_put_text /dbfs/a/old 'old
'
leave "$one"
mkdir -p "$two" "$three"
for dir in "$two" "$three"; do
	start_brickfs "$work/brickfs.${dir##*/}.log" -f -o "host=$emu_url" dbfs:/ "$dir"
	echo "$brickfs_pid $work/brickfs.${dir##*/}.log $dir" >>"$work/mounted"
done
for dir in "$two" "$three"; do
	wait_until "$patience" is_mounted "$dir" || fail "$dir is not mounted"
done
wait_until "$patience" is_sent /dbfs/b/new || fail "b/new is not sent"
expect_equal "mounts that took it over" 1 "$(cat "$work/brickfs.two.log" \
    "$work/brickfs.three.log" | grep -c 'taken over')"
unmount "$two"
unmount "$three"
printf 'unsent-b\n' >"$work/want"
expect_history_within /dbfs/b/new "$work/want"

note "the directory of a mount that left nothing goes"
mount_brickfs_at "$work/four" dbfs:/b
unmount "$work/four"
find "$base" -name '*-four-*' | grep -q . || fail "it has no directory"
mount_brickfs_at "$one" dbfs:/
! find "$base" -name '*-four-*' | grep . || fail "its directory stays"
unmount "$one"

note "times and execute bits, the one that was set last"
rm -rf "$base"
emu_put_text /dbfs/a/timed 'timed
'
emu_put_text /dbfs/b/timed 'timed
'
mount_brickfs_at "$one" dbfs:/
touch -d '2001-02-03 04:05:06.789012345Z' "$one/a/timed" "$one/b/timed"
chmod +x "$one/a/timed"
unmount "$one"
mount_brickfs_at "$two" dbfs:/a
expect_output 981173106.789012345 stat -c %.9Y "$two/timed"
[ -x "$two/timed" ] || fail "the execute bit is lost"
touch -d '2011-02-03 04:05:06.5Z' "$two/timed"
mount_brickfs_at "$one" dbfs:/
expect_output 981173106.789012345 stat -c %.9Y "$one/a/timed"
expect_output 981173106.789012345 stat -c %.9Y "$one/b/timed"
unmount "$one"
unmount "$two"
mount_brickfs_at "$one" dbfs:/
expect_output 1296705906.500000000 stat -c %.9Y "$one/a/timed"
unmount "$one"

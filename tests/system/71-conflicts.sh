#!/bin/sh
# Goal: content that meets another version on the server is kept for a person to decide
# (over remounts, too), is sent under a name beside it, or replaces it, as -o conflict
# says: at a close, at a late upload, and at the mount after a crash.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
control=$mnt/.control
host=$(uname -n)
host=${host%%.*}
later=writeback=3600,attr_timeout=600

save_over() { # NAME TEXT
	printf '%s' "$2" >"$mnt/$1"
}
# A program that has read f, and writes it when somebody else has: its error.
edit_live() {
	python3 - "$mnt/$1" "$2" "$emu_url/emulator/file?path=/$1" "$emu_token" <<'PYTHON'
import errno, os, sys, urllib.request
path, text, url, token = sys.argv[1:]
fd = os.open(path, os.O_RDWR)
os.ftruncate(fd, 0)
os.pwrite(fd, text.encode(), 0)
request = urllib.request.Request(url, data=b"theirs", method="PUT", headers={
    "Authorization": "Bearer " + token,
    "Content-Type": "application/octet-stream"})
urllib.request.urlopen(request).read()
try:
    os.close(fd)
    print("0")
except OSError as e:
    print(errno.errorcode[e.errno])
PYTHON
}
pending_count() {
	find "$control/pending" -mindepth 1 -maxdepth 1 -type d | wc -l
}
siblings() { # NAME: how many the server has
	emu_api GET "/api/2.0/dbfs/list?path=/" |
		jq -r '.files[].path' | grep -c "^/$1\.conflict-" || :
}
sibling() { # NAME: the name of the only one
	emu_api GET "/api/2.0/dbfs/list?path=/" |
		jq -r '.files[].path' | grep "^/$1\.conflict-$host-[0-9]*T[0-9]*Z\$"
}
# expect_told NAME ERRNO: one line of .control/errors is about it.
expect_told() {
	expect_equal "lines about $1 in .control/errors" 1 \
	    "$(awk -F '\t' -v name="$1" -v err="$2" '$3 == name && $7 == err &&
	        $8 ~ /on the server/' "$control/errors" | wc -l)"
}
settled() {
	[ "$(pending_count)" -eq 0 ] && grep -q '"unsent_files": *0' "$control/status.json"
}

for name in f late crash crash2; do
	emu_put_text "/dbfs/$name" base
done

note "keep: at a close"
mount_brickfs dbfs:/
expect_output ESTALE edit_live f ours
expect_remote_text /dbfs/f theirs
expect_kept ours
expect_output conflict cat "$control/pending/1/state"
expect_told f ESTALE
echo 1 >"$work/1"
expect_failure 'Stale' cp "$work/1" "$control/sync"
tail -n 1 "$control/errors" | grep -q 'see .control/pending' ||
	fail "sync does not say where to look: $(tail -n 1 "$control/errors")"
unmount "$mnt" 3

note "a rename onto it fails, too, and the kernel does not repeat it"
emu_put_text /dbfs/renamed base
mount_brickfs -o attr_timeout=600 dbfs:/
ls -l "$mnt" >"$work/out"
printf ours >"$mnt/.renamed~"
emu_put_text /dbfs/renamed theirs
expect_failure 'busy' mv "$mnt/.renamed~" "$mnt/renamed"
expect_remote_text /dbfs/renamed theirs
expect_content "$mnt/.renamed~" ours
rm "$mnt/.renamed~"
unmount "$mnt" 3

note "undecided, it is listed again by the next mount, whatever that is told, and not sent"
for options in conflict=keep conflict=overwrite; do
	emu_reset_counters
	mount_brickfs -o $options dbfs:/
	expect_output conflict cat "$control/pending/1/state"
	expect_output f cat "$control/pending/1/path"
	expect_kept ours
	expect_content "$mnt/f" theirs
	unmount "$mnt" 3
	expect_equal "changes on the server" 0 "$(emu_counter mutations)"
done
mount_brickfs dbfs:/
echo 1 >"$control/pending/1/retry"
expect_remote_text /dbfs/f ours
expect_equal "pending files" 0 "$(pending_count)"
unmount

note "keep: at a late upload, and after a crash"
mount_brickfs -o "$later" dbfs:/
ls "$mnt" >"$work/out"
save_over late ours
save_over crash 'ours, too'
emu_put_text /dbfs/late theirs
emu_put_text /dbfs/crash theirs
kill_brickfs
mount_brickfs -o "$later" dbfs:/
two_pending() { [ "$(pending_count)" -eq 2 ] && ! grep -qv conflict "$control/pending/"*/state; }
wait_until "$patience" two_pending || fail "they are not listed as conflicts"
expect_kept ours
expect_kept 'ours, too'
for name in late crash; do
	grep -qP "upload\t$name\t.*ESTALE" "$control/errors" ||
		fail ".control/errors does not say that $name met another version"
done
expect_remote_text /dbfs/late theirs
expect_remote_text /dbfs/crash theirs
echo 1 >"$control/pending/1/discard"
echo 2 >"$control/pending/2/discard"
expect_equal "pending files" 0 "$(pending_count)"
echo 1 >"$control/sync"
unmount

note "sibling: at a close, which says so"
mount_brickfs -o conflict=sibling,attr_timeout=600 dbfs:/
expect_output ESTALE edit_live f mine
expect_remote_text /dbfs/f theirs
expect_equal "siblings" 1 "$(siblings f)"
expect_remote_text "/dbfs$(sibling f)" mine
expect_equal "pending files" 0 "$(pending_count)"
expect_content "$mnt$(sibling f)" mine
expect_content "$mnt/f" theirs
grep -q 'our content is beside it' "$mount_log" || fail "the log does not say it"
expect_told f ESTALE

note "sibling: of a new file whose name was taken meanwhile"
python3 - "$mnt/new" "$work/root/dbfs/new" <<'PYTHON'
import errno, os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_EXCL)
os.write(fd, b"mine")
with open(sys.argv[2], "w") as f:
    f.write("theirs")
try:
    os.close(fd)
    sys.exit("close did not fail")
except OSError as e:
    if e.errno != errno.EEXIST:
        sys.exit(f"close: {e}")
PYTHON
expect_remote_text /dbfs/new theirs
expect_remote_text "/dbfs$(sibling new)" mine
expect_equal "pending files" 0 "$(pending_count)"
unmount

note "sibling: at a late upload, and after a crash"
mount_brickfs -o "$later,conflict=sibling" dbfs:/
ls "$mnt" >"$work/out"
save_over late mine
emu_put_text /dbfs/late theirs
echo 1 >"$work/1"
expect_failure 'Stale' cp "$work/1" "$control/sync"
expect_remote_text /dbfs/late theirs
expect_remote_text "/dbfs$(sibling late)" mine
save_over crash mine
emu_put_text /dbfs/crash theirs
kill_brickfs
mount_brickfs -o "$later,conflict=sibling" dbfs:/
wait_until "$patience" settled || fail "it is not settled"
expect_remote_text /dbfs/crash theirs
expect_remote_text "/dbfs$(sibling crash)" mine
unmount

note "sibling: one whose answer is lost is not sent twice"
mount_brickfs -o "$later,conflict=sibling" dbfs:/
ls "$mnt" >"$work/out"
save_over crash2 mine
emu_put_text /dbfs/crash2 theirs
emu_rule '{"match":{"path":"/api/2.0/dbfs/put","times":1},"verb":"apply_then_fail","args":{"how":"stall"}}'
expect_status 124 timeout 3 cp "$work/1" "$control/sync"
kill_brickfs
emu_rules_clear
expect_equal "siblings" 1 "$(siblings crash2)"
mount_brickfs -o "$later,conflict=sibling" dbfs:/
wait_until "$patience" settled || fail "it is not settled"
expect_equal "siblings" 1 "$(siblings crash2)"
expect_remote_text /dbfs/crash2 theirs
unmount

note "sibling: when it cannot be sent it is tried again, and nothing is lost"
mount_brickfs -o "conflict=sibling,attr_timeout=600" dbfs:/
emu_rule '{"match":{"path":"/api/2.0/dbfs/put"},"verb":"status","code":403}'
expect_output EACCES edit_live f again
emu_rules_clear
expect_kept again
echo 1 >"$work/1"
expect_failure 'Stale' cp "$work/1" "$control/sync"
expect_equal "siblings" 2 "$(siblings f)"
wait_until "$patience" settled || fail "it is still pending"
unmount

note "overwrite: at a close, at a late upload, after a crash; the log says what went"
mount_brickfs -o conflict=overwrite,attr_timeout=600 dbfs:/
expect_output 0 edit_live f final
expect_remote_text /dbfs/f final
grep -q '/f: a version of 6 bytes .* was replaced by ours' "$mount_log" ||
	fail "the log does not say it"
unmount
mount_brickfs -o "$later,conflict=overwrite" dbfs:/
ls "$mnt" >"$work/out"
save_over late final
emu_put_text /dbfs/late 'theirs again'
echo 1 >"$control/sync"
expect_remote_text /dbfs/late final
save_over crash final
emu_put_text /dbfs/crash 'theirs again'
kill_brickfs
mount_brickfs -o "$later,conflict=overwrite" dbfs:/
wait_until "$patience" settled || fail "it is not settled"
expect_remote_text /dbfs/crash final
unmount

note "what is made from pieces of a version that is gone is never sent"
make_random 3000000 "$work/large"
make_random 3000001 "$work/other"
for conflict in sibling overwrite; do
	emu_put "/dbfs/large-$conflict" "$work/large"
	mount_brickfs -o "$later,conflict=$conflict" dbfs:/
	printf changed |
		dd of="$mnt/large-$conflict" bs=1 seek=1500000 conv=notrunc 2>"$work/err"
	emu_put "/dbfs/large-$conflict" "$work/other"
	expect_failure 'Stale' cp "$work/1" "$control/sync"
	expect_history "/dbfs/large-$conflict" "$work/large" "$work/other"
	expect_equal "siblings" 0 "$(siblings "large-$conflict")"
	one=$(find "$control/pending" -mindepth 1 -maxdepth 1 -type d)
	expect_output conflict cat "$one/state"
	grep -q 'only the parts' "$one/reason" || fail "it is not said"
	basename "$one" >"$one/discard"
	unmount
done

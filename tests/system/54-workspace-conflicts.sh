#!/bin/sh
# Goal: what others did to an object of the Workspace meanwhile is found before it is
# overwritten: a change, a deletion, another object under the name; and what was written
# here is kept.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/workspace.sh"

start_emulator
control=$mnt/.control
pending_count() {
	find "$control/pending" -mindepth 1 -maxdepth 1 -type d | wc -l
}
discard_all() {
	for one in "$control/pending/"[0-9]*; do
		[ ! -e "$one" ] || basename "$one" >"$one/discard"
	done
	expect_equal "pending files" 0 "$(pending_count)"
}
# save NAME TEXT COMMAND...: a program that has read the file, and writes it after the
# command; its error.
save() {
	cat >"$work/save.py" <<'PYTHON'
import errno, os, subprocess, sys
path, text, *command = sys.argv[1:]
fd = os.open(path, os.O_RDWR)
os.read(fd, 100)
subprocess.run(command, check=True)
os.ftruncate(fd, 0)
os.pwrite(fd, text.encode(), 0)
try:
    os.close(fd)
    print("0")
except OSError as e:
    print(errno.errorcode[e.errno])
PYTHON
	python3 "$work/save.py" "$mnt/$1" "$2" "$work/theirs"
}
# theirs COMMAND...: what others do, as a program.
theirs() {
	{
		echo '#!/bin/sh'
		echo 'set -eu'
		sed -n '/^emu() {/,/^}/p; /^emu_query() {/,/^}/p; /^quote_url() {/,/^}/p
		    /^emu_rm() {/,/^}/p; /^emu_api() {/,/^}/p; /^fail() {/,/^}/p' \
		    "$srcdir/tests/support/lib.sh"
		sed -n '/^ws_put[a-z_]*() {/,/^}/p' "$srcdir/tests/support/workspace.sh"
		echo "emu_url=$emu_url emu_admin=$emu_admin emu_token=$emu_token" \
		    "work=$work"
		echo '"$@"'
	} >"$work/their_words"
	printf '#!/bin/sh\nexec sh "%s" %s >"%s"\n' "$work/their_words" "$*" \
	    "$work/theirs.out" >"$work/theirs"
	chmod +x "$work/theirs"
}

begin() {
	emu_rm /Workspace/t 2>"$work/err" || :
	ws_put_text /Workspace/t/n "$header
old" PYTHON
	ws_put_text /Workspace/t/f.txt old
	mount_brickfs -o "attr_timeout=600${1:+,$1}" /Workspace/t
	cat "$mnt/n.py" "$mnt/f.txt" >"$work/out"
}

note "a change in the web UI before a backup that cannot have its name becomes a file"
begin scratch_keep=3600
mv "$mnt/n.py" "$mnt/n.py~"
echo more >>"$mnt/n.py~"
ws_put_text /Workspace/t/n 'theirs, too'
unmount
expect_remote_text /Workspace/t/n 'theirs, too'

note "a change in the web UI before a save"
begin
theirs ws_put_text /Workspace/t/n 'theirs,too'
expect_output ESTALE save n.py ours
expect_remote_text /Workspace/t/n 'theirs,too'
expect_kept ours
cat "$mnt/n.py" >"$work/out" # what is there now, whatever is kept
grep -q theirs "$work/out" || fail "the notebook does not show the other version"
theirs ws_put_text /Workspace/t/f.txt theirs
expect_output ESTALE save f.txt 'ours, too'
expect_remote_text /Workspace/t/f.txt theirs
expect_kept 'ours, too'
expect_content "$mnt/f.txt" theirs
discard_all

note "... of the same length, in the same second"
cat "$mnt/f.txt" >"$work/out"
theirs ws_put_text /Workspace/t/f.txt THEIRS
expect_output ESTALE save f.txt ours
expect_remote_text /Workspace/t/f.txt THEIRS
discard_all

note "... and what editors do when a file is replaced: write and rename"
unmount
begin
ls -l "$mnt" >"$work/out"
theirs ws_put_text /Workspace/t/f.txt again
"$work/theirs"
echo ours >"$mnt/.f.txt.tmp~"
expect_failure 'busy' mv "$mnt/.f.txt.tmp~" "$mnt/f.txt"
expect_remote_text /Workspace/t/f.txt again
expect_content "$mnt/.f.txt.tmp~" 'ours
'
rm "$mnt/.f.txt.tmp~"

note "a deletion: the file is made anew, as what it was"
theirs emu_rm /Workspace/t/n
expect_output 0 save n.py "$header
ours"
theirs emu_rm /Workspace/t/f.txt
expect_output 0 save f.txt ours
expect_objects /Workspace/t 'NOTEBOOK PYTHON n' 'FILE f.txt'
unmount

note "another object has the name by now: nothing of it is overwritten"
begin
cat >"$work/their_change" <<EOF2
emu_rm /Workspace/t/n
ws_put_text /Workspace/t/n.py 'their file'
EOF2
theirs . "$work/their_change"
got=$(save n.py ours)
expect_remote_text /Workspace/t/n.py 'their file'
# Either way nothing is lost: it is kept, or a notebook beside the file.
[ "$got" != 0 ] || expect_remote_text /Workspace/t/n "$header
ours"
[ "$got" = 0 ] || expect_kept ours
cat >"$work/their_change" <<EOF2
emu_rm /Workspace/t/f.txt
ws_put_text /Workspace/t/f.txt/inner 'their folder'
EOF2
got=$(save f.txt 'ours, too')
[ "$got" != 0 ] || fail "a file was saved over a folder"
expect_kept 'ours, too'
expect_remote_text /Workspace/t/f.txt/inner 'their folder'
discard_all
unmount

note "the type has changed under the stored name"
begin
cat >"$work/their_change" <<EOF2
emu_rm /Workspace/t/f.txt
ws_put_text /Workspace/t/f.txt 'select 1' SQL
EOF2
got=$(save f.txt ours)
[ "$got" != 0 ] || fail "a file was saved over a notebook"
expect_kept ours
expect_remote_text /Workspace/t/f.txt 'select 1'
cat >"$work/their_change" <<EOF2
emu_rm /Workspace/t/n
ws_put_text /Workspace/t/n 'their file'
EOF2
expect_output 0 save n.py 'ours, too' # whose notebook is gone: it is made anew
expect_remote_text /Workspace/t/n 'their file'
expect_remote_text /Workspace/t/n.py 'ours, too'
discard_all
note "... and the language: the other's is not overwritten"
ws_put_text /Workspace/t/l "$header
old" PYTHON
unmount
mount_brickfs -o attr_timeout=600 /Workspace/t
cat "$mnt/l.py" >"$work/out"
theirs ws_put_text /Workspace/t/l select SQL
expect_output EEXIST save l.py "$header
ours"
expect_kept ours
expect_remote_text /Workspace/t/l select
discard_all
unmount

note "a new name that others have taken meanwhile"
begin
ls "$mnt" >"$work/out"
new() { # NAME TEXT: a program that makes the file, and writes it after the others
	python3 - "$mnt/$1" "$2" "$work/theirs" <<'PYTHON'
import errno, os, subprocess, sys
path, text, command = sys.argv[1:]
fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
subprocess.run([command], check=True)
os.write(fd, text.encode())
try:
    os.close(fd)
    print("0")
except OSError as e:
    print(errno.errorcode[e.errno])
PYTHON
}
theirs ws_put_text /Workspace/t/new.txt theirs
expect_output EEXIST new new.txt ours
expect_remote_text /Workspace/t/new.txt theirs
expect_kept ours
theirs ws_put_text /Workspace/t/book theirs PYTHON
expect_output EEXIST new book.py "$header"
expect_remote_text /Workspace/t/book theirs
expect_kept "$header"
discard_all
expect_failure 'File exists' sh -c "set -C; echo x >'$mnt/n.py'"
expect_failure 'File exists' mkdir "$mnt/n.py"
unmount

note "conflict=sibling: ours is beside it, a notebook as a notebook; overwrite: over it"
begin conflict=sibling
theirs ws_put_text /Workspace/t/n theirs
expect_output ESTALE save n.py "$header
ours"
expect_remote_text /Workspace/t/n theirs
expect_equal "pending files" 0 "$(pending_count)"
ws_objects /Workspace/t >"$work/out"
expect_equal "siblings" 1 "$(grep -c conflict "$work/out")"
sibling=$(sed -n 's/.* \(n.*conflict.*\)/\1/p' "$work/out")
note "$(grep conflict "$work/out")"
emu_get "/Workspace/t/$sibling" | grep -q ours
unmount
begin conflict=overwrite
id=$(ws_id /Workspace/t/n)
theirs ws_put_text /Workspace/t/n theirs
expect_output 0 save n.py "$header
ours"
expect_remote_text /Workspace/t/n "$header
ours"
expect_equal id "$id" "$(ws_id /Workspace/t/n)"
unmount

note "what was overwritten knowingly: opened empty after the change was seen"
begin attr_timeout=0
ws_put_text /Workspace/t/n theirs
printf 'ours' >"$work/new"
cp "$work/new" "$mnt/n.py"
expect_content "$mnt/n.py" ours
unmount

note "a crash with unsent content: a change of others is found by the next mount"
begin writeback=3600
printf '%s\nours' "$header" >"$mnt/n.py"
printf 'ours, too' >"$mnt/f.txt"
printf '%s\nnew' "$header" >"$mnt/new.py"
ws_put_text /Workspace/t/n theirs
kill_brickfs
mount_brickfs /Workspace/t
echo 1 >"$work/1"
expect_failure 'Stale' cp "$work/1" "$control/sync"
expect_remote_text /Workspace/t/n theirs
expect_remote_text /Workspace/t/f.txt 'ours, too'
expect_remote_text /Workspace/t/new "$header
new"
expect_equal "pending files" 1 "$(pending_count)"
expect_kept ours
expect_objects /Workspace/t 'NOTEBOOK PYTHON n' 'NOTEBOOK PYTHON new' 'FILE f.txt'
discard_all
unmount

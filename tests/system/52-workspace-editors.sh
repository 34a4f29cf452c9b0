#!/bin/sh
# Goal: editors save notebooks and files of the Workspace, each in its way: the object
# stays the same one, others see the old or the new content and no other object at any
# time, and it costs one import and what is looked up around it.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/workspace.sh"
for tool in vim nano emacs ed perl; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done

# nano_replaces FILE [OPTION...]: two by TWO, typed as a person does.
cat >"$work/nano.py" <<'PYTHON'
import os, pty, re, select, sys
steps = [("GNU nano", b"\x1c"), (r"Search \(to replace", b"two\r"),
         ("Replace with", b"TWO\r"), ("this instance", b"a"),
         ("Replaced 1", b"\x13"), ("Wrote", b"\x18")]
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execlp("nano", "nano", "-I", *sys.argv[2:], sys.argv[1])
seen = ""
for words, keys in steps:
    while not (found := re.search(words, seen)):
        if not select.select([fd], [], [], 30)[0]:
            sys.exit(f"no '{words}' in {seen!r}")
        seen += os.read(fd, 65536).decode(errors="replace")
    seen = seen[found.end():]
    os.write(fd, keys)
try:
    while os.read(fd, 65536):
        pass
except OSError:
    pass # the end of a terminal
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PYTHON
nano_replaces() {
	python3 "$work/nano.py" "$@"
}

# What VS Code's file service and Jupyter's contents manager do, call by call.
cat >"$work/replay.py" <<'PYTHON'
import os, shutil, sys
how, path = sys.argv[1:3]
text = open(path, "rb").read().replace(b"two", b"TWO")
name = os.path.join(os.path.dirname(path), "")
def write(fd, sync):
    os.write(fd, text)
    sync(fd)
    os.close(fd)
if how == "vscode":
    os.stat(path)
    write(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), os.fdatasync)
    os.stat(path)
elif how == "jupyter":
    between = name + ".~" + os.path.basename(path)
    shutil.copy2(path, between)
    write(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), os.fsync)
    os.remove(between)
    os.stat(path)
elif how == "in_place":
    fd = os.open(path, os.O_RDWR)
    os.pwrite(fd, b"TWO", text.index(b"TWO"))
    os.close(fd)
elif how == "glib":
    new = name + ".goutputstream-AB12CD"
    write(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), os.fsync)
    os.rename(new, path)
elif how == "libreoffice":
    lock = name + ".~lock." + os.path.basename(path) + "#"
    os.close(os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    write(os.open(path, os.O_WRONLY | os.O_TRUNC), os.fsync)
    os.remove(lock)
elif how == "no_tmpfile":
    try:
        os.open(os.path.dirname(path) or ".", os.O_WRONLY | os.O_TMPFILE)
        sys.exit("O_TMPFILE works?")
    except OSError:
        pass
    new = path + "~"
    write(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), os.fsync)
    os.rename(new, path)
PYTHON
replay() {
	python3 "$work/replay.py" "$@"
}

start_emulator
printf '%s\none\ntwo\n' "$header" >"$work/old"
printf '%s\none\nTWO\n' "$header" >"$work/new"
for file in old new; do # as the service keeps a notebook
	printf '%s' "$(cat "$work/$file")" >"$work/$file.nb"
done
ways='vim vim_backup vim_copy vim_all emacs emacs_copy emacs_bare nano nano_backup ed sed
  perl vscode jupyter in_place glib libreoffice no_tmpfile'
for way in $ways; do
	ws_put "/Workspace/t/$way" "$work/old.nb" PYTHON
	ws_put "/Workspace/t/$way.txt" "$work/old"
done
ws_tree /Workspace/t >"$work/before"
mount_brickfs -o attr_timeout=600,negative_timeout=600 /Workspace/t
cd "$mnt"
cat ./* >"$work/out"

vim_saves() { # FILE COMMAND
	vim -N -u NONE -i NONE -es -c "set backupskip= $2" -c '%s/two/TWO/' -c wq "$1"
}
emacs_saves() { # FILE LISP
	emacs -Q --batch "$1" --eval "(progn $2 (goto-char 1) (search-forward \"two\")
	    (replace-match \"TWO\" t) (save-buffer))" 2>"$work/err"
}
save() { # WAY FILE
	case $1 in
	vim) vim_saves "$2" '' ;;
	vim_backup) vim_saves "$2" 'backup backupcopy=no' ;;
	vim_copy) vim_saves "$2" 'writebackup backupcopy=yes' ;;
	vim_all) vim_saves "$2" 'swapfile fsync undofile backup backupcopy=auto' ;;
	emacs) emacs_saves "$2" '' ;;
	emacs_copy) emacs_saves "$2" '(setq backup-by-copying t)' ;;
	emacs_bare) emacs_saves "$2" '(setq make-backup-files nil create-lockfiles t)' ;;
	nano) nano_replaces "$2" ;;
	nano_backup) nano_replaces "$2" -B ;;
	ed) printf '3s/two/TWO/\nw\nq\n' | ed -s "$2" ;;
	sed) sed -i 's/two/TWO/' "$2" ;;
	perl) perl -pi -e 's/two/TWO/' "$2" ;;
	*) replay "$1" "$2" ;;
	esac
}
for way in $ways; do
	case $way in
	perl) calls='get-status 3 import 1' ;; # it has the old one open meanwhile
	*) calls='get-status 2 import 1' ;;
	esac
	costs "$calls" save "$way" "$way.py"
	expect_same "$work/new" "$way.py"
	costs "$calls" save "$way" "$way.txt"
	expect_same "$work/new" "$way.txt"
done
costs '' grep -rq TWO .

note "a Jupyter document stays one, and shows what was saved"
cat >"$work/j" <<'JUPYTER'
{"cells": [{"cell_type": "code", "source": ["two"], "metadata": {}, "outputs": [],
  "execution_count": null}],
 "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
JUPYTER
cp "$work/j" j.ipynb
id=$(ws_id /Workspace/t/j)
for way in jupyter vim emacs vscode sed; do
	costs 'get-status 2 import 1' save $way j.ipynb
	sed 's/two/TWO/' "$work/j" >"$work/j2"
	expect_same "$work/j2" j.ipynb
	cp "$work/j" j.ipynb
done
expect_equal id "$id" "$(ws_id /Workspace/t/j)"

note "others saw the old, then the new content"
for way in $ways; do
	expect_history "/Workspace/t/$way" "$work/old.nb" "$work/new.nb"
	expect_history "/Workspace/t/$way.txt" "$work/old" "$work/new"
done

note "each is the object that it was, and nothing else ever was beside them"
objects() {
	jq -r '.entries[] | select(.path != "/t/j") | "\(.path) \(.note.object_id) \(.note.object_type)"' "$1"
}
ws_tree /Workspace/t >"$work/after"
expect_equal objects "$(objects "$work/before")" "$(objects "$work/after")"
# shellcheck disable=SC2046 # a list of words
expect_ever /Workspace/t j $(for way in $ways; do echo "$way" "$way.txt"; done)

note "after a remount they show the new bytes, and the backups are here"
cd "$work"
unmount
mount_brickfs -o attr_timeout=600 /Workspace/t
cd "$mnt"
for way in $ways; do
	expect_same "$work/new" "$way.py"
	expect_same "$work/new" "$way.txt"
done
for way in vim_backup vim_all emacs emacs_copy nano_backup; do
	expect_same "$work/old" "$way.py~"
done
cd "$work"
unmount

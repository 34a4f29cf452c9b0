#!/bin/sh
# Goal: what is written to a notebook or file of the Workspace is what is read, byte by
# byte, whatever the service strips or adds: at once, after a remount, and as a tree that
# goes there and back.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/workspace.sh"

# What a program may write, one file each.
python3 - "$work/texts" <<'PYTHON'
import os, sys
os.mkdir(sys.argv[1])
h = b"# Databricks notebook source\n"
texts = {
    "empty": b"", "newline": b"\n", "newlines": b"\n\n\n", "no_header": b"x = 1\n",
    "header": h, "header_alone": h[:-1], "plain": h + b"x\n", "no_newline": h + b"x",
    "many_newlines": h + b"x\n\n\n\n", "blanks": h + b"x  \n \t\n  ",
    "crlf": (h + b"x\ny\n").replace(b"\n", b"\r\n"),
    "some_crlf": h + b"x\r\ny\nz\r\n", "cr": h + b"x\ry\r", "cr_end": h + b"x\n\r",
    "bom": b"\xef\xbb\xbf" + h + b"x\n", "bom_alone": b"\xef\xbb\xbf",
    "bom_crlf": b"\xef\xbb\xbf" + (h + b"x\n").replace(b"\n", b"\r\n"),
    "latin1": h + b"\xe4\xf6\xfc\n", "zeros": h + b"a\0b\0\n", "zero": b"\0",
    "other_language": b"-- Databricks notebook source\nselect 1\n",
    "unicode": h + "ä 日本 😀\n".encode(),
    "cells": h + b"x\n\n# COMMAND ----------\n\n# MAGIC %md\n# MAGIC # t\n",
    "bare_cells": h + b"x\n# COMMAND ----------\ny\n#  MAGIC z\n# COMMAND ----------",
    "twice": h + h + b"x\n", "long_line": h + b"x" * 300000,
    "json": b'{"cells": []}', "all_bytes": bytes(range(256)) * 5,
}
for name, text in texts.items():
    open(os.path.join(sys.argv[1], name), "wb").write(text)
PYTHON
ipynb='{"cells": [{"cell_type": "code", "source": "1+1\n2", "metadata": {}, "outputs": [],
"execution_count": null}], "metadata": {},   "nbformat": 4, "nbformat_minor": 5}'
mkdir "$work/json"
printf '%s' "$ipynb" >"$work/json/plain"
printf '%s\n\n\n' "$ipynb" >"$work/json/newlines"
printf '\357\273\277%s\r\n' "$ipynb" >"$work/json/bom"
printf '%s' "$ipynb" | jq . >"$work/json/indented"

# Bytes that are no text at all: the service takes them in files alone.
mkdir "$work/bytes"
for name in latin1 zero zeros all_bytes; do
	mv "$work/texts/$name" "$work/bytes/"
done

start_emulator
for bytes in "$work/bytes/"*; do
	ws_put_text "/Workspace/t/${bytes##*/}" "$header
old" PYTHON
	ws_put_text "/Workspace/t/${bytes##*/}.txt" old
done
for text in "$work/texts/"*; do
	ws_put_text "/Workspace/t/${text##*/}" "$header
old" PYTHON
	ws_put_text "/Workspace/t/${text##*/}.txt" old
	ws_put_text "/Workspace/t/${text##*/}.sql" old
done
for json in "$work/json/"*; do
	ws_put "/Workspace/t/json_${json##*/}" "$json" PYTHON JUPYTER
done
ws_tree /Workspace/t >"$work/before"
mount_brickfs -o attr_timeout=600 /Workspace/t

same() {
	for text in "$work/texts/"*; do
		name=$mnt/${text##*/}
		for copy in "$name.py" "$name.txt" "$name.sql"; do
			expect_same "$text" "$copy"
			expect_equal "size of $copy" "$(stat -c %s "$text")" \
			    "$(stat -c %s "$copy")"
		done
	done
	for bytes in "$work/bytes/"*; do
		expect_same "$bytes" "$mnt/${bytes##*/}.txt"
	done
	for json in "$work/json/"*; do
		expect_same "$json" "$mnt/json_${json##*/}.ipynb"
	done
}
note "saved over notebooks and files"
for text in "$work/texts/"*; do
	for ending in py txt sql; do
		cp "$text" "$mnt/${text##*/}.$ending"
	done
done
for bytes in "$work/bytes/"*; do
	cp "$bytes" "$mnt/${bytes##*/}.txt"
	expect_failure 'Invalid argument' cp "$bytes" "$mnt/${bytes##*/}.py"
	cat "$mnt/.control/pending/"*/data >"$work/kept"
	expect_same "$bytes" "$work/kept"
	printf '%s\nold\n' "$header" >"$mnt/${bytes##*/}.py"
done
for json in "$work/json/"*; do
	cp "$json" "$mnt/json_${json##*/}.ipynb"
done
everything_sent
same
note "... what they are has not changed"
objects() {
	jq -r '.entries[] | "\(.path) \(.note.object_id) \(.note.object_type)"' "$1"
}
ws_tree /Workspace/t >"$work/after"
expect_equal objects "$(objects "$work/before")" "$(objects "$work/after")"
note "... files are on the server as they were written"
for text in "$work/texts/"*; do
	expect_same "$text" "$work/root/workspace/t/${text##*/}.txt"
	expect_same "$text" "$work/root/workspace/t/${text##*/}.sql"
done
note "... after a remount"
remount -o attr_timeout=600 /Workspace/t
same
note "... after a rename, and after a change in place of what the service changed"
mkdir "$mnt/d"
for name in no_newline crlf bom no_header empty; do
	mv "$mnt/$name.py" "$mnt/d/new_$name.py"
	expect_same "$work/texts/$name" "$mnt/d/new_$name.py"
done
printf 'more' >>"$mnt/d/new_crlf.py"
printf 'more' >>"$work/texts/crlf"
remount -o attr_timeout=600 /Workspace/t
for name in no_newline crlf bom no_header empty; do
	expect_same "$work/texts/$name" "$mnt/d/new_$name.py"
done

note "what others change is shown as the service has it"
ws_put_text /Workspace/t/d/new_no_newline "$header
theirs" PYTHON
remount -o attr_timeout=600 /Workspace/t
expect_content "$mnt/d/new_no_newline.py" "$header
theirs
"
unmount

note "without what is remembered, too"
mkdir "$work/other"
mount_brickfs -o "state_dir=$work/other" /Workspace/t
expect_content "$mnt/d/new_no_header.py" "$header
x = 1
"
expect_content "$mnt/many_newlines.py" "$header
x
"
jq -e .nbformat "$mnt/json_plain.ipynb" >"$work/out"
unmount

note "a notebook has at most 10 MiB: one more is refused, and nothing is lost"
head -c 10485760 /dev/zero | tr '\0' x >"$work/most"
printf '%s\n' "$header" | dd of="$work/most" conv=notrunc status=none
{ cat "$work/most"; echo; } >"$work/more"
ws_put_text /Workspace/big/n "$header
old" PYTHON
ws_put_text /Workspace/big/f.txt old
mount_brickfs /Workspace/big
cp "$work/most" "$mnt/n.py"
expect_same "$work/most" "$mnt/n.py"
cp "$work/most" "$mnt/f.txt"
expect_same "$work/most" "$mnt/f.txt"
expect_failure 'too large' cp "$work/more" "$mnt/n.py"
expect_same "$work/more" "$mnt/.control/pending/1/data"
expect_remote /Workspace/big/n "$work/most"
cp "$work/more" "$mnt/f.txt"
expect_remote /Workspace/big/f.txt "$work/more"
cp "$work/more" "$mnt/new.py" # a new one that is no notebook's size is a file
expect_remote /Workspace/big/new.py "$work/more"
expect_objects /Workspace/big 'NOTEBOOK PYTHON n' 'FILE f.txt' 'FILE new.py'
cp "$work/texts/plain" "$mnt/n.py"
unmount

note "a tree of notebooks, sources and other files goes there and back"
tree=$work/tree
mkdir "$tree"
python3 - "$tree" "$work/texts" "$work/json" "$work/bytes" <<'PYTHON'
import os, shutil, sys, json, email, unittest
tree, texts, jsons, bytes = sys.argv[1:]
for module in json, email, unittest: # sources of others
    shutil.copytree(os.path.dirname(module.__file__),
                    os.path.join(tree, module.__name__))
os.makedirs(os.path.join(tree, "with space/ä 😀/%41 #1 & ;"))
os.mkdir(os.path.join(tree, "empty"))
for i, name in enumerate(sorted(os.listdir(texts))):
    shutil.copy(os.path.join(texts, name), os.path.join(tree, name + ".py"))
    shutil.copy(os.path.join(texts, name),
                os.path.join(tree, "with space/ä 😀/%41 #1 & ;", f"{name} {i}"))
for name in os.listdir(jsons):
    shutil.copy(os.path.join(jsons, name), os.path.join(tree, "j_" + name + ".ipynb"))
for name in os.listdir(bytes): # new ones that are no notebooks
    shutil.copy(os.path.join(bytes, name), os.path.join(tree, name + ".py"))
for i, (dir, _, files) in enumerate(os.walk(tree, topdown=False)):
    for name in files:
        os.utime(os.path.join(dir, name), ns=(10**18 + i, 10**18 + i))
    os.utime(dir, ns=(10**18 + i, 10**18 + i))
PYTHON
mount_brickfs -o attr_timeout=600 /Workspace
cp -a "$tree" "$mnt/tree"
ws_objects /Workspace/tree >"$work/kinds"
set -- header header_alone plain no_newline many_newlines blanks crlf some_crlf cr cr_end \
    bom bom_crlf unicode cells bare_cells twice long_line
{
	printf 'NOTEBOOK PYTHON %s\n' "$@"
	printf 'NOTEBOOK PYTHON JUPYTER j_%s\n' plain newlines bom indented
} | sort >"$work/want"
grep '^NOTEBOOK' "$work/kinds" | sort >"$work/got"
expect_same "$work/want" "$work/got"
expect_equal files "$(find "$tree" -type f | wc -l)" "$(grep -vc '^DIR' "$work/kinds")"
expect_same_tree "$tree" "$mnt/tree"
there_and_back() {
	rm -rf "$work/back"
	cp -a "$mnt/tree" "$work/back"
	expect_same_tree "$tree" "$work/back"
	for dir in "$tree" "$work/back"; do
		(cd "$dir" && find . -printf '%P %y %s %T@\n' | LC_ALL=C sort)
	done | sort | uniq -u >"$work/out"
	[ ! -s "$work/out" ] || {
		cat "$work/out"
		fail "not the same sizes and times"
	}
}
there_and_back
remount -o attr_timeout=600 /Workspace
there_and_back
note "... and over itself: what they are does not change"
cp -a "$work/back/." "$mnt/tree"
ws_objects /Workspace/tree >"$work/kinds2"
expect_same "$work/kinds" "$work/kinds2"
expect_same_tree "$tree" "$mnt/tree"
unmount

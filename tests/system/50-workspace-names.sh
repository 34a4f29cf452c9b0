#!/bin/sh
# Goal: every object of the Workspace has a name on the mount, and every name stands for
# one object: kinds, extensions by language, collisions, odd names; what a new name
# becomes, and what a rename makes of it.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/workspace.sh"
command -v getfattr >/dev/null || skip "getfattr is not installed"

ipynb='{"cells": [{"cell_type": "code", "source": ["1+1"], "metadata": {},
  "outputs": [], "execution_count": null}],
 "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}'
tab=$(printf '\t')

start_emulator
printf '%s' "$ipynb" >"$work/json"

note "extensions by language, and what is no notebook"
ws_put_text /Workspace/kinds/py "$header
1" PYTHON
ws_put_text /Workspace/kinds/sql '-- Databricks notebook source
select 1' SQL
ws_put_text /Workspace/kinds/scala '// Databricks notebook source
1' SCALA
ws_put_text /Workspace/kinds/r "$header
1" R
ws_put_text /Workspace/kinds/jupyter "$ipynb" PYTHON JUPYTER
ws_put_text /Workspace/kinds/file.py 'no notebook'
ws_put_text /Workspace/kinds/no_extension ''
ws_put_text /Workspace/kinds/dir/below x
ws_put_other /Workspace/kinds/lib LIBRARY
ws_put_other /Workspace/kinds/exp MLFLOW_EXPERIMENT
ws_put_other /Workspace/kinds/new.thing SOMETHING_NEW
mount_brickfs /Workspace
cd "$mnt/kinds"
expect_listing . py.py sql.sql scala.scala r.r jupyter.ipynb file.py no_extension \
    dir lib exp new.thing
expect_output directory stat -c %F dir
for name in py.py sql.sql scala.scala r.r jupyter.ipynb file.py lib exp; do
	expect_output 'regular file' stat -c %F "$name"
	expect_equal "size of $name" "$(stat -c %s "$name")" "$(wc -c <"$name")"
done
expect_content py.py "$header
1
"
expect_content sql.sql '-- Databricks notebook source
select 1
'
jq -e '.cells[0].source == ["1+1"]' jupyter.ipynb >"$work/out"
expect_content file.py 'no notebook'
expect_content no_extension ''

note "a stored name of a notebook is no name here, nor is another extension"
for name in py py.sql py.ipynb jupyter jupyter.py r.R; do
	expect_failure 'No such file' cat "$name"
done

note "what has no content shows what the service says of it, and is read-only"
for name in lib exp new.thing; do
	expect_output "/kinds/$name" jq -r .path "$name"
	expect_output 444 stat -c %a "$name"
	expect_failure 'denied|not permitted' sh -c "echo x >>$name"
	expect_failure 'denied|not permitted' sh -c "echo x >$name"
done
expect_output MLFLOW_EXPERIMENT jq -r .object_type exp
grep -r . . >"$work/out"
mv exp exp2
expect_output MLFLOW_EXPERIMENT jq -r .object_type exp2
rm exp2

note "attributes"
attribute() { # NAME FILE
	getfattr --only-values -n "user.brickfs.$1" "$2"
}
id=$(ws_id /Workspace/kinds/sql)
expect_output "$id" attribute object_id sql.sql
expect_output NOTEBOOK attribute object_type sql.sql
expect_output SQL attribute language sql.sql
expect_output "/Workspace/kinds/sql.sql" attribute path sql.sql
attribute url sql.sql | grep -q "^$emu_url/?o=[0-9]*#notebook/$id\$" ||
	fail "url: $(attribute url sql.sql)"
expect_output clean attribute state sql.sql
expect_output FILE attribute object_type file.py
expect_output DIRECTORY attribute object_type dir
expect_output LIBRARY attribute object_type lib
for name in language git_url nonsense; do
	expect_failure 'No such attribute' attribute "$name" file.py
done
expect_output '' getfattr -d -m - sql.sql

note "collisions: what is no notebook keeps its name, and nothing is hidden"
for name in x x.notebook d; do
	ws_put_text "/Workspace/both/$name" "$header
$name" PYTHON
done
ws_put_text /Workspace/both/x.py 'the file'
ws_put_text /Workspace/both/d.py/inner x
ws_put_text /Workspace/both/s 'select 1' SQL
ws_put_text /Workspace/both/s.py 's, the file'
collisions() {
	expect_listing "$mnt/both" x.py x.notebook.py x.notebook.notebook.py d.py \
	    d.notebook.py s.sql s.py
	expect_content "$mnt/both/x.py" "the file$1"
	expect_content "$mnt/both/x.notebook.py" "$header
x.notebook$1
"
	expect_content "$mnt/both/x.notebook.notebook.py" "$header
x$1
"
	expect_content "$mnt/both/d.notebook.py" "$header
d
"
}
collisions ''
cd "$mnt/both"
for name in x.py x.notebook.py x.notebook.notebook.py; do
	sed '$s/$/ 2/' "$name" >"$work/new"
	cp "$work/new" "$name"
done
collisions ' 2'
everything='FILE s.py
FILE x.py
DIRECTORY d.py
FILE d.py/inner
NOTEBOOK PYTHON d
NOTEBOOK PYTHON x
NOTEBOOK PYTHON x.notebook
NOTEBOOK SQL s'
expect_objects /Workspace/both "$everything"
cd "$work"
note "... found by name alone, too"
for name in x.notebook.py x.py d.notebook.py x.notebook.notebook.py; do
	remount /Workspace
	cat "$mnt/both/$name" >"$work/out"
done
collisions ' 2'
note "... and when the file goes, the notebook stays what it is"
cd "$mnt/both"
rm x.notebook.py
rm x.py
expect_objects /Workspace/both 'FILE s.py' 'DIRECTORY d.py' 'FILE d.py/inner' \
    'NOTEBOOK PYTHON d' 'NOTEBOOK PYTHON x' 'NOTEBOOK SQL s'
cd "$work"
remount /Workspace
expect_listing "$mnt/both" x.py d.py d.notebook.py s.sql s.py
expect_content "$mnt/both/x.py" "$header
x 2
"

note "names that trouble shells, URLs and JSON"
mkdir "$mnt/odd" "$mnt/odd/dirs"
cd "$mnt/odd"
long=$(printf '%0252d' 7)
set -- ' ' 'a b' ' lead' 'trail ' 'per%41cent' '%' 'plus+' 'a&b=c' 'q?x' 'h#x' \
    'semi;colon' "quote'" 'quo"te' 'back\slash' "dollar\$HOME" '*' '[a]' '{b}' \
    'a~b' '-rf' 'colon:x' 'ümläut' '日本語' '😀' '...' '.hidden' 'at@x' 'pipe|' 'less<' "$long"
for file in "$@"; do
	printf '%s\n%s\n' "$header" "$file" >"./$file.py"
	printf '%s' "$file" >"./$file.t"
done
{
	echo 'DIRECTORY dirs'
	printf 'NOTEBOOK PYTHON %s\n' "$@"
	printf 'FILE %s.t\n' "$@"
} | LC_ALL=C sort >"$work/want"
ws_objects /Workspace/odd | LC_ALL=C sort >"$work/got"
expect_same "$work/want" "$work/got"
note "... moved into directories of such names, and read again after a remount"
for file in "$@"; do
	mkdir "dirs/$file"
	mv "./$file.py" "./$file.t" "dirs/$file/"
done
cd "$work"
remount /Workspace
cd "$mnt/odd"
for file in "$@"; do
	expect_content "dirs/$file/$file.py" "$header
$file
"
	expect_content "dirs/$file/$file.t" "$file"
	rm "dirs/$file/$file.py" "dirs/$file/$file.t"
	rmdir "dirs/$file"
done
expect_listing dirs
expect_objects /Workspace/odd 'DIRECTORY dirs'

note "names that the service cannot have"
expect_failure 'too long' touch "${long}x.py"
for file in 'new
line' "tab${tab}tab" "$(printf 'bad\377')"; do
	expect_failure 'Invalid argument' touch "$file"
	expect_failure 'Invalid argument' mkdir "$file"
done
expect_failure 'not permitted' touch .brickfs-0123456789abcdef

note "what a new name becomes is said by its extension and first line"
mkdir "$mnt/new"
cd "$mnt/new"
write() { # FILE FORMAT [WORDS...]: as printf does
	file=$1
	shift
	# shellcheck disable=SC2059
	printf "$@" >"$file"
}
write a.py '%s\n' "$header"
write crlf.py '%s\r\n1\r\n' "$header"
write bom.py '\357\273\277%s\n1\n' "$header"
write line.py '%s' "$header"
write sql.sql '%s\nselect 1\n' '-- Databricks notebook source'
write scala.scala '%s\n1\n' '// Databricks notebook source'
write r.r '%s\n1\n' "$header"
write r2.R '%s\n1\n' "$header"
write j.ipynb '%s' "$ipynb"
write f1.py '%s' "$header and more"
write f2.py 'print(1)'
write f3.py '\n%s\n' "$header"
write f4.py ' %s\n' "$header"
write f5.sql '%s\n' "$header"
write f6.txt '%s\n' "$header"
write f7 '%s\n' "$header"
write f8.ipynb '{"cells": []}'
write f9.ipynb '%s' "$header"
write f10.ipynb 'no JSON'
write f11.py ''
write f12.py '#Databricks notebook source'
write f13.PY '%s\n' "$header"
write .py '%s\n' "$header"
write board.lvdash.json '{}'
write later.py ''
everything_sent
write later.py '%s\n1\n' "$header"
set -- 'NOTEBOOK PYTHON a' 'NOTEBOOK PYTHON crlf' 'NOTEBOOK PYTHON bom' \
    'NOTEBOOK PYTHON line' 'NOTEBOOK SQL sql' 'NOTEBOOK SCALA scala' 'NOTEBOOK R r' \
    'NOTEBOOK R r2' 'NOTEBOOK PYTHON JUPYTER j' 'NOTEBOOK PYTHON later' \
    'FILE f1.py' 'FILE f2.py' 'FILE f3.py' 'FILE f4.py' 'FILE f5.sql' 'FILE f6.txt' \
    'FILE f7' 'FILE f8.ipynb' 'FILE f9.ipynb' 'FILE f10.ipynb' 'FILE f11.py' \
    'FILE f12.py' 'FILE f13.PY' 'FILE .py' 'FILE board.lvdash.json'
expect_objects /Workspace/new "$@"
new_names() {
	expect_listing "$mnt/new" a.py crlf.py bom.py line.py sql.sql scala.scala r.r \
	    r2.R j.ipynb later.py f1.py f2.py f3.py f4.py f5.sql f6.txt f7 f8.ipynb \
	    f9.ipynb f10.ipynb f11.py f12.py f13.PY .py board.lvdash.json
	expect_content "$mnt/new/board.lvdash.json" '{}'
	expect_content "$mnt/new/j.ipynb" "$ipynb"
}
new_names
cd "$work"
remount /Workspace
new_names

note "... and what is there stays what it is, whatever is written"
cd "$mnt/new"
write a.py 'no header\n'
write sql.sql ''
everything_sent
write f2.py '%s\n' "$header"
write f8.ipynb '%s' "$ipynb"
write f6.txt 'text'
expect_objects /Workspace/new "$@"
expect_content a.py 'no header
'
expect_content sql.sql ''
expect_content f2.py "$header
"

note "what cannot be a Jupyter document is refused, and kept"
printf '{"cells"' >"$work/broken"
expect_failure 'nvalid argument|I/O error' cp "$work/broken" j.ipynb
expect_kept '{"cells"'
cp "$work/json" j.ipynb
cd "$work"
unmount
note "a rename to another extension changes the language, and the object stays"
text="$header
# MAGIC %md
# MAGIC words

# COMMAND ----------

print(1) # COMMAND"
sql='-- Databricks notebook source
-- MAGIC %md
-- MAGIC words

-- COMMAND ----------

print(1) # COMMAND
'
ws_put_text /Workspace/moves/n "$text" PYTHON
id=$(ws_id /Workspace/moves/n)
ws_put_other /Workspace/moves/lib LIBRARY
mount_brickfs -o attr_timeout=600 /Workspace/moves
cd "$mnt"
moves() { # LINE...: what is there, besides one that stays
	expect_objects /Workspace/moves 'LIBRARY lib' "$@"
}
is_now() { # LINE PATH: the same object is this now
	moves "$1"
	expect_equal "id" "$id" "$(ws_id "/Workspace/moves/$2")"
}
stat n.py >"$work/out"
mv n.py n.sql
has_size() {
	[ "$(stat -c %s "$1")" = "$2" ]
}
wait_until "$patience" has_size n.sql "${#sql}" ||
	fail "the size is that of the text in the other language"
is_now 'NOTEBOOK SQL n' n
expect_listing . lib n.sql
expect_content n.sql "$sql"
mv n.sql m.scala
is_now 'NOTEBOOK SCALA m' m
mv m.scala m.r
is_now 'NOTEBOOK R m' m
mv m.r m.R
is_now 'NOTEBOOK R m' m
expect_listing . lib m.R
mv m.R n.py
is_now 'NOTEBOOK PYTHON n' n
expect_content n.py "$text
"
mv n.py n.ipynb
is_now 'NOTEBOOK PYTHON JUPYTER n' n
expect_output 2 jq '.cells | length' n.ipynb
mv n.ipynb n.py
is_now 'NOTEBOOK PYTHON n' n
expect_content n.py "$text
"

note "... in folders, and with a folder"
mkdir d
mv n.py d/k.sql
moves 'DIRECTORY d' 'NOTEBOOK SQL d/k'
mv d e
expect_content e/k.sql "$sql"
mv e/k.sql n.py
rmdir e
is_now 'NOTEBOOK PYTHON n' n

note "to a name that is no notebook's it becomes a file, and a notebook again"
time=$(stat -c %y n.py)
mv n.py n.txt
moves 'FILE n.txt'
expect_output "$time" stat -c %y n.txt
expect_content n.txt "$text
"
mv n.txt n.py
moves 'NOTEBOOK PYTHON n'

note "a file x.py stays a file, also with a header"
echo x >f.py
echo "$header" >f.py
mv f.py g.py
mkdir d
mv g.py d/
mv d/g.py g.py
mv g.py h.txt
mv h.txt g.tmp
rmdir d
moves 'NOTEBOOK PYTHON n' 'FILE g.tmp'
expect_content g.tmp "$header
"
rm g.tmp

note "what a rename replaces says what becomes of it"
id=$(ws_id /Workspace/moves/n)
echo 'no notebook' >f.txt
mv f.txt n.py
is_now 'NOTEBOOK PYTHON n' n
expect_content n.py 'no notebook
'
printf 'a file' >file.py
file=$(ws_id /Workspace/moves/file.py)
mv n.py file.py
moves 'FILE file.py'
expect_equal id "$file" "$(ws_id /Workspace/moves/file.py)"
expect_content file.py 'no notebook
'
expect_failure 'denied|not permitted' mv file.py lib
moves 'FILE file.py'
cd "$work"
unmount

note "where the service has no rename, files and notebooks are copied"
emu_set rename-disabled true
ws_put_text /Workspace/copies/n "$text" PYTHON
ws_put_text /Workspace/copies/f.txt text
ws_put_text /Workspace/copies/d/f text
mount_brickfs /Workspace/copies
cd "$mnt"
mv n.py m.py
mv f.txt g.txt
mv d e
expect_objects /Workspace/copies 'NOTEBOOK PYTHON m' 'FILE g.txt' 'DIRECTORY e' 'FILE e/f'
expect_content m.py "$text
"
expect_content e/f text
mv m.py m.sql
expect_objects /Workspace/copies 'NOTEBOOK SQL m' 'FILE g.txt' 'DIRECTORY e' 'FILE e/f'
cd "$work"
unmount
emu_set rename-disabled false

note "notebooks=files: what is there is shown as ever, what is new is a file"
ws_put_text /Workspace/modes/n "$text" PYTHON
ws_put_text /Workspace/modes/s 'select 1' SQL
ws_put_text /Workspace/modes/j "$ipynb" PYTHON JUPYTER
mount_brickfs -o notebooks=files /Workspace/modes
cd "$mnt"
expect_listing . n.py s.sql j.ipynb
echo "$header" >new.py
cp "$work/json" new.ipynb
echo "$header" >t.txt
mv t.txt t.py
cp "$work/json" n.py
expect_objects /Workspace/modes 'NOTEBOOK PYTHON n' 'NOTEBOOK SQL s' \
    'NOTEBOOK PYTHON JUPYTER j' 'FILE new.py' 'FILE new.ipynb' 'FILE t.py'
cp new.py n.py
rm new.py new.ipynb t.py
cd "$work"
unmount

note "notebooks=ipynb: all of them are Jupyter documents"
ids="$(ws_id /Workspace/modes/n) $(ws_id /Workspace/modes/s)"
mount_brickfs -o notebooks=ipynb /Workspace/modes
cd "$mnt"
expect_listing . n.ipynb s.ipynb j.ipynb
for name in n s j; do
	expect_output 4 jq .nbformat $name.ipynb
	expect_equal "size" "$(stat -c %s $name.ipynb)" "$(wc -c <$name.ipynb)"
done
jq '.cells[0].source = ["2+2"]' n.ipynb >"$work/n.ipynb"
cp "$work/n.ipynb" n.ipynb
expect_same "$work/n.ipynb" n.ipynb
sed -i 's/select 1/select 2/' s.ipynb
echo "$header" >new.py
cp "$work/json" new.ipynb
ws_objects /Workspace/modes >"$work/out"
grep -q 'NOTEBOOK SQL.* s$' "$work/out" || fail "the language of s is lost"
expect_equal ids "$ids" "$(ws_id /Workspace/modes/n) $(ws_id /Workspace/modes/s)"
grep -q '^FILE new.py$' "$work/out"
grep -q '^NOTEBOOK PYTHON JUPYTER new$' "$work/out"
cd "$work"
remount -o notebooks=ipynb /Workspace/modes
expect_same "$work/n.ipynb" "$mnt/n.ipynb"
unmount

note "a folder as SOURCE, and what is none"
mount_brickfs '/Workspace/odd'
expect_listing "$mnt" dirs
unmount
start_and_wait() {
	start_brickfs "$work/refused" -f -o "host=$emu_url" "$1" "$mnt"
	wait "$brickfs_pid"
}
for source in /Workspace/nothing /Workspace/modes/n /Workspace/both/s.py; do
	expect_status 1 start_and_wait "$source"
	grep -q "$source" "$work/refused" || fail "no word about $source"
done

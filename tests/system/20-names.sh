#!/bin/sh
# Goal: any name that a file can have is kept, on the mount and on the server; one
# that the service cannot have is refused.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
mount_brickfs dbfs:/
cd "$mnt"

note "names that trouble shells, URLs and JSON"
long=$(printf '%0255d' 7)
set -- ' ' 'a b' ' lead' 'trail ' 'per%41cent' '%' 'plus+' 'a&b=c' 'q?x' 'h#x' \
    'semi;colon' "quote'" 'quo"te' 'back\slash' "dollar\$HOME" '*' '[a]' '{b}' \
    'a~b' '-rf' 'colon:x' 'ümläut' '日本語' '😀' '...' '.hidden' 'at@x' 'pipe|' 'less<' "$long"
for file in "$@"; do
	printf '%s' "$file" >"./$file"
	expect_content "./$file" "$file"
	expect_remote_text "/dbfs/$file" "$file"
done
find . -mindepth 1 -maxdepth 1 -not -name .control -print0 |
	LC_ALL=C sort -z >"$work/got"
for file in "$@"; do printf './%s\0' "$file"; done | LC_ALL=C sort -z >"$work/want"
expect_same "$work/want" "$work/got"

note "... as directories, and renamed"
mkdir dirs
for file in "$@"; do
	mkdir "dirs/$file"
	mv "./$file" "dirs/$file/$file"
	expect_content "dirs/$file/$file" "$file"
done
cd "$work"
remount dbfs:/
cd "$mnt"
for file in "$@"; do
	expect_content "dirs/$file/$file" "$file"
	expect_remote_text "/dbfs/dirs/$file/$file" "$file"
	rm "dirs/$file/$file"
	rmdir "dirs/$file"
done
expect_listing dirs

note "names that the service cannot have"
echo x >case
for file in 'new
line' 'tab	tab' "$(printf 'bad\377')"; do
	expect_failure 'Invalid argument' touch "$file"
	expect_failure 'Invalid argument' mkdir "$file"
	# coreutils has words of its own for EINVAL
	expect_failure 'Invalid argument|subdirectory of itself' mv case "$file"
done

note "names of brickfs's own are not shown, and cannot be made"
own=.brickfs-0123456789abcdef
emu_put_text "/dbfs/other/$own" x
emu_put_text /dbfs/other/f x
cd "$work"
remount dbfs:/
cd "$mnt"
expect_listing other f
expect_failure 'No such file' cat "other/$own"
expect_failure 'not permitted' touch "$own"
expect_failure 'not permitted' mkdir "$own"

note "a name that is too long"
expect_failure 'too long' touch "${long}x"

note "case is kept"
echo lower >case
echo upper >CASE
expect_content case 'lower
'
expect_content CASE 'upper
'

note "what is not there is not there"
expect_failure 'No such file' cat nothing
expect_failure 'Not a directory' cat case/x
expect_failure 'Is a directory' cat dirs
expect_failure 'No such file' touch no/where
expect_failure 'File exists' mkdir case
mkdir dirs/sub
expect_failure 'not empty' rmdir dirs
expect_failure 'not permitted|not supported' ln -s case link
expect_failure 'not permitted|not supported' ln case link
expect_failure 'not permitted|not supported' mkfifo fifo
cd "$work"

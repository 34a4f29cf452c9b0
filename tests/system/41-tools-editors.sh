#!/bin/sh
# Goal: editors save on the mount, whatever their way, and no other client ever
# sees a half or empty file.
. "$(dirname "$0")/../support/lib.sh"
command -v vim >/dev/null || skip "vim is not installed"

start_emulator
mount_brickfs dbfs:/
cd "$mnt"
printf 'one\ntwo\nthree\n' >"$work/old"
printf 'one\nTWO\nthree\n' >"$work/new"

# edited FILE: was old, is new, and the server never had anything else.
edited() {
	expect_same "$work/new" "$1"
	expect_history_within "/dbfs/$1" "$work/old" "$work/new"
}

note "vim, its default, with a swap file"
cp "$work/old" vim1
vim -u NONE -es -c 'set backupskip=' -c '%s/two/TWO/' -c wq vim1
edited vim1

note "vim, backup by renaming, kept; and by copying"
cp "$work/old" vim2
vim -u NONE -es -c 'set backup backupskip= backupcopy=no' -c '%s/two/TWO/' -c wq vim2
edited vim2
expect_same "$work/old" vim2~
cp "$work/old" vim3
vim -u NONE -es -c 'set writebackup backupskip= backupcopy=yes' -c '%s/two/TWO/' -c wq vim3
edited vim3

note "vim with set fsync, undo file and many writes"
cp "$work/old" vim4
vim -u NONE -es -c 'set undofile fsync backupskip=' -c '%s/two/TWO/' -c w -c w -c wq vim4
edited vim4

note "sed -i, with and without a backup"
cp "$work/old" sed1
sed -i 's/two/TWO/' sed1
edited sed1
cp "$work/old" sed2
sed -i.bak 's/two/TWO/' sed2
edited sed2
expect_same "$work/old" sed2.bak

note "ed"
cp "$work/old" ed1
printf '2s/two/TWO/\nw\nq\n' | ed -s ed1 >/dev/null
edited ed1

note "an editor that writes a new file and renames it"
cp "$work/old" rename1
cp "$work/new" .rename1.tmp~
mv .rename1.tmp~ rename1
edited rename1

note "no swap file has reached the server"
cd "$work"
unmount
emu_api GET '/api/2.0/dbfs/list?path=/' | jq -r '.files[].path' >"$work/list"
! grep -E '\.sw.$|4913|/sed......$' "$work/list" || fail "scratch files were sent"
for try in .vim1.swp .vim2.swp 4913; do
	expect_equal "versions of $try" '' "$(emu_history "/dbfs/$try")"
done

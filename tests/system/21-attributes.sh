#!/bin/sh
# Goal: times, modes, owner, free space and extended attributes are those that
# design and tools expect, and those set by the user survive a remount.
. "$(dirname "$0")/../support/lib.sh"
command -v getfattr >/dev/null || skip "getfattr is not installed"

start_emulator
emu_put_text /dbfs/remote 12345
mount_brickfs dbfs:/
cd "$mnt"

note "size, time and kind are the server's"
ms=$(emu_api GET '/api/2.0/dbfs/get-status?path=/remote' |
	jq .modification_time)
expect_output "5 $((ms / 1000)) regular file 1" stat -c '%s %Y %F %h' remote
expect_output directory stat -c %F .

note "owner and modes are as the options say"
expect_output "$(id -u) $(id -g)" stat -c '%u %g' remote
cd "$work"
remount -o uid=123,gid=456,umask=027 dbfs:/
expect_output '123 456 640' stat -c '%u %g %a' "$mnt/remote"
expect_output '123 456 750' stat -c '%u %g %a' "$mnt/."
remount -o fmask=0137,dmask=0022 dbfs:/
expect_output 640 stat -c %a "$mnt/remote"
expect_output 755 stat -c %a "$mnt/."
remount dbfs:/
cd "$mnt"

note "times that are set stay, also after a remount and a rename"
touch -d '1999-12-31 23:59:59.987654321' remote
mkdir dir
echo x >dir/inner
touch -d '2003-03-03 03:03:03.000000001' dir
mv remote renamed
cd "$work"
remount dbfs:/
cd "$mnt"
expect_output '1999-12-31 23:59:59.987654321 +0000' stat -c %y renamed
expect_output '2003-03-03 03:03:03.000000001 +0000' stat -c %y dir
note "... until the content changes"
sleep_until_next_second() { [ "$(date +%s)" -gt "$1" ]; }
wait_until 5 sleep_until_next_second "$(date +%s)" || fail "time stands still"
before=$(date +%s)
echo new >renamed
[ "$(stat -c %Y renamed)" -ge "$((before - 1))" ] || fail "the time is the old one"

note "the time of an own save does not jump when the server is asked again"
shown=$(stat -c %y renamed)
cd "$work"
remount dbfs:/
cd "$mnt"
expect_output "$shown" stat -c %y renamed

note "chmod: the execute bit stays, the rest is taken and has no effect"
chmod +x renamed
[ -x renamed ] || fail "chmod +x has no effect"
cd "$work"
remount dbfs:/
cd "$mnt"
[ -x renamed ] || fail "the execute bit is forgotten"
chmod 600 renamed
[ ! -x renamed ] || fail "chmod -x has no effect"

note "chown to oneself, not to others"
chown "$(id -u):$(id -g)" renamed
expect_failure 'not permitted' chown 54321 renamed

note "df shows room"
expect_output yes sh -c "df --output=avail -k . | awk 'NR == 2 { print (\$1 > 1000000000 ? \"yes\" : \$1) }'"

note "extended attributes: by name, not listed, not written"
expect_output clean getfattr --only-values -n user.brickfs.state renamed
getfattr --only-values -n user.brickfs.version renamed >/dev/null
expect_output '' getfattr -d -m - renamed
expect_failure 'denied|not permitted|not supported|Read-only' \
    setfattr -n user.brickfs.state -v dirty renamed
expect_failure 'No such attribute' getfattr -n user.brickfs.nonsense renamed
cd "$work"
unmount

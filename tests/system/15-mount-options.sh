#!/bin/sh
# Goal: options of the mount do what the manual says: through mount(8) as from
# fstab, for other users, for .control, without a place for state, without DBFS.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
emu_put_text /dbfs/data/f 'x
'

options_of() {
	awk -v dir="$mnt" '$5 == dir { print $6 "," $NF }' /proc/self/mountinfo
}

expect_option() {
	case ,$(options_of), in
	*,"$1",*) ;;
	*) fail "not mounted with $1, but with $(options_of)" ;;
	esac
}

note "always: no devices, no set-user-id, permissions checked"
mount_brickfs -o suid,dev,exec
for option in nosuid nodev default_permissions rw; do
	expect_option $option
done
grep -q " $mnt .* - fuse.brickfs brickfs " /proc/self/mountinfo ||
	fail "type and source are not shown"
unmount

note "ro, noexec, masks and owner"
mount_brickfs -o ro,noexec,fmask=027,dmask=007,uid=12,gid=34 dbfs:/data
expect_option ro
expect_option noexec
expect_output "440 12 34" stat -c '%a %u %g' "$mnt/f"
expect_output "770 12 34" stat -c '%a %u %g' "$mnt/."
expect_output "$(id -u) $(id -g)" stat -c '%u %g' "$mnt/.control"
if [ "$(id -u)" -eq 0 ]; then
	expect_failure 'Read-only' touch "$mnt/g"
fi
remount -o fmask=027,dmask=007 dbfs:/data
expect_output 640 stat -c %a "$mnt/f"
expect_output 770 stat -c %a "$mnt/."
unmount

note "a source with a comma"
emu_put_text '/dbfs/a,b/f' 'comma
'
mount_brickfs 'dbfs:/a,b'
grep -qF " - fuse.brickfs dbfs:/a,b " /proc/self/mountinfo ||
	fail "the source is not shown whole"
expect_listing "$mnt" f
unmount

note ".control: listed with everything, reachable in a part, or off"
mount_brickfs dbfs:/data
expect_listing "$mnt" f
head -n 1 "$mnt/.control/README" >"$work/out"
remount -o control=shown dbfs:/data
expect_listing "$mnt" f .control
remount -o control=off dbfs:/data
expect_failure 'No such file' ls "$mnt/.control"
remount -o control=hidden
expect_listing "$mnt" Volumes Workspace dbfs
unmount

note "no place for state: read-only, said aloud"
XDG_STATE_HOME=/proc/none mount_brickfs
expect_option ro
grep -q 'read-only' "$mount_log" || fail "it is not said"
grep -q '"state_directory": null' "$mnt/.control/status.json" ||
	fail "status.json is silent"
unmount

note "state that others could change is refused"
mkdir -p "$work/open"
chmod 777 "$work/open"
expect_failure 'chmod' env "DATABRICKS_TOKEN=$emu_token" "$BRICKFS" \
    -o "host=$emu_url,state_dir=$work/open" "$mnt"
is_not_mounted "$mnt" || fail "it is mounted all the same"

note "without DBFS everything is a mount with an explanation"
emu_api POST /emulator/settings '{"dbfs-disabled": true}' >"$work/out"
mount_brickfs
expect_listing "$mnt/dbfs"
grep -q 'DBFS root is disabled' "$mnt/.control/status.json" ||
	fail "status.json does not explain it"
grep -q 'DBFS root is disabled' "$mount_log" || fail "the log does not"
unmount
emu_api POST /emulator/settings '{"dbfs-disabled": false}' >"$work/out"

if [ "$(id -u)" -ne 0 ]; then
	note "not root: mount(8) and other users are not tried"
	exit 0
fi

# Not mount(8) itself, which looks for programs in the system's places.
note "the helper of mount(8), with the words of fstab"
helper=$(PATH=/usr/sbin:/sbin:$PATH command -v mount.fuse3) ||
	fail "there is no mount.fuse3: it comes with fusermount3"
mkdir "$work/bin"
ln -s "$BRICKFS" "$work/bin/brickfs"
PATH=$work/bin:$PATH DATABRICKS_TOKEN=$emu_token DATABRICKS_HOST=$emu_url \
    "$helper" dbfs:/data "$mnt" -t fuse.brickfs \
    -o rw,_netdev,nofail,noauto,x-a.b=c,umask=077 ||
	fail "mount.fuse3 cannot mount it"
expect_output 600 stat -c %a "$mnt/f"
pid=$(pgrep -f "^brickfs dbfs:/data $mnt -o")
umount "$mnt"
wait_until "$patience" process_is_gone "$pid" || fail "it goes on"

# In /tmp: nobody may be let into $work.
note "allow_other: by modes, and never .control"
others=$(mktemp -d /tmp/brickfs-others.XXXXXX)
chmod 755 "$others"
mkdir "$others/mnt"
at_exit() {
	umount -l "$others/mnt" 2>/dev/null
	rm -rf "$others"
}
as_other() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}
mount_brickfs_at "$others/mnt"
expect_failure 'Permission' as_other ls "$others/mnt/dbfs"
unmount "$others/mnt"
mount_brickfs_at "$others/mnt" -o allow_other,umask=022
expect_output f as_other ls "$others/mnt/dbfs/data"
expect_failure 'Permission' as_other ls "$others/mnt/.control"
expect_failure 'Permission' as_other cat "$others/mnt/.control/status.json"
expect_failure 'Permission' as_other touch "$others/mnt/dbfs/new"
unmount "$others/mnt"
note "... not even when all is shown as theirs"
mount_brickfs_at "$others/mnt" -o allow_other,uid=65534,gid=65534
expect_output f as_other ls "$others/mnt/dbfs/data"
expect_failure 'Permission' as_other ls "$others/mnt/.control"
expect_failure 'Permission' as_other cat "$others/mnt/.control/status.json"
unmount "$others/mnt"

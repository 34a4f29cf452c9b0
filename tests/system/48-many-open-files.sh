#!/bin/sh
# Goal: many files may be open, or wait to be sent; when descriptors run out, the
# next file is refused, and connections still find one.
. "$(dirname "$0")/../support/lib.sh"

start_emulator

# limited OPTION NUMBER: from here on, brickfs starts with this limit.
brickfs=$BRICKFS
limited() {
	printf '#!/bin/sh\nulimit %s %s\nexec "%s" "$@"\n' "$1" "$2" "$brickfs" \
	    >"$work/limited"
	chmod +x "$work/limited"
	BRICKFS=$work/limited
}

note "the usual limit of a shell is none"
limited -Sn 100
mount_brickfs dbfs:/
python3 - "$mnt" <<'PYTHON'
import os, sys
os.chdir(sys.argv[1])
files = [open(str(i), "w") for i in range(200)]
for i, f in enumerate(files):
    f.write("%d\n" % i)
for f in files:
    f.close()
PYTHON
expect_remote_text /dbfs/199 '199
'
unmount

note "a hard limit is said; what waits is sent when the server takes it again"
limited -n 200
mount_brickfs -o attr_timeout=0,retry_timeout=1 dbfs:/
emu_rule '{"match":{"path":"/api/2.0/dbfs/put"},"verb":"status","code":403}'
python3 - "$mnt" <<'PYTHON'
import errno, os, sys
os.chdir(sys.argv[1])
for i in range(200):
    try:
        fd = os.open("w%d" % i, os.O_WRONLY | os.O_CREAT)
    except OSError as e:
        if e.errno != errno.ENFILE:
            sys.exit("open: %s" % e)
        break
    os.write(fd, b"waits\n")
    try:
        os.close(fd)
        sys.exit("close said nothing")
    except PermissionError:
        pass
else:
    sys.exit("all of them fit")
if i < 30:
    sys.exit("only %d of them fit" % i)
PYTHON
emu_rules_clear
for item in "$mnt/.control/pending/"*; do
	echo 1 >"$item/retry"
done
expect_listing "$mnt/.control/pending"
expect_remote_text /dbfs/w29 'waits
'
echo again >"$mnt/again"
expect_remote_text /dbfs/again 'again
'
unmount

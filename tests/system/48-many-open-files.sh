#!/bin/sh
# Goal: many files may be open, or wait to be sent.
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

#!/bin/sh
# Goal: files that live for a moment (locks of git, pid files) leave nothing on the
# server and no conflict, however fast one follows the other.
. "$(dirname "$0")/../support/lib.sh"

start_emulator --latency 3
mount_brickfs dbfs:/
cd "$mnt"
python3 - <<'PYTHON'
import os, threading

def locks(number):
    """Each round: take a lock as git does, do something, give it up."""
    for i in range(60):
        name = f"d{number}.lock"
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        if i % 3 == 1:
            os.write(fd, b"pid 1234\n")
        if i % 5 == 0:
            os.unlink(name)
            os.close(fd)
        elif i % 7 == 0:
            os.close(fd)
            os.rename(name, f"f{number}")
        else:
            os.close(fd)
            os.unlink(name)

threads = [threading.Thread(target=locks, args=(n,)) for n in range(6)]
for t in threads: t.start()
for t in threads: t.join()
PYTHON
cd "$work"
unmount
emu_api GET '/api/2.0/dbfs/list?path=/' | jq -r '.files[].path' >"$work/list"
expect_output '/f0 /f1 /f2 /f3 /f4 /f5' sh -c "xargs <'$work/list'"

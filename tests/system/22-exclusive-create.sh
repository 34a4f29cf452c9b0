#!/bin/sh
# Goal: O_EXCL holds: one of many wins, what the server has counts, and a race with
# another client is found at close, our copy kept.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
emu_put_text /dbfs/there old
mount_brickfs dbfs:/
cd "$mnt"

# excl FILE TEXT: creates it exclusively.
excl() {
	python3 -c 'import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_EXCL)
os.write(fd, sys.argv[2].encode())
os.close(fd)' "$1" "$2"
}

note "what exists is not created"
expect_failure FileExistsError excl there new
expect_content there old

# That it is not there is remembered, by the kernel too, and not believed here.
note "... also when another client has made it since it was looked for"
cd "$work"
remount -o attr_timeout=0,negative_timeout=600 dbfs:/
cd "$mnt"
[ ! -e taken ] || fail "there is a file that nobody made"
emu_put_text /dbfs/taken theirs
[ ! -e another ] || fail "there is a file that nobody made"
expect_failure FileExistsError excl taken ours
expect_remote_text /dbfs/taken theirs
cd "$work"
remount dbfs:/
cd "$mnt"

note "one of ten wins, ten times"
for round in 1 2 3 4 5 6 7 8 9 10; do
	won=0
	pids=
	for i in 1 2 3 4 5 6 7 8 9 10; do
		mkdir "race$round" 2>/dev/null &
		pids="$pids $!"
	done
	for pid in $pids; do
		if wait "$pid"; then won=$((won + 1)); fi
	done
	expect_equal "winners of mkdir" 1 "$won"
done
won=0
pids=
for i in 1 2 3 4 5; do
	excl race "$i" 2>/dev/null &
	pids="$pids $!"
done
for pid in $pids; do
	if wait "$pid"; then won=$((won + 1)); fi
done
expect_equal "winners of O_EXCL" 1 "$won"
expect_equal "size of the winner" 1 "$(stat -c %s race)"

note "another client comes between open and close"
emu_token=$emu_token python3 - "$emu_url" <<'PYTHON'
import base64, json, os, sys, urllib.request
# No other process: one that inherits the file closes it, too.
fd = os.open("late", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
os.write(fd, b"ours")
urllib.request.urlopen(urllib.request.Request(
    sys.argv[1] + "/api/2.0/dbfs/put",
    json.dumps({"path": "/late",
                "contents": base64.b64encode(b"theirs").decode()}).encode(),
    {"Authorization": "Bearer " + os.environ["emu_token"]})).close()
try:
    os.close(fd)
except FileExistsError:
    sys.exit(0)
sys.exit("close did not fail with EEXIST")
PYTHON
expect_remote_text /dbfs/late theirs
expect_kept ours
cd "$work"
unmount "$mnt" any

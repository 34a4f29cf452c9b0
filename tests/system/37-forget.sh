#!/bin/sh
# Goal: echo PATH >.control/cache/invalidate forgets a name and everything below, in
# brickfs, in the kernel and on disk, so that the next look asks the service, and
# nothing else does; what is not sent stays.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 1500000 "$work/f"
for file in d/f d/sub/f e/f; do
	emu_put "/dbfs/$file" "$work/f"
done
mount_brickfs -o attr_timeout=600,negative_timeout=600
top=$mnt/dbfs
invalidate=$mnt/.control/cache/invalidate

# costs "CALL N..." COMMAND...: these calls of the DBFS API, and no others.
costs() {
	want=$1
	shift
	note "$*"
	emu_reset_counters
	"$@" >"$work/out"
	expect_equal "calls" "$want" "$(emu GET /emulator/counters | jq -r \
	    'to_entries | map(select(.key | test("/dbfs/")) |
	     "\(.key | sub(".*/dbfs/"; "")) \(.value)") | sort | join(" ")')"
}
forget() {
	echo "$1" >"$invalidate"
}

note "everything is known"
ls -lR "$top" >"$work/out"
for file in d/f d/sub/f e/f; do
	cmp "$work/f" "$top/$file"
done
costs "" ls -lR "$top"
costs "" cmp "$work/f" "$top/d/f"

note "a file"
costs "" forget dbfs/d/f
costs "get-status 1" stat "$top/d/f"
costs "" stat "$top/d/f"
costs "read 2" cmp "$work/f" "$top/d/f"
costs "" cmp "$work/f" "$top/d/f"
costs "" forget /dbfs/d/f
costs "get-status 1 read 2" cmp "$work/f" "$top/d/f"

note "... of its directory nobody knows now whether it is complete"
costs "list 1" ls -l "$top/d"
costs "" ls -l "$top/d" "$top/e"

note "a directory"
costs "" forget dbfs/d/
costs "" cmp "$work/f" "$top/e/f"
costs "" ls -l "$top/e"
costs "get-status 1 list 2" ls -lR "$top/d"
costs "read 4" cmp "$top/d/f" "$top/d/sub/f"
costs "" cmp "$top/d/f" "$top/d/sub/f"

note "all of the mount"
costs "" forget /
emu_reset_counters
ls -lR "$top" >"$work/out"
expect_requests GET /api/2.0/dbfs/list 4
expect_same "$work/f" "$top/e/f"
expect_same "$work/f" "$top/d/f"
expect_requests GET /api/2.0/dbfs/read 4

note "what others change is seen at once"
make_random 1500001 "$work/g"
emu_put /dbfs/d/f "$work/g"
expect_same "$work/f" "$top/d/f"
forget dbfs/d/f
expect_same "$work/g" "$top/d/f"
emu_put_text /dbfs/d/f short
forget dbfs/d
expect_content "$top/d/f" short
emu_rm /dbfs/d/f
forget dbfs
expect_failure 'No such file' stat "$top/d/f"
expect_listing "$top/d" sub

note "a name that was not there"
[ ! -e "$top/d/new" ] || fail "it is there"
emu_put_text /dbfs/d/new new
[ ! -e "$top/d/new" ] || fail "it is looked for without reason"
forget dbfs/d/new
expect_content "$top/d/new" new

note "a wrong path is told"
expect_failure 'No such file' sh -c "env echo dbfs/none/f >'$invalidate'"
grep -q 'there is no dbfs/none/f in this mount' "$mnt/.control/errors" ||
	fail "the words are missing"
expect_failure 'No such file' sh -c "env echo .control >'$invalidate'"

note "what is not sent stays; who has a file open reads on"
exec 8>"$top/d/mine"
echo one >&8
exec 9<"$top/e/f"
head -c 10 <&9 >"$work/out"
forget /
echo two >&8
exec 8>&-
expect_remote_text /dbfs/d/mine 'one
two
'
forget /
head -c 10 "$work/f" >"$work/start"
tail -c +11 "$work/f" >"$work/rest"
expect_same "$work/start" "$work/out"
cat <&9 >"$work/out"
exec 9<&-
expect_same "$work/rest" "$work/out"
cd "$top"
forget /
expect_output "$top" pwd -P
expect_same "$work/f" ../dbfs/e/f
cd "$work"

note "a name that the service refuses to look at now"
emu_rule '{"match": {"path": "*/dbfs/*"}, "verb": "status", "args":
    {"code": 400, "error_code": "IO_ERROR"}}'
expect_failure 'error' sh -c "env echo dbfs/unknown/f >'$invalidate'"
emu_rules_clear

note "what an earlier mount left on disk, and of which this one knows nothing"
remount
emu_reset_counters
forget dbfs/e
expect_same "$work/f" "$mnt/dbfs/e/f"
expect_requests GET /api/2.0/dbfs/read 2
expect_same "$work/f" "$mnt/dbfs/d/sub/f"
expect_requests GET /api/2.0/dbfs/read 2
unmount

#!/bin/sh
# Goal: calls that take effect late, in part or in another order, answers of a moment
# ago, and clocks that jump: right bytes or a clear error, nothing acknowledged is
# lost, nothing that no program wrote is called saved.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 3000000 "$work/want"
make_random 2000000 "$work/old"
make_random 1000 "$work/small"
mount_brickfs -o timeout=3,retry_timeout=20,attr_timeout=0,negative_timeout=0 \
    -o cache_mem=8M dbfs:/

# saved FILE NAME: close says that the server has it, and it has; or an error, and it
# is kept, and goes when nothing is in its way.
saved() {
	status=0
	cp "$1" "$mnt/$2" 2>"$work/err" || status=$?
	emu_rules_clear
	if [ $status -ne 0 ]; then
		grep -qE 'File exists|Stale|timed out' "$work/err" ||
			fail "$2: says: $(cat "$work/err")"
		item=$(grep -lxF "$2" "$mnt/.control/pending/"*/path) ||
			fail "$2 is not kept"
		item=${item%/path}
		expect_same "$1" "$item/data"
		emu_rm "/dbfs/$2"
		echo 1 >"$item/retry"
	fi
	expect_remote "/dbfs/$2" "$1"
	expect_same "$1" "$mnt/$2"
}

note "half of a put, new and over a file"
for n in 0 1000 2999999; do
	emu_rule "{\"match\":{\"path\":\"*/put\",\"nth\":1},\"verb\":\"half_apply\",
	    \"n\":$n}"
	saved "$work/want" "half-new-$n"
	emu_put "/dbfs/half-over-$n" "$work/old"
	ls "$mnt/half-over-$n" >"$work/out"
	emu_rule "{\"match\":{\"path\":\"*/put\",\"nth\":1},\"verb\":\"half_apply\",
	    \"n\":$n}"
	saved "$work/want" "half-over-$n"
done

note "half of a mkdirs, a move, a delete"
emu_rule '{"match":{"path":"*/mkdirs","nth":1},"verb":"half_apply","n":1}'
mkdir "$mnt/halfdir"
emu_rules_clear
[ -d "$mnt/halfdir" ] || fail "no directory"
emu_make /dbfs/many 0 4 100
emu_rule '{"match":{"path":"*/move","nth":1},"verb":"half_apply","n":2}'
mv -T "$mnt/many" "$mnt/moved" 2>"$work/err" || :
emu_rules_clear
emu GET /emulator/tree | jq -r '.entries[].path | select(test("/f0000"))' \
    >"$work/list"
expect_equal "files of the directory" 4 "$(wc -l <"$work/list")"
for i in 0 1 2 3; do
	{ cat "$mnt/many/f0000$i" || cat "$mnt/moved/f0000$i"; } \
	    2>/dev/null >"$work/copy"
	expect_equal "bytes of f0000$i" 100 "$(wc -c <"$work/copy")"
done
emu_make /dbfs/gone 0 4 100
emu_rule '{"match":{"path":"*/delete","nth":1},"verb":"half_apply","n":1}'
rm -r "$mnt/gone"
emu_rules_clear
expect_no_remote /dbfs/gone/f00003
[ ! -e "$mnt/gone" ] || fail "the directory is shown"

note "an upload that takes effect after its caller has given up on it"
for how in close reset; do
	emu_rule "{\"match\":{\"path\":\"*/put\",\"nth\":1},\"verb\":\"apply_late\",
	    \"ms\":500,\"how\":\"$how\"}"
	saved "$work/want" "late-$how"
	emu_rule "{\"match\":{\"path\":\"*/mkdirs\",\"nth\":1},
	    \"verb\":\"apply_late\",\"ms\":300,\"how\":\"$how\"}"
	mkdir "$mnt/late-dir-$how"
	emu_rules_clear
	[ -d "$mnt/late-dir-$how" ] || fail "no directory"
done
note "two programs write, and their uploads are carried out in the other order"
emu_rule '{"match":{"path":"*/put"},"verb":"reorder","ms":2000}'
for i in 1 2 3 4; do
	cp "$work/want" "$mnt/order$i" &
	eval "writer$i=\$!"
done
for i in 1 2 3 4; do
	eval "wait \$writer$i" || fail "order$i could not be written"
	expect_remote "/dbfs/order$i" "$work/want"
done
emu_rules_clear

note "answers of a moment ago: the old or the new content, own changes at once"
emu_put /dbfs/stale "$work/old"
remount -o timeout=3,retry_timeout=20,cache_mem=8M dbfs:/
emu_rule '{"match":{"path":"*/get-status"},"verb":"stale","s":30}'
emu_rule '{"match":{"path":"*/list"},"verb":"stale","s":30}'
expect_same "$work/old" "$mnt/stale"
emu_put /dbfs/stale "$work/want"
status=0
cat "$mnt/stale" >"$work/copy" 2>"$work/err" || status=$?
if [ $status -eq 0 ]; then
	cmp -s "$work/copy" "$work/old" || expect_same "$work/want" "$work/copy"
fi
cp "$work/small" "$mnt/own"
expect_same "$work/small" "$mnt/own"
expect_remote /dbfs/own "$work/small"
emu_clock 31000
emu_rules_clear
remount -o timeout=3,retry_timeout=20,attr_timeout=0,negative_timeout=0 \
    -o cache_mem=8M dbfs:/
expect_same "$work/want" "$mnt/stale"
expect_same "$work/small" "$mnt/own"

note "the server's clock jumps, on and back"
for ms in 7200000 -7200000 -86400000 86400000; do
	emu_put "/dbfs/clock$ms" "$work/old"
	expect_same "$work/old" "$mnt/clock$ms"
	emu_rule "{\"match\":{\"nth\":2},\"verb\":\"clock\",\"ms\":$ms}"
	cp "$work/want" "$mnt/clock$ms"
	emu_rules_clear
	expect_remote "/dbfs/clock$ms" "$work/want"
	expect_same "$work/want" "$mnt/clock$ms"
	emu_put "/dbfs/clock$ms" "$work/small"
	expect_same "$work/small" "$mnt/clock$ms"
done

note "another client's change of another size, at the same time of the clock"
printf 'what it was, or is' >"$work/first"
emu_put /dbfs/same "$work/first"
expect_same "$work/first" "$mnt/same"
emu_rule '{"match":{"nth":1},"verb":"remote_edit","path":"/same",
    "content":"longer than what it was","keep_mtime":true}'
ls "$mnt/none" 2>"$work/err" || :
emu_rules_clear
expect_content "$mnt/same" 'longer than what it was'

note "every version that the server ever had was written, or is a part that it made"
emu_history /dbfs/order1 >"$work/out"
expect_equal "versions of order1" 1 "$(wc -l <"$work/out")"
unmount

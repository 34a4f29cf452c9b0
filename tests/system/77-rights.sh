#!/bin/sh
# Goal: rights that end, change or are missing, and limits that are reached, are the
# right error in the middle of any work; what is on the server stays as it is, and
# what could not be sent arrives when it may.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 3000000 "$work/want"
make_random 2000000 "$work/old"
make_random 1000 "$work/small"

mount_brickfs -o timeout=5,retry_timeout=10,attr_timeout=0,negative_timeout=0 \
    -o cache_mem=8M dbfs:/

note "a token that ends at any request, and is good again"
# right_or_denied COMMAND...
right_or_denied() {
	"$@" 2>"$work/err" || grep -q 'ermission denied' "$work/err" ||
		fail "$*: says: $(cat "$work/err")"
}
for how in expire revoke; do
	for nth in 1 2 3 4; do
		emu_put "/dbfs/r-$how-$nth" "$work/want"
		emu_rule "{\"match\":{\"path\":\"/api/*\",\"nth\":$nth},
		    \"verb\":\"token\",\"how\":\"$how\"}"
		right_or_denied cp "$work/want" "$mnt/w-$how-$nth"
		right_or_denied cp "$mnt/r-$how-$nth" "$work/copy"
		[ "$(emu GET /emulator/rules | jq '.rules[0].fired')" = 1 ] ||
			fail "the token has not ended"
		expect_failure 'ermission denied' ls "$mnt/none"
		emu_rules_clear
		echo 1 >"$mnt/.control/sync"
		cp "$work/want" "$mnt/again-$how-$nth"
		expect_same "$work/want" "$mnt/r-$how-$nth"
		# Nothing of it, or all.
		! emu_exists "/dbfs/w-$how-$nth" ||
			expect_remote "/dbfs/w-$how-$nth" "$work/want"
	done
done

note "... in the middle of an upload: refused, kept, and sent when it is good again"
emu_put /dbfs/kept "$work/old"
cat "$mnt/kept" >"$work/copy"
emu_rule '{"match":{"path":"/api/2.0/dbfs/put","nth":1},"verb":"token"}'
expect_failure 'ermission denied' cp "$work/want" "$mnt/kept"
expect_remote /dbfs/kept "$work/old"
expect_failure 'ermission denied' ls "$mnt/none"
emu_rules_clear
echo 1 >"$mnt/.control/sync"
expect_remote /dbfs/kept "$work/want"

note "writing is denied below one path: the original stays"
emu_put /dbfs/ro/file "$work/old"
emu_rule '{"match":{"target":"/ro*"},"verb":"deny","what":"write"}'
expect_same "$work/old" "$mnt/ro/file"
expect_failure 'ermission denied' cp "$work/small" "$mnt/ro/file"
expect_failure 'ermission denied' mkdir "$mnt/ro/dir"
expect_failure 'ermission denied' rm "$mnt/ro/file"
cp "$work/small" "$mnt/elsewhere"
expect_failure 'ermission denied' mv "$mnt/elsewhere" "$mnt/ro/moved"
expect_remote /dbfs/ro/file "$work/old"
expect_history_within /dbfs/ro/file "$work/old"
expect_remote /dbfs/elsewhere "$work/small"
emu_rules_clear
for item in "$mnt/.control/pending/"*; do
	basename "$item" >"$item/discard"
done
expect_same "$work/old" "$mnt/ro/file"

note "reading is denied"
emu_put /dbfs/secret "$work/old"
emu_rule '{"match":{"target":"/secret"},"verb":"deny","what":"read"}'
expect_failure 'ermission denied' cat "$mnt/secret"
emu_rules_clear

note "a token without the scope"
emu_put /dbfs/scoped "$work/old"
emu_rule '{"verb":"scope","has":"preview"}'
expect_failure 'ermission denied' cat "$mnt/scoped"
expect_failure 'ermission denied' mkdir "$mnt/scope"
emu_rules_clear
grep -q 'required scopes: dbfs' "$mnt/.control/errors" || fail "no word of scopes"
expect_same "$work/old" "$mnt/scoped"

# over ERROR SETTING-UP: the body is refused, the original stays; half of it goes.
refused() {
	expect_failure "$1" cp "$work/want" "$mnt/full"
	expect_remote /dbfs/full "$work/old"
	expect_failure "$1" cp "$work/want" "$mnt/new"
	expect_no_remote /dbfs/new
	cp "$work/small" "$mnt/little"
	expect_remote /dbfs/little "$work/small"
	rm "$mnt/new" "$mnt/little"
}
note "a quota: what is too much is refused, the rest goes on"
emu_put /dbfs/full "$work/old"
size=$(emu GET /emulator/tree | jq '[.entries[].size] | add')
emu_set quota $((size + 500000))
refused 'uota'
emu_set quota 0
echo 1 >"$mnt/.control/sync"
expect_remote /dbfs/full "$work/want"
expect_history_within /dbfs/full "$work/old" "$work/want"

note "a body that is longer than a gateway lets pass"
emu_put /dbfs/full "$work/old"
emu_rule '{"match":{"path":"*/put"},"verb":"limit","bytes":2100000}'
refused 'too large'
emu_rules_clear
for item in "$mnt/.control/pending/"*; do
	basename "$item" >"$item/discard"
done
expect_same "$work/old" "$mnt/full"

note "a rate with a burst"
emu_rule '{"match":{"path":"/api/2.0/dbfs/*"},"verb":"rate_limit","rps":20,"burst":3}'
for i in 1 2 3 4 5; do
	cp "$work/small" "$mnt/rate$i"
	expect_remote "/dbfs/rate$i" "$work/small"
done
emu_rules_clear

note "a proxy that wants a password"
emu_put /dbfs/behind "$work/old"
emu_rule '{"match":{"path":"/api/2.0/dbfs/*"},"verb":"proxy_407"}'
expect_failure 'ermission denied' cat "$mnt/behind"
emu_rules_clear
expect_same "$work/old" "$mnt/behind"

expect_invariants "$work/want" "$work/old" "$work/small"
unmount

#!/bin/sh
# Goal: answers whose JSON, frame or compression is broken, or that are somebody
# else's, end in an error or in right bytes, soon; brickfs stays alive and small.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 300000 "$work/want"
make_random 299000 "$work/other"
emu_put /dbfs/other "$work/other"
mount_brickfs -o cache_mem=8M,attr_timeout=0,negative_timeout=0 \
    -o timeout=2,retry_timeout=2 dbfs:/

resident_kib() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$brickfs_pid/status"
}
before=$(resident_kib)

# soon COMMAND...: ends by itself, whatever it says.
soon() {
	status=0
	timeout -k 5 60 "$@" >"$work/got" 2>"$work/err" || status=$?
	case $status in
	124 | 137) fail "it hangs: $*" ;;
	esac
}

# survives CALLS VERB ARGS: with every answer to these so.  A new file: the kernel has
# nothing of it.
round=0
survives() {
	note "$1: $2 $3"
	round=$((round + 1))
	file=$mnt/dir/f$round
	emu_put "/dbfs/dir/f$round" "$work/want"
	emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/$1\"},
	    \"verb\":\"$2\",\"args\":{$3}}"
	soon cat "$file"
	if [ "$status" -eq 0 ]; then
		expect_same "$work/want" "$work/got"
	else
		[ -s "$work/err" ] || fail "it fails without a word"
	fi
	soon cp "$work/want" "$mnt/dir/new"
	fired=$(emu GET /emulator/rules | jq '.rules[0].fired')
	[ "$fired" -gt 0 ] || fail "nobody met it"
	emu_rules_clear
	! process_is_gone "$brickfs_pid" || fail "brickfs died"
	expect_same "$work/want" "$file"
	emu_api POST /api/2.0/dbfs/delete '{"path":"/dir/new"}' >"$work/got"
}

for calls in '*' read; do
	for mode in duplicate exponent fraction negative big nul utf8 bom many; do
		survives "$calls" json "\"mode\":\"$mode\""
	done
	for d in -1 -100 1 9223372036854470000; do
		survives "$calls" content_length "\"d\":$d"
	done
	for mode in size long huge end last; do
		survives "$calls" bad_chunk "\"mode\":\"$mode\""
	done
	survives "$calls" gzip_bomb '"n":1073741824'
	survives "$calls" proxy_407 ''
done
survives read swap '"path":"/other"'
after=$(resident_kib)
note "resident: $before KiB before, $after KiB after"
[ "$after" -lt $((before + 100000)) ] || grep -qE '__(asan|tsan)_init' "$BRICKFS" ||
	fail "it has grown from $before to $after KiB"
unmount "$mnt" any

note "a listing of 100,000: one request"
mount_brickfs -o cache_mem=8M dbfs:/
emu_rule '{"match":{"path":"*/list","target":"/dir"},"verb":"listing","n":100000}'
emu_reset_counters
[ "$(find "$mnt/dir" -name 'made-up-*' | wc -l)" -eq 100000 ] ||
	fail "the listing is not whole"
expect_requests GET /api/2.0/dbfs/list 1
unmount

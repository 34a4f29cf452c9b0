#!/bin/sh
# Goal: fault rules act where, when and as often as they say, and what the
# emulator counts and remembers is true.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
read='/api/2.0/dbfs/read?path=/f'
emu_put_text /dbfs/f 0123456789
status() {
	curl -s -o "$work/body" -D "$work/head" -w '%{http_code}' --max-time 20 \
	    -H "Authorization: Bearer $emu_token" "$@" || :
}

note "n-th, times, every; clearing"
emu_rule '{"match":{"path":"/api/2.0/dbfs/read","nth":2},
    "verb":"status","code":500}'
expect_output 200 status "$emu_url$read"
expect_output 500 status "$emu_url$read"
expect_output 200 status "$emu_url$read"
emu_rules_clear
emu_rule '{"match":{"path":"/api/2.0/dbfs/*","every":2,"times":2},
    "verb":"retry_after","value":7}'
for want in 429 200 429 200 200 200; do
	expect_output $want status "$emu_url$read"
done
emu_rules_clear
emu_rule '{"match":{"target":"/other*"},"verb":"status","code":503}'
expect_output 200 status "$emu_url$read"
expect_output 503 status "$emu_url/api/2.0/dbfs/get-status?path=/other"
emu_rules_clear

note "Retry-After, as seconds and as a date"
emu_rule '{"verb":"retry_after","value":7}'
status "$emu_url$read" >/dev/null
grep -qi '^retry-after: 7' "$work/head" || fail "no Retry-After: 7"
emu_rules_clear
emu_rule '{"verb":"retry_after","in":9}'
status "$emu_url$read" >/dev/null
grep -qiE '^retry-after: [A-Z][a-z]{2}, .* GMT' "$work/head" || fail "no date"
emu_rules_clear

note "cut, stalled, delayed, and carried out with the answer lost"
emu_rule '{"verb":"cut","args":{"after":5}}'
status "$emu_url$read" >/dev/null
expect_equal "bytes that came" 5 "$(wc -c <"$work/body")"
emu_rules_clear
emu_rule '{"verb":"stall"}'
expect_output 000 status --max-time 1 "$emu_url$read"
emu_rules_clear
emu_rule '{"verb":"delay","ms":700}'
began=$(now_ms)
expect_output 200 status "$emu_url$read"
[ $(($(now_ms) - began)) -ge 700 ] || fail "it was not delayed"
emu_rules_clear
emu_rule '{"match":{"path":"/api/2.0/dbfs/mkdirs"},"verb":"apply_then_fail"}'
expect_output 000 status -d '{"path":"/made"}' "$emu_url/api/2.0/dbfs/mkdirs"
emu_rules_clear
expect_output true sh -c "curl -s -H 'Authorization: Bearer $emu_token' \
    '$emu_url/api/2.0/dbfs/get-status?path=/made' | jq .is_dir"

note "login page, revoked token, partial delete, expired handle"
emu_rule '{"verb":"html_login"}'
expect_output 200 status "$emu_url$read"
grep -q '<html' "$work/body" || fail "no login page"
emu_rules_clear
emu_rule '{"verb":"html_login","redirect":true}'
expect_output 302 status "$emu_url$read"
expect_output 200 status -L "$emu_url$read"
grep -q 'Sign In' "$work/body" || fail "no login page after the redirect"
emu_rules_clear
emu_rule '{"match":{"nth":1},"verb":"token"}'
expect_output 403 status "$emu_url$read"
expect_output 403 status "$emu_url$read"
emu_rules_clear
expect_output 200 status "$emu_url$read"
emu_make /dbfs/many 0 10 1
emu_rule '{"match":{"path":"*/delete","nth":1},"verb":"partial_delete","n":4}'
expect_output 503 status -d '{"path":"/many","recursive":true}' \
    "$emu_url/api/2.0/dbfs/delete"
grep -q 'has deleted 4 files' "$work/body" || fail "it does not say 4 files"
expect_output 200 status -d '{"path":"/many","recursive":true}' \
    "$emu_url/api/2.0/dbfs/delete"
emu_rules_clear
handle=$(emu_api POST /api/2.0/dbfs/create '{"path":"/h"}' | jq .handle)
emu_clock 700000
expect_output 404 status -d "{\"handle\":$handle}" "$emu_url/api/2.0/dbfs/close"

note "counts"
emu_reset_counters
status "$emu_url$read" >/dev/null
status "$emu_url$read" >/dev/null
status -d '{"path":"/x"}' "$emu_url/api/2.0/dbfs/mkdirs" >/dev/null
expect_requests GET /api/2.0/dbfs/read 2
expect_requests POST /api/2.0/dbfs/mkdirs 1
expect_equal requests 3 "$(emu_counter requests)"
expect_equal mutations 1 "$(emu_counter mutations)"

note "history: every version, through put, stream, move and delete"
for n in one two three; do
	printf '%s' $n >"$work/$n"
done
emu_api POST /api/2.0/dbfs/put "{\"path\":\"/v\",\"contents\":\"$(
	base64 <"$work/one")\"}" >/dev/null
emu POST /api/2.0/dbfs/put -F path=/v -F overwrite=true \
    -F "contents=@$work/two" -o /dev/null
emu_put /dbfs/v "$work/three"
expect_history /dbfs/v "$work/one" "$work/two" "$work/three"
emu_api POST /api/2.0/dbfs/move \
    '{"source_path":"/v","destination_path":"/w"}' \
    >/dev/null
expect_history /dbfs/w "$work/three"

note "a rule that makes no sense is refused"
for rule in '{"verb":"nonsense"}' '{"match":{"nth":0},"verb":"delay"}' '{}' '[]' \
    '{"verb":"delay","nth":1}' '{"verb":"delay","nonsense":1}'; do
	expect_failure 400 emu POST /emulator/rules -d "$rule"
done

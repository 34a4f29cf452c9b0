#!/bin/sh
# Goal: fault rules act where, when and as often as they say, and what the
# emulator counts and remembers is true.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
read='/api/2.0/dbfs/read?path=/f'
emu_put_text /dbfs/f 0123456789
status() {
	curl -s -o "$work/body" -D "$work/head" -w '%{http_code}' --max-time 20 \
	    -H "Authorization: Bearer ${as:-$emu_token}" "$@" || :
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

note "settings change all or none"
before=$(emu GET /emulator/settings)
expect_failure 400 emu POST /emulator/settings -d '{"latency":5,"rate-limit":"soon"}'
expect_failure 400 emu POST /emulator/settings -d '{"latency":5,"nonsense":1}'
expect_output "$before" emu GET /emulator/settings

note "a rule for a token, for where a move goes, for the file of a write handle"
emu POST /emulator/tokens -o /dev/null -d '{"add":"dapi-second"}'
emu_rule '{"match":{"token":"dapi-second"},"verb":"status","code":500}'
expect_output 200 status "$emu_url$read"
as=dapi-second
expect_output 500 status "$emu_url$read"
as=
emu_rules_clear
emu_rule '{"match":{"target":"/goal"},"verb":"deny","what":"write"}'
expect_output 403 status -d '{"source_path":"/f","destination_path":"/goal"}' \
    "$emu_url/api/2.0/dbfs/move"
emu_rules_clear
handle=$(emu_api POST /api/2.0/dbfs/create '{"path":"/handled"}' | jq .handle)
emu_rule '{"match":{"target":"/handled"},"verb":"deny"}'
expect_output 403 status -d "{\"handle\":$handle}" "$emu_url/api/2.0/dbfs/close"
emu_rules_clear

note "rights: scope, tokens that expire and change, limits"
emu_rule '{"verb":"scope","has":"preview other"}'
expect_output 403 status "$emu_url$read"
grep -q 'required scopes: dbfs' "$work/body" || fail "the scope is not named"
expect_output 200 status "$emu_url/api/2.0/preview/scim/v2/Me"
emu_rules_clear
emu_rule '{"match":{"nth":2},"verb":"token","how":"expire","to":"dapi-third"}'
expect_output 200 status "$emu_url$read"
expect_output 401 status "$emu_url$read"
expect_output 401 status "$emu_url$read"
as=dapi-third
expect_output 200 status "$emu_url$read"
as=
emu_rules_clear
expect_output 200 status "$emu_url$read"
emu_rule '{"match":{"path":"*/put"},"verb":"limit","bytes":100}'
expect_output 200 status -d '{"path":"/s"}' "$emu_url/api/2.0/dbfs/put"
expect_output 413 status -d "{\"path\":\"/s\",\"x\":\"$(printf '%0100d' 1)\"}" \
    "$emu_url/api/2.0/dbfs/put"
emu_rules_clear
emu_rule '{"match":{"path":"*/read"},"verb":"rate_limit","rps":1,"burst":3}'
for want in 200 200 200 429; do
	expect_output $want status "$emu_url$read"
done
emu_rules_clear
emu_rule '{"verb":"proxy_407"}'
expect_output 407 status "$emu_url$read"
grep -qi '^proxy-authenticate:' "$work/head" || fail "no Proxy-Authenticate"
emu_rules_clear
size=$(emu GET /emulator/tree | jq '[.entries[].size] | add')
emu_set quota $((size + 5))
expect_output 200 status -d '{"path":"/q","contents":"MTIzNDU="}' \
    "$emu_url/api/2.0/dbfs/put"
expect_output 400 status -d '{"path":"/p","contents":"MQ=="}' \
    "$emu_url/api/2.0/dbfs/put"
grep -q QUOTA_EXCEEDED "$work/body" || fail "no QUOTA_EXCEEDED"
expect_output 400 status -F path=/p -F "contents=@$work/two" \
    "$emu_url/api/2.0/dbfs/put"
expect_output 200 status \
    -d '{"path":"/q","contents":"NTQzMjE=","overwrite":true}' \
    "$emu_url/api/2.0/dbfs/put"
emu_set quota 0

note "effects: late, in part, in another order, old answers"
emu_rule '{"match":{"path":"*/mkdirs"},"verb":"apply_late","ms":200}'
expect_output 000 status -d '{"path":"/late"}' "$emu_url/api/2.0/dbfs/mkdirs"
emu_rules_clear
is_there() {
	emu_api GET "/api/2.0/dbfs/get-status?path=$1" >/dev/null 2>&1
}
wait_until "$patience" is_there /late || fail "it was not carried out late"
emu_rule '{"verb":"half_apply","n":2}'
expect_output 500 status -d '{"path":"/half","contents":"MTIzNDU="}' \
    "$emu_url/api/2.0/dbfs/put"
expect_remote_text /dbfs/half 12
expect_output 500 status -d '{"path":"/h1/h2/h3"}' "$emu_url/api/2.0/dbfs/mkdirs"
is_there /h1/h2 || fail "two levels were not made"
! is_there /h1/h2/h3 || fail "all levels were made"
emu_rules_clear
emu_make /dbfs/some 0 3 1
emu_rule '{"verb":"half_apply","n":2}'
expect_output 500 status -d '{"source_path":"/some","destination_path":"/moved"}' \
    "$emu_url/api/2.0/dbfs/move"
emu_rules_clear
expect_output 2 sh -c "curl -s -H 'Authorization: Bearer $emu_token' \
    '$emu_url/api/2.0/dbfs/list?path=/moved' | jq '.files | length'"
emu_rule '{"match":{"path":"*/put"},"verb":"reorder","ms":60000}'
status -d '{"path":"/order","contents":"MQ==","overwrite":true}' \
    "$emu_url/api/2.0/dbfs/put" >/dev/null &
first=$!
seen() {
	[ "$(emu GET /emulator/rules | jq '.rules[0].seen')" -gt 0 ]
}
wait_until "$patience" seen || fail "the first put did not come"
expect_output 200 status -d '{"path":"/order","contents":"Mg=="}' \
    "$emu_url/api/2.0/dbfs/put"
wait $first
emu_rules_clear
expect_remote_text /dbfs/order 1
printf 2 >"$work/2"
printf 1 >"$work/1"
expect_history /dbfs/order "$work/2" "$work/1"
emu_rule '{"match":{"path":"*/get-status"},"verb":"stale","s":5}'
expect_output 404 status "$emu_url/api/2.0/dbfs/get-status?path=/new"
emu_put_text /dbfs/new x
expect_output 404 status "$emu_url/api/2.0/dbfs/get-status?path=/new"
emu_clock 6000
expect_output 200 status "$emu_url/api/2.0/dbfs/get-status?path=/new"
emu_rules_clear

note "the clock: the Date header and what is stored"
date_of() {
	status "$emu_url$read" >/dev/null
	date -d "$(sed -n 's/^[Dd]ate: //p' "$work/head" | tr -d '\r')" +%s
}
emu POST /emulator/clock -o /dev/null -d '{"offset_ms":0}'
was=$(date_of)
emu_rule '{"match":{"nth":1},"verb":"clock","ms":-7200000}'
moved=$(($(date_of) - was))
if [ $moved -gt -7190 ] || [ $moved -lt -7201 ]; then
	fail "the Date header moved by $moved s"
fi
emu_rules_clear
emu POST /emulator/clock -o /dev/null -d '{"offset_ms":0}'
time_of() {
	emu_api GET "/api/2.0/dbfs/get-status?path=$1" | jq .modification_time
}
was=$(time_of /f)
emu_rule '{"match":{"nth":1},"verb":"remote_edit","path":"/f","content":"9876543210",
    "keep_mtime":true}'
expect_output 200 status "$emu_url$read"
emu_rules_clear
expect_remote_text /dbfs/f 9876543210
expect_output "$was" time_of /f

note "bodies: another file's, another length, bad chunks, compressed, long"
emu_put_text /dbfs/other abcdefghij
emu_rule '{"match":{"path":"*/read","target":"/f"},"verb":"swap","path":"/other"}'
expect_output 200 status "$emu_url$read"
expect_output abcdefghij sh -c "jq -r .data '$work/body' | base64 -d"
emu_rules_clear
emu_rule '{"verb":"content_length","d":-3}'
expect_output 200 status "$emu_url$read"
[ "$(tail -c 1 "$work/body")" != '}' ] || fail "the whole body was announced"
emu_rules_clear
emu_rule '{"verb":"content_length","d":3}'
expect_output 200 status "$emu_url$read"
expect_output '}' tail -c 1 "$work/body"
emu_rules_clear
for mode in size long huge end last; do
	emu_rule "{\"verb\":\"bad_chunk\",\"mode\":\"$mode\"}"
	if curl -sf -o "$work/body" --max-time 20 \
	    -H "Authorization: Bearer $emu_token" "$emu_url$read"; then
		fail "$mode: curl takes it"
	fi
	emu_rules_clear
done
emu_rule '{"verb":"gzip_bomb","n":100000}'
expect_output 200 status "$emu_url$read"
python3 - "$work/body" <<'PYTHON'
import json, sys, zlib
text = zlib.decompressobj(-15).decompress(open(sys.argv[1], "rb").read()[10:])
assert 99000 < len(json.loads(text)["junk"]) <= 100000
PYTHON
emu_rules_clear
emu_rule '{"verb":"listing","n":1000}'
expect_output 200 status "$emu_url/api/2.0/dbfs/list?path=/moved"
expect_output 1002 jq '.files | length' "$work/body"
emu_rules_clear

note "connections: a restart, and those who wait"
handle=$(emu_api POST /api/2.0/dbfs/create '{"path":"/h"}' | jq .handle)
emu_rule '{"match":{"nth":1},"verb":"restart","handles":"keep"}'
expect_output 000 status "$emu_url$read"
expect_output 200 status -d "{\"handle\":$handle,\"data\":\"MQ==\"}" \
    "$emu_url/api/2.0/dbfs/add-block"
emu_rules_clear
emu_rule '{"match":{"nth":1},"verb":"restart","handles":"lose"}'
expect_output 000 status "$emu_url$read"
expect_output 404 status -d "{\"handle\":$handle}" "$emu_url/api/2.0/dbfs/close"
emu_rules_clear
emu_rule '{"match":{"nth":1},"verb":"set","name":"network","value":"refuse"}'
expect_output 200 status "$emu_url$read"
expect_output 000 status "$emu_url$read"
emu_set network stall
expect_output 000 status --max-time 1 "$emu_url$read"
emu_set network drop
expect_output 000 status --connect-timeout 1 "$emu_url$read"
emu_set network up
emu_rules_clear
expect_output 200 status "$emu_url$read"

note "trees deeper than a path may be"
deep=/d$(printf '/%0120d' 0 | sed 's|0|a/|g; s|//|/|g; s|/$||')
emu_api POST /api/2.0/dbfs/mkdirs "{\"path\":\"$deep\"}" >/dev/null
emu_api POST /api/2.0/dbfs/mkdirs "{\"path\":\"/e$deep\"}" >/dev/null
emu_api POST /api/2.0/dbfs/mkdirs "{\"path\":\"/g$deep\"}" >/dev/null
expect_output 200 status -d "{\"source_path\":\"/d\",
    \"destination_path\":\"/e$deep/d\"}" "$emu_url/api/2.0/dbfs/move"
expect_output 200 status -d "{\"source_path\":\"/e\",
    \"destination_path\":\"/g$deep/e\"}" "$emu_url/api/2.0/dbfs/move"
[ "$(emu GET '/emulator/tree?path=/g' | jq '.entries | length')" -gt 360 ] ||
	fail "the deep tree is not whole"
expect_output 200 status -d '{"path":"/g","recursive":true}' \
    "$emu_url/api/2.0/dbfs/delete"
expect_output 404 status "$emu_url/api/2.0/dbfs/get-status?path=/g"

note "what must hold"
emu_reset_counters
emu_put_text /dbfs/fine fine
emu_api POST /api/2.0/dbfs/put '{"path":"/put","contents":"MQ=="}' >/dev/null
emu GET /emulator/invariants | jq -e '.good' >/dev/null || fail "it does not hold"
emu GET /emulator/log | jq -e --arg hash "$(printf '%s' "$emu_token" |
	sha256sum | cut -c1-64)" '.requests[0].headers |
    any(. == "Authorization: Bearer sha256:" + $hash)' >/dev/null ||
	fail "the log has no headers, or the token: $(emu GET /emulator/log)"
! emu GET /emulator/log | grep -q "$emu_token" || fail "the log has the token"
as=stolen
status "$emu_url$read" >/dev/null
as=
status -H 'X-Odd: 1' "$emu_url$read" >/dev/null
status "$emu_url/api/2.0/dbfs/get-status?path=/a!b" >/dev/null
emu POST /emulator/contents -o /dev/null -d "{\"sha256\":[\"$(
	sha256sum "$work/2" | cut -c1-64)\"]}"
emu GET /emulator/invariants >"$work/body"
expect_output '[false,1,["X-Odd"],["/api/2.0/dbfs/get-status?path=/a!b"]]' \
    jq -c '[.good, .foreign_tokens, .unknown_headers, .raw_targets]' "$work/body"
jq -e '.versions | any(.path == "/put")' "$work/body" >/dev/null ||
	fail "an unknown version is not told"
! jq -e '.versions | any(.version.sha256 == $hash)' --arg hash "$(
	sha256sum "$work/2" | cut -c1-64)" "$work/body" >/dev/null ||
	fail "a version that was handed over is told"

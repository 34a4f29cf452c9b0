#!/bin/sh
# Goal: the emulator starts and stops as its manual says: loopback only, a free
# port on request, a sample workspace where there is none, one program a root, and
# its doors closed to strangers.
. "$(dirname "$0")/../support/lib.sh"
[ -x "$EMULATOR" ] || skip "$EMULATOR is not built"

note "help, version, tables, unknown options"
"$EMULATOR" --help >"$work/out"
grep -q -- '--port-file' "$work/out" || fail "--help does not name --port-file"
expect_status 0 "$EMULATOR" --version
"$EMULATOR" --endpoints >"$work/out"
grep -q '/api/2.0/dbfs/list' "$work/out" || fail "--endpoints lacks dbfs/list"
"$EMULATOR" --verbs >"$work/out"
grep -q '^delay' "$work/out" || fail "--verbs lacks delay"
expect_status 2 "$EMULATOR" --nonsense
grep -q nonsense "$work/err" || fail "the unknown option is not named"
expect_status 2 "$EMULATOR" --latency soon

note "loopback alone"
for address in 0.0.0.0:0 192.0.2.1:0 :0 nonsense; do
	if timeout 10 "$EMULATOR" --listen "$address" >"$work/out" 2>&1; then
		fail "it listens on $address"
	fi
	[ "$(wc -l <"$work/out")" -eq 1 ] || fail "$address: not one line"
done

# start [OPTIONS]: without start_emulator's own root
start() {
	rm -f "$work/emu.port"
	"$EMULATOR" --listen 127.0.0.1:0 --port-file "$work/emu.port" \
	    --log "$work/emu.requests" "$@" >>"$work/emu.log" 2>&1 &
	emu_pid=$!
	wait_until "$patience" emu_has_come_or_gone
	emu_port=$(cat "$work/emu.port")
	emu_url=http://127.0.0.1:$emu_port
}
files() {
	emu_api GET '/api/2.0/dbfs/list?path=/' | jq '.files | length'
}

note "no root, and an empty one: a sample workspace"
start
[ "$(files)" -gt 0 ] || fail "no sample"
stop_emulator
expect_equal "status after SIGTERM" 0 "$emu_status"
start --root "$work/sample"
[ "$(files)" -gt 0 ] || fail "no sample in an empty root"

note "a root has one emulator"
expect_status 1 timeout 10 "$EMULATOR" --root "$work/sample" \
    --listen 127.0.0.1:0
grep -q "$work/sample" "$work/err" || fail "the root is not named"
expect_status 1 timeout 10 "$EMULATOR" --listen "127.0.0.1:$emu_port"
stop_emulator
expect_status 1 timeout 10 "$EMULATOR" --root /proc/none --listen 127.0.0.1:0

note "what a person puts into the tree is there, and what is deleted is gone"
start --root "$work/sample"
mkdir -p "$work/sample/dbfs/by/hand"
echo hand >"$work/sample/dbfs/by/hand/file"
expect_remote_text /dbfs/by/hand/file 'hand
'
rm -r "$work/sample/dbfs/by"
expect_no_remote /dbfs/by/hand/file
stop_emulator

note "the doors"
start --root "$work/sample" --token dapi-own
answer() {
	curl -s -o "$work/body" -D "$work/head" -w '%{http_code}' "$@"
}
me=$emu_url/api/2.0/preview/scim/v2/Me
expect_output 401 answer "$me"
grep -qi '^www-authenticate:' "$work/head" || fail "401 without WWW-Authenticate"
expect_output 403 answer -H 'Authorization: Bearer dapi-emulator' "$me"
expect_output 200 answer -H 'Authorization: Bearer dapi-own' "$me"
grep -qi '^x-databricks-org-id: [0-9]' "$work/head" || fail "no workspace id"
grep -qi '^x-request-id: .' "$work/head" || fail "no request id"
jq -e '.userName | contains("@")' "$work/body" >/dev/null
expect_output 200 answer -u token:dapi-own "$me"
expect_output 403 answer -u token:wrong "$me"
expect_output 200 answer "$emu_url/.well-known/databricks-config"
expect_output 404 answer -H 'Authorization: Bearer dapi-own' \
    "$emu_url/api/2.0/nothing"
expect_output ENDPOINT_NOT_FOUND jq -r .error_code "$work/body"
expect_output 400 answer -H 'Authorization: Bearer dapi-own' -d '{broken' \
    "$emu_url/api/2.0/dbfs/put"
expect_output MALFORMED_REQUEST jq -r .error_code "$work/body"
for path in /emulator/counters /emulator/rules '/emulator/file?path=/x'; do
	case $(answer "$emu_url$path") in
	401 | 403) ;;
	*) fail "$path is open to strangers" ;;
	esac
done
emu_token=dapi-own

note "a rebound name is refused: another site's page cannot drive it"
case $(answer -H 'Authorization: Bearer dapi-own' -H 'Host: evil.example' "$me") in
4??) ;;
*) fail "any Host is served" ;;
esac

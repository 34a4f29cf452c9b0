#!/bin/sh
# Goal: whatever a server answers, programs get an error or right bytes, soon, and
# brickfs stays alive, small, and does not send the token elsewhere.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 300000 "$work/want"
emu_put /dbfs/dir/f "$work/want"
mount_brickfs -o cache_mem=8M,attr_timeout=0,negative_timeout=0 \
    -o timeout=5,retry_timeout=5 dbfs:/

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

# survives VERB ARGS: with every answer so.
survives() {
	note "$1 $2"
	emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/*\"},
	    \"verb\":\"$1\",\"args\":{$2}}"
	soon cat "$mnt/dir/f"
	if [ "$status" -eq 0 ]; then
		# Wrong names or times need not touch the content.
		expect_same "$work/want" "$work/got"
	else
		[ -s "$work/err" ] || fail "it fails without a word"
	fi
	soon ls -lR "$mnt"
	soon cp "$work/want" "$mnt/dir/new"
	soon mkdir "$mnt/dir/made"
	soon rm -f "$mnt/dir/nothing"
	emu_rules_clear
	! process_is_gone "$brickfs_pid" || fail "brickfs died"
	expect_same "$work/want" "$mnt/dir/f"
	for name in new made; do
		emu_api POST /api/2.0/dbfs/delete "{\"path\":\"/dir/$name\"}" \
		    >"$work/got"
	done
}
for mode in short garbage deep huge types missing text empty null array; do
	survives json "\"mode\":\"$mode\""
done
for mode in letters short padding newlines url longer empty missing; do
	survives base64 "\"mode\":\"$mode\""
done
survives truncate '"n":10,"length":"kept"'
survives truncate '"n":10,"length":"fixed"'
survives extend '"n":100'
survives extend '"n":1073741824'
survives size_lie '"d":1'
survives size_lie '"d":-1'
survives size_lie '"d":4611686018427387904'
survives size_lie '"d":9223372036854470000'
survives mtime_lie '"d":-99999999999999'
survives mtime_lie '"d":9223370000000000000'
survives names ''
survives content_type '"type":"text/html"'
survives html_login ''
survives html_login '"redirect":true'
survives status '"code":500,"body":""'
survives status '"code":204,"body":""'
survives status '"code":599,"type":"text/html","body":"<html>"'
survives retry_after '"value":"99999999999"'
survives retry_after '"value":"-1"'
survives retry_after '"value":"soon"'
after=$(resident_kib)
note "resident: $before KiB before, $after KiB after"
[ "$after" -lt $((before + 100000)) ] || grep -qE '__(asan|tsan)_init' "$BRICKFS" ||
	fail "it has grown from $before to $after KiB"

note "names that are no file names are never shown, and counted"
refused_names() {
	awk '$1 == "brickfs_names_refused_total" { print $2 }' \
	    "$mnt/.control/metrics"
}
had=$(refused_names)
emu_rule '{"match":{"path":"/api/2.0/dbfs/list"},"verb":"names","list":
    ["..", ".", "", "a/b", "../x", "/abs", "new\nline", "\u001b[2J", "good"]}'
expect_listing "$mnt/dir" f good
expect_equal "names refused" 8 $(($(refused_names) - had))
emu_rule '{"match":{"path":"/api/2.0/dbfs/list"},"verb":"names"}'
soon ls -la "$mnt/dir"
emu_rules_clear
expect_listing "$mnt/dir" f

note "a redirect is not followed: no token for another host"
python3 - "$work/thief.port" >"$work/thief.log" 2>&1 <<'PYTHON' &
import http.server, sys, os
class Thief(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("VISITED", self.path, dict(self.headers), flush=True)
        self.send_response(200)
        self.end_headers()
    do_POST = do_PUT = do_HEAD = do_GET
    def log_message(self, *args): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Thief)
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(server.server_port))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
PYTHON
thief=$!
at_exit() {
	kill $thief
}
wait_until "$patience" file_has_content "$work/thief.port" || fail "no thief"
for code in 301 302 307 308; do
	emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/*\"},\"verb\":\"redirect\",
	    \"code\":$code,\"to\":\"http://127.0.0.1:$(cat "$work/thief.port")/x\"}"
	if cat "$mnt/dir/f" >/dev/null 2>&1; then fail "a redirect gives content"; fi
	if cp "$work/want" "$mnt/dir/redirected" 2>/dev/null; then
		fail "an upload is redirected"
	fi
	emu_rules_clear
done
! grep -q VISITED "$work/thief.log" || fail "the other host was visited"
unmount "$mnt" any

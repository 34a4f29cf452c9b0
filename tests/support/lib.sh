# tests/support/lib.sh: what the system tests share.
#
# A test sources this file and gets: a directory of its own ($work), a home, state
# and cache in it, a mount point ($mnt), and a clean-up that leaves no mount and
# no process, and that fails the test when one of our programs died or a sanitizer
# reported something.  Any command that fails ends the test (set -e).
#
# Run from a build directory: make check TESTS=tests/system/NN-name.sh, or the
# script itself.  $BRICKFS and $EMULATOR name other binaries, KEEP=1 keeps $work.
# shellcheck shell=sh disable=SC2034

set -eu

name=${test_name:-$(basename "$0" .sh)}
srcdir=${srcdir:-$(dirname "$0")/../..}
srcdir=$(cd "$srcdir" && pwd)
if [ -z "${builddir:-}" ]; then
	for builddir in "$PWD" "$srcdir/build/asan" "$srcdir/build/try" "$srcdir"
	do
		[ ! -x "$builddir/brickfs-emulator" ] || break
	done
fi
builddir=$(cd "$builddir" && pwd)
BRICKFS=${BRICKFS:-$builddir/brickfs}
EMULATOR=${EMULATOR:-$builddir/brickfs-emulator}

# How long anything may take that ought to happen at once.
patience=${TEST_PATIENCE:-60}

emu_token=dapi-emulator

### Words

note() {
	last_note=$*
	echo "# $*"
}
last_note=start

fail() {
	echo "FAIL: $*"
	exit 1
}

skip() {
	echo "SKIP: $*"
	exit 77
}

### Waiting

now_ms() {
	date +%s%3N
}

# wait_until SECONDS COMMAND...: polls; false when it never became true.
wait_until() {
	deadline=$(($(now_ms) + $1 * 1000))
	shift
	until "$@"; do
		[ "$(now_ms)" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

# A process that has ended, waited for or not.
process_is_gone() {
	state=
	{ read -r _ _ state _ <"/proc/$1/stat"; } 2>/dev/null || :
	case $state in
	"" | Z | X) return 0 ;;
	esac
	return 1
}

# is_mounted DIR
is_mounted() {
	awk -v dir="$(echo "$1" | sed 's/ /\\\\040/g')" \
	    '$5 == dir { found = 1 } END { exit !found }' /proc/self/mountinfo
}

is_not_mounted() {
	! is_mounted "$1"
}

file_has_content() {
	[ -s "$1" ]
}

### The emulator

# start_emulator [OPTIONS]: sets emu_port, emu_url, emu_pid.  The workspace is
# empty; $work/root survives stop_emulator.
start_emulator() {
	[ -x "$EMULATOR" ] || skip "$EMULATOR is not built"
	mkdir -p "$work/root/dbfs"
	rm -f "$work/emu.port"
	"$EMULATOR" --root "$work/root" --listen "127.0.0.1:${emu_port:-0}" \
	    --port-file "$work/emu.port" \
	    --admin-port-file "$work/emu.admin" --log "$work/emu.requests" \
	    --token "$emu_token" "$@" >>"$work/emu.log" 2>&1 &
	emu_pid=$!
	wait_until "$patience" emu_has_come_or_gone
	[ -s "$work/emu.port" ] || fail "the emulator did not start"
	emu_port=$(cat "$work/emu.port")
	emu_url=${emu_scheme:-http}://127.0.0.1:$emu_port
	emu_admin=http://127.0.0.1:$(cat "$work/emu.admin")
}

emu_has_come_or_gone() {
	[ -s "$work/emu.port" ] || process_is_gone "$emu_pid"
}

# stop_emulator [SIGNAL]: the next start_emulator takes the same port and root.
stop_emulator() {
	[ -n "$emu_pid" ] || return 0
	kill -s "${1:-TERM}" "$emu_pid"
	emu_status=0
	wait "$emu_pid" || emu_status=$?
	emu_pid=
}

# emu_await_crash: the verb crash_after has fired; start_emulator takes port and
# root up again.
emu_await_crash() {
	wait_until "$patience" process_is_gone "$emu_pid" ||
		fail "the emulator did not crash"
	wait "$emu_pid" 2>/dev/null || :
	emu_pid=
}

# emu METHOD PATH [CURL-OPTIONS]: a call to the emulator, as its owner, who has a
# door of his own.
emu() {
	method=$1
	path=$2
	shift 2
	case $path in
	/emulator/*) emu_host=${emu_admin:-$emu_url} ;;
	*) emu_host=$emu_url ;;
	esac
	curl -sS --fail --max-time 60 -X "$method" \
	    -H "Authorization: Bearer $emu_token" "$@" "$emu_host$path"
}

quote_url() {
	printf '%s' "$1" | jq -sRr '@uri'
}

# emu_query PATH: as the admin endpoints name it; /dbfs/x and /Workspace/x are its paths
# on a cluster.
emu_query() {
	case $1 in
	/Workspace) echo '/&tree=workspace' ;;
	/Workspace/*) echo "$(quote_url "${1#/Workspace}")&tree=workspace" ;;
	/dbfs) quote_url / ;;
	/dbfs/*) quote_url "${1#/dbfs}" ;;
	*) fail "$1 is in no tree of the emulator" ;;
	esac
}

# emu_put PATH FILE: as somebody else's client would; PATH begins with /dbfs.
emu_put() {
	emu PUT "/emulator/file?path=$(emu_query "$1")" -o /dev/null \
	    -H 'Content-Type: application/octet-stream' -T "$2"
}

# emu_put_text PATH TEXT
emu_put_text() {
	printf '%s' "$2" >"$work/.text"
	emu_put "$1" "$work/.text"
}

# emu_get PATH: what the store holds, to stdout.
emu_get() {
	emu GET "/emulator/file?path=$(emu_query "$1")"
}

# emu_exists PATH
emu_exists() {
	emu_get "$1" >/dev/null 2>&1
}

emu_is_missing() {
	! emu_exists "$1"
}

emu_rm() {
	emu DELETE "/emulator/file?path=$(emu_query "$1")" -o /dev/null
}

# emu_api METHOD ENDPOINT [JSON]: an ordinary call of the API; its answer.
emu_api() {
	if [ $# -gt 2 ]; then
		emu "$1" "$2" -H 'Content-Type: application/json' -d "$3"
	else
		emu "$1" "$2"
	fi
}

# emu_rule JSON: a fault (brickfs-emulator --verbs); its id is in rule_id.
emu_rule() {
	rule_answer=$(emu POST /emulator/rules \
	    -H 'Content-Type: application/json' -d "$1") ||
		fail "the emulator refuses the rule $1"
	rule_id=$(echo "$rule_answer" | jq .id)
}

emu_rules_clear() {
	emu DELETE /emulator/rules -o /dev/null
}

emu_reset_counters() {
	emu POST /emulator/counters/reset -o /dev/null -d '{}'
}

# emu_counter NAME: calls since the last reset; NAME is "METHOD PATH", or
# requests, mutations, errors, bytes_in, bytes_out.
emu_counter() {
	emu GET /emulator/counters | jq --arg name "$1" '.[$name] // 0'
}

# emu_calls: those of the API, since the last reset; a mount opens its connections by
# asking for a public document.
emu_calls() {
	emu GET /emulator/counters | jq '[to_entries[] |
	    select(.key | contains(" /api/")).value] | add // 0'
}

# emu_history PATH: a line a content that the store ever held: size, sha256.
emu_history() {
	emu GET "/emulator/history?path=$(emu_query "$1")" |
		jq -r '.versions[] | select(.sha256 != null) | "\(.size) \(.sha256)"'
}

# emu_make PATH DIRS FILES SIZE [LANGUAGE]: many files, or in /Workspace notebooks.
emu_make() {
	emu POST "/emulator/make?path=$(emu_query "$1")&dirs=$2&files=$3&size=$4${5:+&language=$5}" \
	    -o /dev/null
}

# emu_set NAME VALUE: a setting, while it runs.
emu_set() {
	emu POST /emulator/settings -o /dev/null \
	    -H 'Content-Type: application/json' -d "{\"$1\":\"$2\"}"
}

# emu_clock MILLISECONDS: moves the emulator's clock on.
emu_clock() {
	emu POST /emulator/clock -o /dev/null \
	    -H 'Content-Type: application/json' -d "{\"advance_ms\":$1}"
}

# expect_invariants [FILE...]: no token that was never good, no odd header or byte in
# any request, and of no file another version than one of these.
expect_invariants() {
	[ $# -eq 0 ] || sha256sum "$@" | cut -c1-64 |
		jq -R . | jq -s '{clear: true, sha256: .}' >"$work/.contents"
	[ $# -eq 0 ] || emu POST /emulator/contents -o /dev/null \
	    -H 'Content-Type: application/json' -d "@$work/.contents"
	emu GET /emulator/invariants >"$work/.got"
	[ "$(jq .good "$work/.got")" = true ] ||
		fail "it does not hold: $(cat "$work/.got")"
}

### The mount

# mount_brickfs [OPTIONS] [SOURCE]: on $mnt.
mount_brickfs() {
	mount_brickfs_at "$mnt" "$@"
}

# mount_brickfs_at DIR [OPTIONS] [SOURCE]
mount_brickfs_at() {
	[ -x "$BRICKFS" ] || fail "$BRICKFS is not built"
	need_fuse
	dir=$1
	shift
	mkdir -p "$dir"
	mounts=$((mounts + 1))
	mount_log=$work/brickfs.$mounts.log
	start_brickfs "$mount_log" -f -o "host=$emu_url" "$@" "$dir"
	echo "$brickfs_pid $mount_log $dir" >>"$work/mounted"
	mount_dir=$dir
	wait_until "$patience" mount_has_come_or_gone
	is_mounted "$dir" || fail "brickfs did not mount"
}

# The token travels in the environment alone.
start_brickfs() {
	log=$1
	shift
	DATABRICKS_TOKEN=$emu_token "$BRICKFS" "$@" >"$log" 2>&1 &
	brickfs_pid=$!
}

mount_has_come_or_gone() {
	is_mounted "$mount_dir" || process_is_gone "$brickfs_pid"
}

need_fuse() {
	[ -c /dev/fuse ] || skip "there is no /dev/fuse"
	if ! [ -r /dev/fuse ] || ! [ -w /dev/fuse ]; then
		skip "/dev/fuse is closed to us"
	fi
}

# unmount_now DIR: false while it is busy.
unmount_now() {
	if [ "$(id -u)" -eq 0 ]; then
		umount "$1" 2>"$work/.unmount"
	else
		fusermount3 -u "$1" 2>"$work/.unmount"
	fi || ! is_mounted "$1"
}

# unmount [DIR] [STATUS]: returns when brickfs has ended, with STATUS (0); any: with
# 0, or with 3, which says that it keeps files that could not be sent.
unmount() {
	dir=${1:-$mnt}
	wait_until "$patience" unmount_now "$dir" ||
		fail "$dir stays busy: $(cat "$work/.unmount")"
	pid=$(awk -v dir="$dir" '$3 == dir { print $1 }' "$work/mounted")
	wait_until "$((patience + 60))" process_is_gone "$pid" ||
		fail "brickfs goes on after the unmount of $dir"
	mount_forget "$dir"
	status=0
	wait "$pid" || status=$?
	case $status in
	0 | 3) [ "${2:-0}" != any ] || return 0 ;;
	esac
	[ "$status" = "${2:-0}" ] ||
		fail "brickfs ended with status $status, not ${2:-0}"
}

mount_forget() {
	awk -v dir="$1" '$3 != dir' "$work/mounted" >"$work/mounted.new"
	mv "$work/mounted.new" "$work/mounted"
}

# remount [OPTIONS] [SOURCE]
remount() {
	unmount "$mnt"
	mount_brickfs "$@"
}

# kill_brickfs: as a crash does; the mount point is free again afterwards.
kill_brickfs() {
	kill -KILL "$brickfs_pid"
	wait "$brickfs_pid" || :
	umount -l "$mnt" 2>/dev/null || fusermount3 -uz "$mnt"
	mount_forget "$mnt"
}

# metric NAME: its number in .control/metrics; NAME is as it is there, with labels.
metric() {
	awk -v name="$1" '$1 == name { print $2 }' "$mnt/.control/metrics"
}

# expect_kept TEXT: a file that could not be sent has this content.
expect_kept() {
	grep -lxF "$1" "$mnt/.control/pending/"*/data >/dev/null ||
		fail "no file in .control/pending holds '$1'"
}

### Asserting

# expect_equal WHAT WANT GOT
expect_equal() {
	[ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

# expect_output WANT COMMAND...
expect_output() {
	want=$1
	shift
	got=$("$@") || fail "$*: status $?, printed '$got'"
	expect_equal "$*" "$want" "$got"
}

# expect_status STATUS COMMAND...: its output is in $work/out and $work/err.
expect_status() {
	want=$1
	shift
	got=0
	"$@" >"$work/out" 2>"$work/err" || got=$?
	[ "$got" -eq "$want" ] || {
		cat "$work/out" "$work/err"
		fail "$*: expected status $want, got $got"
	}
}

# expect_failure WORDS COMMAND...: fails, and says WORDS (a regular expression).
expect_failure() {
	words=$1
	shift
	if "$@" >"$work/out" 2>"$work/err"; then
		fail "$*: succeeded; expected failure with '$words'"
	fi
	grep -qE "$words" "$work/err" || {
		cat "$work/err"
		fail "$*: failed, but not with '$words'"
	}
}

# expect_same FILE FILE: the same bytes.
expect_same() {
	cmp "$1" "$2" || fail "$1 and $2 differ"
}

# expect_same_tree DIR DIR: the same names and bytes.
expect_same_tree() {
	diff -r "$1" "$2" || fail "$1 and $2 differ"
}

# expect_content FILE TEXT: exactly these bytes.
expect_content() {
	printf '%s' "$2" >"$work/.want"
	cmp "$work/.want" "$1" || {
		od -c "$1" | head -n 20
		fail "$1: expected '$2'"
	}
}

# expect_remote PATH FILE: the server holds these bytes.
expect_remote() {
	emu_get "$1" >"$work/.got" || fail "the server has no $1"
	cmp "$2" "$work/.got" || fail "the server's $1 differs from $2"
}

# expect_remote_text PATH TEXT
expect_remote_text() {
	printf '%s' "$2" >"$work/.want"
	expect_remote "$1" "$work/.want"
}

expect_no_remote() {
	emu_is_missing "$1" || fail "the server has $1"
}

# expect_listing DIR NAME...: exactly these names, hidden ones too.
expect_listing() {
	dir=$1
	shift
	if [ $# -gt 0 ]; then
		printf '%s\n' "$@" | LC_ALL=C sort >"$work/.want"
	else
		: >"$work/.want"
	fi
	(cd "$dir" && find . -mindepth 1 -maxdepth 1) | sed 's|^\./||' |
		LC_ALL=C sort >"$work/.got"
	diff "$work/.want" "$work/.got" || fail "listing of $dir differs"
}

# expect_requests METHOD PATH N, and at most N
expect_requests() {
	expect_equal "calls of $1 $2" "$3" "$(emu_counter "$1 $2")"
}

expect_requests_at_most() {
	got=$(emu_counter "$1 $2")
	[ "$got" -le "$3" ] || fail "calls of $1 $2: $got, expected at most $3"
}

# expect_history PATH FILE...: the versions that the store ever held, in order.
expect_history() {
	path=$1
	shift
	: >"$work/.want"
	for file in "$@"; do
		echo "$(wc -c <"$file") $(sha256sum "$file" | cut -c1-64)" \
		    >>"$work/.want"
	done
	emu_history "$path" >"$work/.got"
	diff "$work/.want" "$work/.got" || fail "history of $path differs"
}

# expect_history_within PATH FILE...: no version but these, the last one last.
expect_history_within() {
	path=$1
	shift
	: >"$work/.want"
	for file in "$@"; do
		echo "$(wc -c <"$file") $(sha256sum "$file" | cut -c1-64)" \
		    >>"$work/.want"
	done
	emu_history "$path" >"$work/.got"
	grep -vxFf "$work/.want" "$work/.got" &&
		fail "$path had a version that no program wrote"
	expect_equal "last version of $path" "$(tail -n 1 "$work/.want")" \
	    "$(tail -n 1 "$work/.got")"
}

### Material

# make_random SIZE FILE: SIZE as in head -c (4M, 1000).
make_random() {
	head -c "$1" /dev/urandom >"$2"
}

# make_tree DIR: some directories and files of odd sizes and names.
make_tree() {
	mkdir -p "$1/a/b/c" "$1/empty" "$1/with space"
	echo one >"$1/one"
	: >"$1/a/nothing"
	make_random 1 "$1/a/1"
	make_random 4095 "$1/a/4095"
	make_random 1M "$1/a/b/1M"
	make_random 1048577 "$1/a/b/1M+1"
	make_random 3000000 "$1/a/b/c/big"
	echo hello >"$1/with space/ä ö %41 #1 & ;.txt"
}

### Beginning and end

report='AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|UndefinedBehaviorSanitizer|stack smashing|Assertion .* failed'

# What a test wants done besides: it defines another one.
at_exit() {
	:
}

cleanup() {
	status=$?
	trap - EXIT
	trap '' HUP INT TERM
	set +e
	cd /
	[ $status -eq 0 ] || [ $status -eq 77 ] || echo "# failed after: $last_note"
	at_exit

	while read -r pid log dir; do
		if process_is_gone "$pid" && [ $status -eq 0 ]; then
			echo "FAIL: brickfs ($log) ended before its time"
			status=1
		fi
		if ! wait_until 10 unmount_now "$dir"; then
			echo "FAIL: $dir stays busy"
			umount -l "$dir" 2>/dev/null || fusermount3 -uz "$dir"
			status=1
		fi
		if ! wait_until "$patience" process_is_gone "$pid"; then
			echo "FAIL: brickfs goes on after the unmount"
			kill -ABRT "$pid"
			wait_until 5 process_is_gone "$pid" || kill -KILL "$pid"
			status=1
		fi
	done <"$work/mounted"

	if [ -n "$emu_pid" ]; then
		if process_is_gone "$emu_pid"; then
			echo "FAIL: the emulator died"
			status=1
		else
			kill "$emu_pid"
			wait_until 10 process_is_gone "$emu_pid" ||
				kill -KILL "$emu_pid"
		fi
	fi
	if grep -lE "$report" "$work"/*.log 2>/dev/null; then
		echo "FAIL: a sanitizer has reported"
		status=1
	fi

	if [ $status -ne 0 ] && [ $status -ne 77 ]; then
		for log in "$work"/*.log "$work/emu.requests"; do
			[ -s "$log" ] || continue
			echo "--- ${log##*/}"
			grep -nE -A 30 "$report" "$log" | head -n 80
			grep -v ' /emulator/' "$log" | tail -n 40
		done
	fi
	if [ -n "${KEEP:-}" ]; then
		echo "# kept: $work"
	else
		rm -rf "$work"
	fi
	exit $status
}

mkdir -p "$builddir/tests/work"
work=$(mktemp -d "$builddir/tests/work/$name.XXXXXX")
mnt=$work/mnt
mounts=0
emu_pid=
emu_port=
mkdir "$work/home" "$mnt"
: >"$work/mounted"
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

# Nothing of the user's own settings reaches a test.
for variable in $(env | sed -n 's/^\(DATABRICKS_[A-Z_]*\|ARM_[A-Z_]*\)=.*/\1/p')
do
	unset "$variable"
done
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
export HOME="$work/home" XDG_STATE_HOME="$work/state" XDG_CACHE_HOME="$work/cache"
unset XDG_CONFIG_HOME STATE_DIRECTORY CACHE_DIRECTORY JOURNAL_STREAM
export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=T GIT_AUTHOR_EMAIL=t@example.com
export GIT_COMMITTER_NAME=T GIT_COMMITTER_EMAIL=t@example.com
export LC_ALL=C.UTF-8 TZ=UTC
export ASAN_OPTIONS="detect_stack_use_after_return=1:allocator_may_return_null=1:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
# A thread of libfuse's loop may still be there when a second signal ends brickfs.
export TSAN_OPTIONS="report_thread_leaks=0:second_deadlock_stack=1:${TSAN_OPTIONS:-}"
umask 022

# What the functions above and most tests use.
for tool in curl jq pgrep python3; do
	command -v "$tool" >/dev/null || skip "$tool is not installed"
done

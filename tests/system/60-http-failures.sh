#!/bin/sh
# Goal: a service that fails for a moment is not noticed by programs; one that says
# no is, with the right error and its own words; and nothing that close
# acknowledged is lost.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 3000000 "$work/want"
make_random 1000 "$work/small"
# Everything is asked for anew, and patience is short.
mount_brickfs -o cache_mem=8M,attr_timeout=0,negative_timeout=0 \
    -o timeout=10,retry_timeout=60 dbfs:/

# passing WHERE VERB [ARGS]: reads and writes work though the first calls of WHERE
# go wrong.
round=0
passing() {
	note "$1: $2 ${3:-}"
	round=$((round + 1))
	emu_put "/dbfs/r$round" "$work/want"
	emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/$1\",\"every\":2,\"times\":3},
	    \"verb\":\"$2\",\"args\":{${3:-}}}"
	expect_same "$work/want" "$mnt/r$round"
	cp "$work/small" "$mnt/s$round"
	cp "$work/want" "$mnt/l$round"
	ls -l "$mnt" >/dev/null
	mkdir "$mnt/d$round"
	mv "$mnt/s$round" "$mnt/d$round/"
	rm "$mnt/r$round"
	emu_rules_clear
	expect_remote "/dbfs/d$round/s$round" "$work/small"
	expect_remote "/dbfs/l$round" "$work/want"
	expect_no_remote "/dbfs/r$round"
	rm -r "$mnt/d$round" "$mnt/l$round"
}
passing '*' retry_after '"value":1'
passing '*' retry_after '"in":1'
passing '*' retry_after '"value":1,"code":503'
passing '*' status '"code":429'
passing '*' status '"code":503'
passing read cut
passing read cut '"how":"reset"'
passing read cut '"after":1000'
passing list cut '"after":20'
passing get-status cut
passing read truncate '"n":100'
expect_listing "$mnt"

# refused WHERE CODE ERROR-CODE WORDS COMMAND...
refused() {
	where=$1 code=$2 error=$3 words=$4
	shift 4
	note "$where: $code $error: $*"
	emu_rule "{\"match\":{\"path\":\"/api/2.0/dbfs/$where\"},
	    \"verb\":\"status\",\"args\":{\"code\":$code,\"error_code\":\"$error\",
	    \"message\":\"words of the service\"}}"
	expect_failure "$words" "$@"
	emu_rules_clear
	grep -q 'words of the service' "$mnt/.control/errors" ||
		fail "the service's words are not in .control/errors"
}
emu_put /dbfs/f "$work/want"
refused read 403 PERMISSION_DENIED 'ermission denied' cat "$mnt/f"
refused list 403 PERMISSION_DENIED 'ermission denied' ls "$mnt"
refused mkdirs 403 PERMISSION_DENIED 'ermission denied' mkdir "$mnt/x"
refused delete 403 PERMISSION_DENIED 'ermission denied' rm "$mnt/f"
refused move 403 PERMISSION_DENIED 'ermission denied' mv "$mnt/f" "$mnt/g"
refused put 400 QUOTA_EXCEEDED 'No space|quota' cp "$work/small" "$mnt/q"
expect_same "$work/want" "$mnt/f"

note "a login page is a refusal, not content"
emu_rule '{"match":{"path":"/api/2.0/dbfs/*"},"verb":"html_login"}'
expect_failure 'ermission denied' cat "$mnt/f"
emu_rules_clear
expect_same "$work/want" "$mnt/f"

note "a delete that stops half way is gone on with"
emu_make /dbfs/many 0 10 1
emu_rule '{"match":{"path":"/api/2.0/dbfs/delete","every":2,"times":5},
    "verb":"status","args":{"code":503,"error_code":"PARTIAL_DELETE",
    "message":"The requested operation has deleted 1 files."}}'
rm -r "$mnt/many"
expect_equal "deletes that stopped" 5 \
    "$(emu GET /emulator/rules | jq '.rules[0].fired')"
emu_rules_clear
expect_no_remote /dbfs/many/f00000
[ ! -e "$mnt/many" ] || fail "the directory is shown"
unmount
note "the upload that was refused has been sent since"
expect_remote /dbfs/q "$work/small"

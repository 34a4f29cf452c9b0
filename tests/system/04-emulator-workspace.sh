#!/bin/sh
# Goal: what the workspace acknowledged is there after SIGKILL: content, ids, kinds
# and history; what a person does to its files is taken as it is.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
ws=/api/2.0/workspace
home=/Users/me@example.com

# import PATH FILE FORM-FIELDS...: a form, as clients send it.
import() {
	path=$1
	file=$2
	shift 2
	emu POST $ws/import -o /dev/null -F "path=$path" -F "content=@$file" \
	    -F overwrite=true "$@"
}

# object PATH: what says who and what it is.
object() {
	emu_api GET "$ws/get-status?return_export_info=true&path=$(quote_url "$1")" |
		jq -cS 'del(.path, .modified_at, .size)'
}

source_of() {
	emu_api GET "$ws/export?direct_download=true&path=$(quote_url "$1")"
}

printf '# Databricks notebook source\nprint(1)\n' >"$work/nb.py"
make_random 3000000 "$work/large"
import "$home/nb.py" "$work/nb.py" -F format=AUTO
import "$home/scala" "$work/nb.py" -F language=SCALA
import "$home/large" "$work/large" -F format=AUTO
emu_api POST $ws/mkdirs "{\"path\":\"$home/dir/sub\"}" >/dev/null
emu_api POST $ws/rename "{\"source_path\":\"$home/scala\",
    \"destination_path\":\"$home/dir/moved\"}" >/dev/null
emu_api POST /api/2.0/repos '{"url":"https://example.com/a/r","provider":"gitHub"}' \
    >/dev/null
objects="$home/nb $home/large $home/dir $home/dir/sub $home/dir/moved
	/Repos/me@example.com/r"
for path in $objects; do
	object "$path"
done >"$work/before"
emu_history "/Workspace$home/dir/moved" >"$work/history"

note "killed"
stop_emulator KILL
start_emulator
for path in $objects; do
	object "$path"
done >"$work/after"
expect_same "$work/before" "$work/after"
emu_history "/Workspace$home/dir/moved" >"$work/history2"
expect_same "$work/history" "$work/history2"
expect_remote "/Workspace$home/large" "$work/large"

note "a person edits a notebook, and puts a file there"
before=$(object "$home/nb")
printf '# Databricks notebook source\nprint(2)' >"$work/root/workspace$home/nb"
expect_equal "the object that was edited" "$before" "$(object "$home/nb")"
expect_equal "its source" "$(printf '# Databricks notebook source\nprint(2)')" \
    "$(source_of "$home/nb")"
echo mine >"$work/root/workspace$home/mine"
before=$(object "$home/mine")
expect_equal "what was put there" FILE "$(echo "$before" | jq -r .object_type)"
stop_emulator KILL
start_emulator
expect_equal "the file that was put there" "$before" "$(object "$home/mine")"

twenty_acknowledged() {
	[ "$(wc -l <"$work/acknowledged")" -ge 20 ]
}
note "killed again and again while a client saves one notebook and renames it"
id=$(object "$home/nb" | jq .object_id)
for round in 1 2 3 4 5; do
	: >"$work/acknowledged"
	(
		trap - EXIT
		i=0
		while :; do
			i=$((i + 1))
			echo "$round $i" >"$work/.sent"
			import "$home/nb" "$work/.sent" -F language=PYTHON \
			    2>/dev/null || exit 0
			echo "$i" >>"$work/acknowledged"
			for way in nb:nc nc:nb; do
				emu_api POST $ws/rename "{
				    \"source_path\":\"$home/${way%:*}\",
				    \"destination_path\":\"$home/${way#*:}\"}" \
				    >/dev/null 2>&1 || exit 0
			done
		done
	) &
	writer=$!
	wait_until "$patience" twenty_acknowledged || fail "nothing is acknowledged"
	stop_emulator KILL
	wait "$writer" || :
	start_emulator
	name=nb
	[ -e "$work/root/workspace$home/nb" ] || name=nc
	expect_equal "the id, round $round" "$id" \
	    "$(object "$home/$name" | jq .object_id)"
	expect_equal "its kind" '"NOTEBOOK"' "$(object "$home/$name" | jq .object_type)"
	last=$(tail -n 1 "$work/acknowledged")
	case $(source_of "$home/$name" | tail -n 1) in
	"$round $last" | "$round $((last + 1))") ;;
	*) fail "content $last was acknowledged, and is not there" ;;
	esac
	if [ $name = nc ]; then
		emu_api POST $ws/rename "{\"source_path\":\"$home/nc\",
		    \"destination_path\":\"$home/nb\"}" >/dev/null
	fi
done
expect_equal "left over in the root" '' \
    "$(find "$work/root/.state/tmp" -type f)"

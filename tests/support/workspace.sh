# tests/support/workspace.sh: what the tests of the Workspace share; sourced after
# lib.sh.
#
# Paths begin with /Workspace, and are those that objects are stored under: a notebook's
# has no extension.
# shellcheck shell=sh disable=SC2034,SC2154

header='# Databricks notebook source'

# ws_put PATH FILE [LANGUAGE [FORMAT]]: as somebody else's client would; what is there
# stays what it is, something new without a language is a file.
ws_put() {
	emu PUT "/emulator/file?path=$(emu_query "$1")${3:+&language=$3}${4:+&format=$4}" \
	    -o /dev/null -H 'Content-Type: application/octet-stream' -T "$2"
}

# ws_put_text PATH TEXT [LANGUAGE [FORMAT]]
ws_put_text() {
	printf '%s' "$2" >"$work/.text"
	ws_put "$1" "$work/.text" ${3:+"$3"} ${4:+"$4"}
}

# ws_put_other PATH TYPE: an object that is neither file nor notebook.
ws_put_other() {
	: >"$work/.text"
	emu PUT "/emulator/file?path=$(emu_query "$1")&object_type=$2" -o /dev/null \
	    -T "$work/.text"
}

# ws_tree PATH: what is stored there and below, as JSON; ids as strings, since they
# have more digits than a double holds.
ws_tree() {
	emu GET "/emulator/tree?path=$(emu_query "$1")" |
		sed -E 's/"object_id":([0-9]+)/"object_id":"\1"/g'
}

# ws_objects PATH: a line an object that is stored below: TYPE [LANGUAGE [JUPYTER]]
# and the rest of its path.
ws_objects() {
	ws_tree "$1" | jq -r --arg dir "${1#/Workspace}/" '.entries[] |
	    select(.path | startswith($dir)) |
	    ([.note.object_type, .note.language,
	      (.note.format | select(. == "JUPYTER")), .path[($dir | length):]] |
	     map(select(. != null)) | join(" "))'
}

# expect_objects PATH LINE...: exactly these.
expect_objects() {
	dir=$1
	shift
	printf '%s\n' "$@" | LC_ALL=C sort >"$work/.want"
	ws_objects "$dir" | LC_ALL=C sort >"$work/.got"
	diff "$work/.want" "$work/.got" || fail "objects below $dir differ"
}

# ws_id PATH: its object id; nothing when nothing is there.
ws_id() {
	ws_tree "${1%/*}" | jq -r --arg path "${1#/Workspace}" \
	    '.entries[] | select(.path == $path) | .note.object_id'
}

# ws_ever PATH: every name that anything ever had below.
ws_ever() {
	emu GET "/emulator/paths?path=$(emu_query "$1")" |
		jq -r --arg dir "${1#/Workspace}/" \
		    '.paths[] | select(startswith($dir)) | .[($dir | length):]' |
		LC_ALL=C sort
}

# expect_ever PATH NAME...: exactly these.
expect_ever() {
	dir=$1
	shift
	printf '%s\n' "$@" | LC_ALL=C sort >"$work/.want"
	ws_ever "$dir" >"$work/.got"
	diff "$work/.want" "$work/.got" ||
		fail "below $dir there were other names than these"
}

# ws_calls: those of the Workspace API since the last reset, "export 2 list 1".
ws_calls() {
	emu GET /emulator/counters | jq -r 'to_entries |
	    map(select(.key | test("/workspace/")) |
	        "\(.key | sub(".*/workspace/"; "")) \(.value)") | sort | join(" ")'
}

# costs "CALL N..." COMMAND...: these calls, and no others.
costs() {
	want=$1
	shift
	note "costs '$want': $*"
	emu_reset_counters
	"$@" >"$work/out"
	expect_equal "calls" "$want" "$(ws_calls)"
}

# everything_sent: what is to be sent has been.
everything_sent() {
	echo 1 >"$mnt/.control/sync"
}

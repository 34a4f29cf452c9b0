#!/bin/sh
# Goal: operations cost the requests that the manual says under "What costs a
# request", and within attr_timeout what is known costs none.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 10 "$work/small"
make_random 1048577 "$work/form"
make_random 3000000 "$work/big"
emu_put /dbfs/d/big "$work/big"
emu_put /dbfs/d/old "$work/small"
emu_put /dbfs/d/old2 "$work/small"
emu_put /dbfs/d/old3 "$work/small"
emu_put /dbfs/d/there "$work/small"
mount_brickfs -o attr_timeout=600,negative_timeout=600 dbfs:/
cd "$mnt"

# costs "CALL N..." COMMAND...: these calls of the DBFS API, and no others.
costs() {
	want=$1
	shift
	note "$*"
	emu_reset_counters
	"$@" >"$work/out"
	expect_equal "calls" "$want" "$(emu GET /emulator/counters | jq -r \
	    'to_entries | map(select(.key | test("/dbfs/")) |
	     "\(.key | sub(".*/dbfs/"; "")) \(.value)") | sort | join(" ")')"
}
save() {
	cat "$work/$1" >"$2"
}

costs "get-status 1" stat d
costs "list 1" ls -l d
costs "" ls -l d
costs "" stat d/big d/old
costs "" test ! -e d/none
costs "read 3" cmp "$work/big" d/big
costs "" cmp "$work/big" d/big

costs "put 1" save small d/new
costs "get-status 1 put 1" save small d/old
costs "get-status 1 put 1" save form d/newform
costs "get-status 2 put 1" save form d/old
costs "" cmp "$work/form" d/old

costs "mkdirs 1" mkdir d/sub
costs "" ls d/sub
costs "delete 1" rmdir d/sub
costs "delete 1" rm d/new
costs "move 1" mv d/there d/elsewhere
note "onto a file: what is not here in steps, what is here by its content"
costs "delete 1 move 2" mv d/elsewhere d/old2
save small d/here
costs "delete 1 get-status 2 put 1" mv d/here d/old3

note "temporary files of editors"
costs "" save small d/old3~
costs "" rm d/old3~
costs "get-status 1 put 1" sed -i 's/^/x/' d/old3
cd "$work"
unmount

#!/bin/sh
# Goal: answers that go wrong reach a program as the right error or not at all,
# and nothing that close acknowledged is lost.
. "$(dirname "$0")/../support/lib.sh"

start_emulator
make_random 3000000 "$work/want"
emu_put /dbfs/f "$work/want"
# No cache: each case reads anew.
mount_brickfs -o cache_mem=8M -o attr_timeout=0 -o timeout=5 \
    -o retry_timeout=20 dbfs:/

read_works() {
	expect_same "$work/want" "$mnt/f"
	emu_rules_clear
	emu_rm /dbfs/f
	make_random 3000000 "$work/want"
	emu_put /dbfs/f "$work/want"
}

note "reads are repeated after 429, 500, 503, cut bodies and lost connections"
for verb in '"status":429,"retry_after":1' '"status":429' '"status":500' \
    '"status":503,"retry_after":1' '"status":503' '"cut":1000' '"close":0'; do
	note "read: $verb"
	emu_rule "{\"path\":\"/api/2.0/dbfs/read\",\"nth\":2,\"times\":2,$verb}" \
	    >/dev/null
	read_works
done

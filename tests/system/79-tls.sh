#!/bin/sh
# Goal: a server that is not who it ought to be, or speaks too old a TLS, is refused in
# one line that says why; a mount that meets one gets errors and goes on with the right
# one; and no token goes to the wrong one.
. "$(dirname "$0")/../support/lib.sh"

emu_scheme=https
export CURL_CA_BUNDLE="$work/ca.pem"
start_emulator --tls-ca "$work/ca.pem"
make_random 2000000 "$work/want"
for i in 1 2 3 4 5 6 7 8; do
	emu_put "/dbfs/f$i" "$work/want"
done

# refused WORDS: at the mount.
refused() {
	emu_reset_counters
	rm -rf "$work/refused"
	mkdir "$work/refused"
	start_brickfs "$work/refused.txt" -f -o "host=$emu_url" \
	    -o "cacert=$work/ca.pem" -o timeout=5 dbfs:/ "$work/refused"
	status=0
	wait "$brickfs_pid" || status=$?
	expect_equal "exit status" 1 "$status"
	expect_equal "lines" 1 "$(wc -l <"$work/refused.txt")"
	grep -qiE "$1" "$work/refused.txt" ||
		fail "it says: $(cat "$work/refused.txt")"
	expect_equal "requests" 0 "$(emu_counter requests)"
}
emu_set cert expired
note "a certificate that has expired"
refused 'expired'
note "one that nobody has signed"
emu_set cert self
refused 'self.signed|issuer|verif'
note "one of another host"
emu_set cert wrong_host
refused 'host name|hostname|subject|IP address|does not match'
emu_set cert good
for version in 1.0 1.1; do
	note "TLS $version"
	emu_set tls-max $version
	refused 'TLS|SSL|version|protocol'
done
note "an authority that is not trusted"
emu_set tls-max 1.3
mv "$work/ca.pem" "$work/ours.pem"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other \
    -keyout "$work/other.key" -out "$work/ca.pem" 2>"$work/openssl"
refused 'self.signed|issuer|verif'
mv "$work/ours.pem" "$work/ca.pem"

note "the right one, by TLS 1.3 and 1.2"
mount_brickfs -o "cacert=$work/ca.pem" -o timeout=5,retry_timeout=10,cache_mem=8M dbfs:/
expect_same "$work/want" "$mnt/f1"
emu_set tls-max 1.2
emu POST /emulator/connections/drop -o /dev/null -d '{"which":"all"}'
expect_same "$work/want" "$mnt/f2"
cp "$work/want" "$mnt/written"
expect_remote /dbfs/written "$work/want"
emu_set tls-max 1.3

file=3
for bad in cert=expired cert=self cert=wrong_host tls-max=1.1; do
	note "a mount that meets $bad, and then the right one again"
	emu_set "${bad%=*}" "${bad#*=}"
	emu POST /emulator/connections/drop -o /dev/null -d '{"which":"all"}'
	emu_reset_counters
	expect_failure 'I/O error|rotocol|timed out' cat "$mnt/f$file"
	expect_equal "requests" 0 "$(emu_counter requests)"
	emu_set cert good
	emu_set tls-max 1.3
	expect_same "$work/want" "$mnt/f$file"
	file=$((file + 1))
done

note "lines that break in the middle of TLS"
emu_rule '{"match":{"path":"*/read","nth":1},"verb":"cut","after":1000,"how":"reset"}'
expect_same "$work/want" "$mnt/f$file"
emu_rules_clear
emu_rule '{"match":{"path":"*/put","nth":1},"verb":"bad_chunk"}'
cp "$work/want" "$mnt/chunks"
emu_rules_clear
expect_remote /dbfs/chunks "$work/want"
unmount

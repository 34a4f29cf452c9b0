#!/bin/sh
# Goal: no source file includes a header of a layer above its own, and a library
# is seen only where it belongs.
set -eu
src=${srcdir:-$(dirname "$0")/..}/src
bad=0

# complain WORDS HITS
complain() {
	[ -n "$2" ] || return 0
	printf '%s\n' "$2" | sed "s|^|$1: |"
	bad=1
}

# Includes of our own in a layer: its name, then the layers that it may include.
checked=
while read -r layer allowed; do
	[ -d "$src/$layer" ] || continue
	checked="$checked $layer"
	may=$(echo "$layer $allowed" | tr ' ' '|')
	hits=$(find "$src/$layer" -name '*.[ch]' -exec \
	    grep -HnE '^[[:space:]]*#[[:space:]]*include "' {} + |
	    grep -vE '"config\.h"' | grep -vE "\"($may)/" || true)
	complain "layer $layer" "$hits"
done <<'RULES'
base
net base
rest net base
cache base
control cache rest base
backend control cache rest base
ns backend cache base
fs ns backend cache base
app fs ns backend control cache rest net base
emu base
RULES

for dir in "$src"/*/; do
	layer=$(basename "$dir")
	case "$checked " in
	*" $layer "*) ;;
	*) complain "src/$layer" "no rule says what it may include" ;;
	esac
done

# Libraries: a pattern of headers, then where they may be included.
while read -r headers places; do
	hits=$(find "$src" -name '*.[ch]' -exec \
	    grep -HnE "^[[:space:]]*#[[:space:]]*include [<\"]$headers" {} + |
	    sed "s|^$src/||" | grep -vE "^($places)" || true)
	complain "library" "$hits"
done <<'RULES'
fuse(3/|_|\.h) fs/|app/
curl/ net/
json-c/|json\.h rest/|emu/|control/|base/jval
microhttpd\.h emu/
check\.h none
RULES

[ $bad -eq 0 ] && echo "layers:$checked"
exit $bad

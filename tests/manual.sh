#!/bin/sh
# Goal: brickfs(1) explains each option, and no others (for the control files see
# tests/unit/test_ctl_tree.c); the pages have no mistakes that mandoc finds; the
# completion completes.
set -eu
srcdir=${srcdir:-$(dirname "$0")/..}
builddir=${builddir:-.}
page=$srcdir/man/brickfs.1
bad=0

complain() {
	echo "$*"
	bad=1
}

# compare WHAT HERE THERE: two lists of words.
compare() {
	for word in $2; do
		case " $(echo "$3" | tr '\n' ' ') " in
		*" $word "*) ;;
		*) complain "$1 $word: not in the manual page" ;;
		esac
	done
	for word in $3; do
		case " $(echo "$2" | tr '\n' ' ') " in
		*" $word "*) ;;
		*) complain "$1 $word: in the manual page only" ;;
		esac
	done
}

options=$("$builddir/brickfs" --help | sed -n 's/^  --\([a-z_]*\).*/\1/p')
documented=$(sed -n '/^\.Ss Options$/,/^\.Sh /p' "$page" | sed -n 's/^\.It Cm \(.*\)/\1/p' |
    sed 's/ Ns = Ns Ar [A-Z]*//g; s/ Ns = Ns Cm .*//; s/ Cm / /g; s/ , / /g' |
    tr ' ' '\n')
[ "$(echo "$options" | wc -w)" -gt 10 ] || complain "--help shows no options"
compare option "$options" "$documented"

if command -v mandoc >/dev/null; then
	for each in "$srcdir"/man/*.1; do
		mandoc -T lint -W warning "$each" || complain "$each"
	done
fi
if command -v bash >/dev/null; then
	got=$(PATH=$builddir:$PATH bash -c '. "$1"
		COMP_LINE="brickfs -o ro,drain" COMP_POINT=19
		COMP_WORDS=(brickfs -o ro,drain) COMP_CWORD=2
		_brickfs brickfs; echo "${COMPREPLY[*]}"' - \
	    "$srcdir/completions/brickfs" 2>&1)
	[ "$got" = "ro,drain_timeout=" ] || complain "completion: '$got'"
fi
exit $bad

# scripts/lib.sh: what scripts/try, scripts/test and .ci/run share: messages,
# packages, configuring a build.  Sourced with $top set to the checkout.
# shellcheck shell=sh disable=SC2034,SC2154

# Debian's and Ubuntu's names; of a|b one is enough, and the first is installed.
PACKAGES_BUILD='gcc libc6-dev make autoconf automake pkg-config|pkgconf
	libfuse3-dev fuse3 libcurl4-openssl-dev libjson-c-dev libssl-dev
	uthash-dev libxxhash-dev ca-certificates'
PACKAGES_EMULATOR='libmicrohttpd-dev libarchive-dev'
PACKAGES_TEST='check libsubunit-dev curl jq openssl git attr rsync tar ed nano
	vim|vim-nox|vim-gtk3 emacs-nox|emacs-gtk|emacs-lucid|emacs-pgtk perl
	bash sqlite3 procps util-linux iproute2
	python3 python3-venv'
PACKAGES_CI='clang shellcheck mandoc xz-utils'

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

package_is_there() {
	case $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) in
	?i*) return 0 ;;
	esac
	return 1
}

# Prints those of the packages $* that are missing.
packages_missing() {
	for wanted in "$@"; do
		found=no
		for name in $(echo "$wanted" | tr '|' ' '); do
			if package_is_there "$name"; then
				found=yes
				break
			fi
		done
		[ $found = yes ] || printf '%s ' "${wanted%%|*}"
	done
}

# install_packages LOG NAME...: installs what is missing; ends the script, with
# words, where it cannot.
install_packages() {
	log=$1
	shift
	if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null
	then
		say "This is no Debian or Ubuntu; what is needed must be there:"
		say "  $(echo "$*" | tr -s ' \n\t' ' ')"
		return 0
	fi
	missing=$(packages_missing "$@")
	[ -n "$missing" ] || return 0

	by_hand="apt-get update && apt-get install --no-install-recommends $missing"
	if [ "$(id -u)" -eq 0 ]; then
		as_root=
	elif ! command -v sudo >/dev/null; then
		die "these packages are missing, and there is no sudo to" \
		    "install them with. As root: $by_hand"
	elif ! sudo -n true 2>/dev/null && ! [ -t 0 ]; then
		die "these packages are missing, and sudo wants a password." \
		    "As root: $by_hand"
	else
		as_root=sudo
	fi
	say "Installing $missing"
	# shellcheck disable=SC2086 # lists of words
	if ! {
		$as_root apt-get -q -o DPkg::Lock::Timeout=300 update &&
		$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
		    --no-install-recommends install $missing
	} >"$log" 2>&1 </dev/null; then
		tail -n 15 "$log" >&2
		die "could not install what is missing (all of it: $log)." \
		    "As root: $by_hand"
	fi
}

# make_dir DIR: a directory that we may write in, or words.
make_dir() {
	if ! mkdir -p "$1" 2>/dev/null || ! [ -w "$1" ]; then
		die "cannot write in $1; was it made by another user?" \
		    "Remove it, or use a checkout of your own."
	fi
}

# run_logged LOG COMMAND...: output goes to LOG, and its end to stderr on failure.
run_logged() {
	log=$1
	shift
	if "$@" >"$log" 2>&1 </dev/null; then
		return 0
	fi
	echo "$* failed (all of it: $log):" >&2
	grep -nE '(error|undefined reference|warning):' "$log" | head -n 20 >&2
	tail -n 15 "$log" >&2
	return 1
}

# configure_build DIR [CONFIGURE-OPTIONS]: DIR is ready for make.  Nothing is
# done again that is still good; make itself follows changes of Makefile.am.
configure_build() {
	build=$1
	shift
	make_dir "$build"
	case $top in
	*[\\\"\#\$\&\'\`[:space:]]*)
		die "make cannot work in '$top': its path may hold no blanks and" \
		    "no quotes. Move or clone this checkout to another place"
		;;
	esac
	if [ -e "$top/config.status" ]; then
		die "this checkout is configured in place, and so no other" \
		    "build can be made from it: run make distclean first"
	fi
	if ! [ -e "$top/configure" ] || ! [ -e "$top/Makefile.in" ] ||
	    [ -n "$(find "$top/configure.ac" "$top/m4" "$top/Makefile.am" \
	        -newer "$top/configure")" ]; then
		(cd "$top" && run_logged "$build/autoreconf.log" autoreconf -fi) ||
			return 1
	fi
	printf '%s\n' "$*" >"$build/options.new"
	if ! [ -e "$build/Makefile" ] ||
	    ! cmp -s "$build/options.new" "$build/options"; then
		(cd "$build" && rm -f Makefile config.cache &&
			run_logged "$build/configure.log" "$top/configure" "$@") ||
			return 1
	fi
	mv "$build/options.new" "$build/options"
}

jobs_default() {
	nproc 2>/dev/null || echo 2
}

# tests_at_once JOBS: they wait more than they compute.
tests_at_once() {
	echo $(($1 * 2))
}

# packages.sh - sourced by ./check and ./quickstart: which Debian packages they
# need, and how to install them without any service of theirs being started.
# shellcheck shell=bash

BUILD_PACKAGES="gcc make autoconf automake pkg-config libc6-dev libmilter-dev
    libssl-dev libidn2-dev libunbound-dev libspf2-dev libopendmarc-dev
    libpsl-dev libmemcached-dev libpcre2-dev"
SCENE_PACKAGES="python3 postfix nsd python3-dkim"
TEST_PACKAGES="postfix-pcre clang libclang-rt-dev binutils libcmocka-dev libmail-dkim-perl
    python3-nacl python3-authres bind9-utils ldnsutils opendkim opendkim-tools rspamd
    memcached postgrey policyd-weight mandoc systemd openssl util-linux procps"

# The command that makes what follows run as root; empty where we are root.
as_root=
if [ "$(id -u)" != 0 ]; then
	as_root="sudo"
fi

require_root() {
	if [ -z "$as_root" ] || sudo -n true 2>/dev/null || sudo true; then
		return
	fi
	echo "$0: needs root, or sudo: it installs packages and starts a" \
	    "private Postfix" >&2
	exit 77
}

# Autoconf builds nowhere else once it was told to build in the sources.
require_clean_sources() {
	if [ ! -e "$1/config.status" ]; then
		return
	fi
	echo "$0: this checkout was configured in place, so it cannot be" \
	    "built below build/ too; first run: make distclean" >&2
	exit 78
}

missing_packages() {
	local name

	for name in "$@"; do
		# A package may be there under another one's "Provides".
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" \
		    2>/dev/null)" = installed ] || echo "$name"
	done
}

# While the file stands, maintainer scripts start no service. One that is there
# already and denies stays as it is; another is put aside and comes back.
POLICY=/usr/sbin/policy-rc.d
policy_ours=
deny_services() {
	if [ -x $POLICY ] && { $POLICY nsd start >/dev/null 2>&1
	    [ $? = 101 ]; }; then
		return
	fi
	policy_ours=yes
	trap 'allow_services; exit 130' INT TERM HUP
	trap allow_services EXIT
	if [ -e $POLICY ]; then
		$as_root mv $POLICY $POLICY.before-postern
	fi
	printf '#!/bin/sh\nexit 101\n' | $as_root tee $POLICY >/dev/null
	$as_root chmod 755 $POLICY
}

allow_services() {
	if [ -z "$policy_ours" ]; then
		return
	fi
	policy_ours=
	$as_root rm -f $POLICY
	if [ -e $POLICY.before-postern ]; then
		$as_root mv $POLICY.before-postern $POLICY
	fi
	trap - INT TERM HUP EXIT
}

# Services that came with the packages are not started at the next boot either:
# nobody asked for a mail server, a DNS server or a milter.
disable_services() {
	local name unit

	for name in "$@"; do
		case $name in
		postfix|nsd|opendkim|rspamd|memcached|postgrey|policyd-weight)
			unit=$name.service ;;
		*) continue ;;
		esac
		if command -v systemctl >/dev/null; then
			$as_root systemctl disable "$unit" >/dev/null 2>&1 || :
		else
			$as_root deb-systemd-helper disable "$unit" \
			    >/dev/null 2>&1 || :
			$as_root update-rc.d "$name" disable \
			    >/dev/null 2>&1 || :
		fi
	done
}

# "No configuration": the package writes no main.cf, so there is no system mail
# service, now or later. Only asked where postfix is not installed.
answer_postfix_question() {
	case " $* " in
	*" postfix "*) ;;
	*) return ;;
	esac
	echo "postfix postfix/main_mailer_type select No configuration" |
	    $as_root debconf-set-selections
}

apt() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q \
	    -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@" </dev/null
}

# Installs what is missing of the packages named; output goes to the file $1.
install_packages() {
	local log=$1 missing removed
	shift
	missing=$(missing_packages "$@" | tr '\n' ' ')
	if [ -z "$missing" ]; then
		return 0
	fi
	require_root
	echo "    installing: $missing"
	apt update >>"$log" 2>&1 ||
	    echo "    apt-get update failed; going on with the lists we have"
	# shellcheck disable=SC2086
	removed=$(apt install -s --no-install-recommends $missing 2>>"$log" |
	    sed -n 's/^Remv \([^ ]*\).*/\1/p' | tr '\n' ' ')
	if [ -n "$removed" ]; then
		echo "$0: installing $missing would remove: $removed" >&2
		echo "This machine seems to have another mail server, which" \
		    "is left alone. Use a fresh machine or a container." >&2
		return 1
	fi
	deny_services
	# shellcheck disable=SC2086
	answer_postfix_question $missing
	# shellcheck disable=SC2086
	if ! apt install -y --no-install-recommends $missing >>"$log" 2>&1; then
		allow_services
		tail -n 20 "$log" >&2
		echo "$0: apt-get could not install $missing" >&2
		return 1
	fi
	# shellcheck disable=SC2086
	disable_services $missing
	allow_services
}

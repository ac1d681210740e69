# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

apt_get() {
	DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l logged apt-get -qq -y \
		-o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "$@"
}

is_installed() {
	# shellcheck disable=SC2016 # the variable is dpkg's
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The package that keeps up with new kernels, linux-headers-FLAVOUR, where its sibling linux-image-FLAVOUR does so.
# It is taken in the same version: a newer one would bring the headers of a kernel that is not installed.
headers_follow() {
	follow=${running#*-}
	case $follow in [0-9]*-*) follow=${follow#*-} ;; esac
	if ! is_installed "linux-image-$follow" || is_installed "linux-headers-$follow"; then return 0; fi
	# shellcheck disable=SC2016 # the variable is dpkg's
	printf 'linux-headers-%s=%s' "$follow" "$(dpkg-query -W -f '${Version}' "linux-image-$follow")"
}

# What DKMS signs modules with, and what makes the key known to the firmware.
missing_for_signing() {
	signature_is_enforced || return 0
	command -v openssl >/dev/null || printf 'openssl '
	if [ -d /sys/firmware/efi ] && ! command -v mokutil >/dev/null; then printf mokutil; fi
}

# missing_packages: what DKMS needs and the device lacks.
missing_packages() {
	missing=''
	[ -e "/lib/modules/$running/build/include" ] || missing=linux-headers-$running
	command -v dkms >/dev/null || missing="$missing dkms"
	missing="$missing $(missing_for_signing)"
	if command -v dpkg-query >/dev/null; then missing="$missing $(headers_follow)"; fi
	# shellcheck disable=SC2086 # blanks are to go
	set -- $missing
	printf '%s' "$*"
}

is_available() {
	apt-cache show "$1" 2>/dev/null | grep -q '^Package:'
}

all_are_available() {
	for available in "$@"; do
		is_available "$available" || return 1
	done
}

# obtain NAME[=VERSION]...: packages becomes each as apt has it; where an archive has another version by now, that one.
obtain() {
	packages=''
	for obtain in "$@"; do
		is_available "$obtain" || obtain=${obtain%%=*}
		is_available "$obtain" || refuse_unavailable "$obtain"
		packages="$packages $obtain"
	done
}

refuse_unavailable() {
	if [ "$1" = "linux-headers-$running" ]; then
		die "this device's apt has no $1, which DKMS builds the module with: its archive does not carry this kernel (any more)." \
			"Upgrade the kernel, reboot and run it again; or add an archive that has the headers; or install them by hand"
	fi
	die "this device's apt has no package $1: check /etc/apt and the network, or install it by hand"
}

refuse_without_apt() {
	command -v apt-get >/dev/null ||
		die "missing on this device, and it has no apt to get them with: $packages. Install dkms and the headers of" \
			"the running kernel $running with its package manager and run it again; or do without DKMS (uid_mem_dkms: false)"
	[ "$opt_install_packages" = yes ] ||
		die "packages are missing on this device: run 'apt-get install $packages', or set uid_mem_install_packages to true"
}

# cmd_packages: what keep_packages would install, and what comes with it, as far as the package lists that are there say.
cmd_packages() {
	need_root
	packages=$(missing_packages)
	say "packages=$packages"
	[ -n "$packages" ] || return 0
	refuse_without_apt
	# Names without blanks.
	# shellcheck disable=SC2086
	if ! simulated=$(apt-get -s install --no-install-recommends $packages 2>/dev/null); then
		say "warning=which packages come with $packages is not known: the package lists on this device are missing or old, and check mode does not refresh them"
		return 0
	fi
	say "all_packages=$(printf '%s\n' "$simulated" | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | tr '\n' ' ')"
}

keep_packages() {
	packages=$(missing_packages)
	[ -n "$packages" ] || return 0
	refuse_without_apt
	# Names without blanks.
	# shellcheck disable=SC2086
	set -- $packages
	if ! all_are_available "$@"; then
		apt_get update || die "the package lists of this device cannot be refreshed: $(log_tail 2)"
		obtain "$@"
		# shellcheck disable=SC2086
		set -- $packages
	fi
	remember_packages "$@"
	apt_get install --no-install-recommends "$@" && return 0
	# The lists may be older than the archive.
	apt_get update || true
	apt_get install --no-install-recommends "$@" || die "packages could not be installed ($*): $(log_tail)"
}

# $STATE/packages: what was not on the device before us.
remember_packages() {
	for remember in "$@"; do
		is_installed "${remember%%=*}" || printf '%s\n' "${remember%%=*}"
	done >>"$STATE/packages"
}

# unneeded: what nothing depends on; kernels are no exception, nor is what something recommends or suggests that did
# without before we came. The caller compares.
unneeded() {
	cat >"$STATE/apt.conf" <<-CONF
		#clear APT::NeverAutoRemove;
		#clear APT::VersionedKernelPackages;
		APT::Protect-Kernels "false";
		APT::AutoRemove::RecommendsImportant "false";
		APT::AutoRemove::SuggestsImportant "false";
	CONF
	APT_CONFIG=$STATE/apt.conf apt-get -s autoremove 2>>"$LOG" | sed -n 's/^Remv \([^ ]*\) .*/\1/p' | sort
}

# Removes the packages that the role installed, with what they brought, unless something else needs them now.
drop_packages() {
	[ -s "$STATE/packages" ] || return 0
	unneeded >"$STATE/before"
	# Names without blanks.
	# shellcheck disable=SC2046
	logged apt-mark auto $(installed_of "$STATE/packages") || true
	unneeded >"$STATE/after"
	drop=$(comm -13 "$STATE/before" "$STATE/after")
	[ -n "$drop" ] || return 0
	# shellcheck disable=SC2086
	apt_get purge $drop || die "the packages that the role installed could not be removed ($drop): $(log_tail)"
}

installed_of() {
	while IFS= read -r installed_of; do
		if is_installed "$installed_of"; then printf '%s ' "$installed_of"; fi
	done <"$1"
}


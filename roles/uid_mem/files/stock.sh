#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The module uid_mem on a kernel as it comes from its distributor: its source, the module that was built from it on the
# controller, DKMS that builds it for later kernels, and the packages this takes. The role devfleet.uid_mem.uid_mem runs it;
# uid_mem.sh says when.
#
# On the device it carries its payload behind its own text; pack, on the controller, puts it there.
#
# What a caller is to read is printed as key=value lines on standard output. Exit status:
#   0  done
#   1  failed; error=... says why
#   2  wrong usage
set -eu

PROGRAM=stock.sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin:${PATH:-}
LC_ALL=C
export PATH LC_ALL

SOURCES=/usr/src/uid_mem-
STATE=/var/lib/uid_mem/stock
LOG=$STATE/log
DKMS_TREE=/var/lib/dkms
PAYLOAD_MARK=__PAYLOAD_BELOW__

usage() {
	cat <<USAGE
usage: $PROGRAM COMMAND [OPTION VALUE]...
       $PROGRAM --help

Keeps the module uid_mem on a kernel as it comes from its distributor.

  place      source, and the module where it was built already, from the payload to their places
  dkms       DKMS has the module, now and for later kernels; packages it needs are installed
  remove     nothing of that is left
  pack       make a copy of this program that carries the payload (on the controller)

Options of dkms:
  --install-packages yes|no  install what is missing (yes), or name it and fail

Options of pack:
  --source DIRECTORY         source of the module
  --module FILE              module that was built from it
  --release RELEASE          kernel release that FILE is for
  --output FILE              the copy to make
USAGE
}

say() {
	printf '%s\n' "$*"
}

die() {
	say "error=$*"
	exit 1
}

bad_usage() {
	printf '%s: %s (see %s --help)\n' "$PROGRAM" "$*" "$PROGRAM" >&2
	exit 2
}

parse_options() {
	opt_source='' opt_module='' opt_release='' opt_output='' opt_install_packages=yes
	while [ $# -gt 0 ]; do
		[ $# -ge 2 ] || bad_usage "unexpected argument or option without its value: '$1'"
		case $1 in
		--source) opt_source=$2 ;;
		--module) opt_module=$2 ;;
		--release) opt_release=$2 ;;
		--output) opt_output=$2 ;;
		--install-packages)
			case $2 in yes | no) opt_install_packages=$2 ;; *) bad_usage "--install-packages takes yes or no, not '$2'" ;; esac
			;;
		*) bad_usage "unknown option '$1'" ;;
		esac
		shift 2
	done
}

need_root() {
	[ "$(id -u)" -eq 0 ] || die "not root: set 'become: true' for this host"
	running=$(uname -r)
	arch=$(uname -m)
	mkdir -p "$STATE"
	: >>"$LOG"
}

# logged COMMAND...: what it says goes to the log.
logged() {
	printf '== %s\n' "$*" >>"$LOG"
	"$@" >>"$LOG" 2>&1
}

log_tail() {
	tail -n "${1:-4}" "$LOG" | tr '\n' ';'
}

# ---- payload ------------------------------------------------------------------------------------

# Files of the source, without what a build leaves between them.
source_files() {
	(
		cd "$1"
		for source_file in Kbuild Makefile dkms.conf *.c *.h; do
			case $source_file in
			*.mod.c) ;;
			*) printf '%s\n' "$source_file" ;;
			esac
		done
	)
}

cmd_pack() {
	[ -n "$opt_source" ] || bad_usage "pack needs --source"
	[ -n "$opt_output" ] || bad_usage "pack needs --output"
	[ -e "$opt_source/Kbuild" ] || die "there is no source of the module in $opt_source"
	[ -z "$opt_module" ] || [ -n "$opt_release" ] || bad_usage "--module needs --release"
	mkdir -p "${opt_output%/*}"
	pack_work=$(mktemp -d "${opt_output%/*}/.pack-XXXXXX")
	trap 'rm -rf "$pack_work"' EXIT
	mkdir "$pack_work/payload" "$pack_work/payload/source"
	source_files "$opt_source" | while IFS= read -r pack_file; do
		cp "$opt_source/$pack_file" "$pack_work/payload/source/"
	done
	if [ -n "$opt_module" ]; then
		cp "$opt_module" "$pack_work/payload/uid_mem.ko"
		printf '%s\n' "$opt_release" >"$pack_work/payload/release"
	fi
	(cd "$pack_work/payload" && find . -type f ! -name SHA256SUMS -exec sha256sum -- {} + >"$pack_work/sums")
	mv "$pack_work/sums" "$pack_work/payload/SHA256SUMS"
	{
		cat "$0"
		printf '%s\n' "$PAYLOAD_MARK"
		tar -czf - -C "$pack_work/payload" .
	} >"$pack_work/bundle"
	chmod 0755 "$pack_work/bundle"
	mv -f "$pack_work/bundle" "$opt_output"
	say "bundle=$opt_output"
}

unpack_payload() {
	unpack_line=$(awk -v mark="$PAYLOAD_MARK" '$0 == mark { print NR + 1; exit }' "$0")
	[ -n "$unpack_line" ] || die "this copy of $PROGRAM carries no source: make one with 'pack'"
	rm -rf "$STATE/incoming"
	mkdir -p "$STATE/incoming"
	tail -n +"$unpack_line" "$0" | gzip -dc | tar -xf - -C "$STATE/incoming" ||
		die "the copied files are damaged or / is full: run it again"
	(cd "$STATE/incoming" && logged sha256sum -c --quiet SHA256SUMS) ||
		die "checksum mismatch after copying, nothing was changed: run it again; if it persists, check the device's storage and RAM"
}

# ---- module -------------------------------------------------------------------------------------

# version_of DIRECTORY: the version of the source there.
version_of() {
	sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$1/dkms.conf"
}

# installed_source: the directory of the source on the device, nothing where there is none.
installed_source() {
	for installed_source in "$SOURCES"*/; do
		if [ -e "$installed_source/dkms.conf" ]; then printf '%s' "${installed_source%/}"; fi
	done
}

# forget_dkms DIRECTORY: DKMS does not know the source any more, and no kernel has a module that it built from it.
forget_dkms() {
	if command -v dkms >/dev/null && [ -d "$DKMS_TREE/uid_mem/$(version_of "$1")" ]; then
		logged dkms remove "uid_mem/$(version_of "$1")" --all || die "DKMS could not remove the module: $(log_tail)"
	fi
}

# Modules that were built on the controller; $STATE/prebuilt has the kernels they are for.
drop_prebuilt() {
	[ -e "$STATE/prebuilt" ] || return 0
	while IFS= read -r drop_release; do
		rm -f "/lib/modules/$drop_release/updates/uid_mem.ko"
		rmdir "/lib/modules/$drop_release/updates" 2>/dev/null || true
		if [ -d "/lib/modules/$drop_release" ]; then logged depmod "$drop_release"; fi
	done <"$STATE/prebuilt"
	rm -f "$STATE/prebuilt"
}

remove_sources() {
	for remove_source in "$SOURCES"*/; do
		[ -e "$remove_source/dkms.conf" ] || continue
		forget_dkms "${remove_source%/}"
		rm -rf "$remove_source"
	done
}

same_source() {
	(cd "$2" && ls -A) >"$STATE/there"
	source_files "$1" | sort >"$STATE/wanted"
	sort "$STATE/there" | cmp -s - "$STATE/wanted" || return 1
	while IFS= read -r same_file; do
		cmp -s "$1/$same_file" "$2/$same_file" || return 1
	done <"$STATE/wanted"
}

# What was built from another source goes first: what is there at any moment is from the source beside it.
cmd_place() {
	need_root
	: >"$LOG"
	unpack_payload
	place_source=$SOURCES$(version_of "$STATE/incoming/source")
	if [ ! -d "$place_source" ] || ! same_source "$STATE/incoming/source" "$place_source"; then
		drop_prebuilt
		remove_sources
		mkdir -p "${place_source%/*}"
		chmod 0755 "$STATE/incoming/source"
		chmod 0644 "$STATE/incoming/source"/*
		mv "$STATE/incoming/source" "$place_source"
	fi
	if [ -e "$STATE/incoming/uid_mem.ko" ]; then place_module "$(cat "$STATE/incoming/release")"; fi
	rm -rf "$STATE/incoming" "$STATE/there" "$STATE/wanted"
	say changed=yes
}

place_module() {
	[ "$1" = "$running" ] || die "the running kernel is $running, the module was built for $1: run it again"
	grep -qxF "$1" "$STATE/prebuilt" 2>/dev/null || printf '%s\n' "$1" >>"$STATE/prebuilt"
	mkdir -p "/lib/modules/$1/updates"
	chmod 0644 "$STATE/incoming/uid_mem.ko"
	mv -f "$STATE/incoming/uid_mem.ko" "/lib/modules/$1/updates/uid_mem.ko"
	logged depmod "$1" || die "depmod failed: $(log_tail)"
}

# ---- packages -----------------------------------------------------------------------------------

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
	[ "$(cat /sys/module/module/parameters/sig_enforce 2>/dev/null)" = Y ] ||
		grep -qE '\[(integrity|confidentiality)\]' /sys/kernel/security/lockdown 2>/dev/null || return 0
	command -v openssl >/dev/null || printf 'openssl '
	if [ -d /sys/firmware/efi ] && ! command -v mokutil >/dev/null; then printf mokutil; fi
}

# missing_packages: what DKMS needs and the device has not.
missing_packages() {
	missing=''
	[ -e "/lib/modules/$running/build/include" ] || missing=linux-headers-$running
	command -v dkms >/dev/null || missing="$missing dkms"
	missing="$missing $(missing_for_signing)"
	if command -v dpkg-query >/dev/null; then missing="$missing $(headers_follow)"; fi
	# shellcheck disable=SC2086 # blanks are to go
	printf '%s ' $missing
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

keep_packages() {
	packages=$(missing_packages)
	[ -n "$packages" ] || return 0
	command -v apt-get >/dev/null ||
		die "missing on this device, and it has no apt to get them with: ${packages% }. Install dkms and the headers of" \
			"the running kernel $running with its package manager and run it again; or do without DKMS (uid_mem_dkms: false)"
	[ "$opt_install_packages" = yes ] ||
		die "packages are missing on this device: run 'apt-get install ${packages% }', or set uid_mem_install_packages to true"
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

# ---- DKMS ---------------------------------------------------------------------------------------

# Hands the source to DKMS, with the module that runs already as one that it has built from it. The archive is what
# `dkms mktarball` makes; DKMS refuses it where it has the source.
adopt_prebuilt() {
	adopt=$STATE/adopt
	rm -rf "$adopt"
	mkdir -p "$adopt/dkms_main_tree/$running/$arch/module" "$adopt/dkms_main_tree/$running/$arch/log" "$adopt/dkms_binaries_only"
	cp "/lib/modules/$running/updates/uid_mem.ko" "$adopt/dkms_main_tree/$running/$arch/module/"
	echo "Built on the controller by the role devfleet.uid_mem.uid_mem." >"$adopt/dkms_main_tree/$running/$arch/log/make.log"
	cp "$dkms_source/dkms.conf" "$adopt/dkms_binaries_only/"
	tar -czf "$STATE/adopt.tar.gz" -C "$adopt" .
	logged dkms ldtarball --force --archive="$STATE/adopt.tar.gz" || die "DKMS did not take the module: $(log_tail)"
	rm -rf "$adopt" "$STATE/adopt.tar.gz"
}

is_prebuilt() {
	grep -qxF "$running" "$STATE/prebuilt" 2>/dev/null && [ -e "/lib/modules/$running/updates/uid_mem.ko" ]
}

# A module that is there would be the kernel's own for DKMS, which puts it back when its own goes.
install_built() {
	install_prebuilt=/lib/modules/$running/updates/uid_mem.ko
	if is_prebuilt; then mv "$install_prebuilt" "$STATE/uid_mem.ko"; fi
	# Forced, because a module that is loaded has the same version.
	if ! logged dkms install --force "uid_mem/$dkms_version" -k "$running"; then
		install_error=$(log_tail)
		if [ -e "$STATE/uid_mem.ko" ]; then mv "$STATE/uid_mem.ko" "$install_prebuilt"; fi
		die "DKMS could not install the module: $install_error"
	fi
	rm -f "$STATE/uid_mem.ko"
}

refuse_build() {
	refuse_log=$DKMS_TREE/uid_mem/$dkms_version/build/make.log
	die "DKMS could not build the module for $running, see $refuse_log on the device:" \
		"$(grep -m 3 -E 'error|Error' "$refuse_log" 2>/dev/null | tr '\n' ';')" "$(log_tail 2)"
}

cmd_dkms() {
	need_root
	: >"$LOG"
	dkms_source=$(installed_source)
	[ -n "$dkms_source" ] || die "there is no source of the module on the device: run place first"
	dkms_version=$(version_of "$dkms_source")
	keep_packages
	if [ ! -e "$DKMS_TREE/uid_mem/$dkms_version/source" ]; then
		if is_prebuilt; then
			adopt_prebuilt
		else
			logged dkms add "uid_mem/$dkms_version" || die "DKMS did not take the source: $(log_tail)"
		fi
	fi
	if [ ! -d "$DKMS_TREE/uid_mem/$dkms_version/$running/$arch/module" ]; then
		logged dkms build "uid_mem/$dkms_version" -k "$running" || refuse_build
	fi
	[ -e "$DKMS_TREE/uid_mem/kernel-$running-$arch" ] || install_built
	drop_prebuilt
	build_for_others
	say changed=yes
}

# A kernel that was installed before DKMS knew the module; those of role kernel_install have a module of their own.
build_for_others() {
	for other in /lib/modules/*/build/include; do
		other=${other#/lib/modules/}
		other=${other%/build/include}
		if [ ! -e "/lib/modules/$other/modules.dep" ] || [ -e "$DKMS_TREE/uid_mem/kernel-$other-$arch" ] ||
			grep -qs '^CONFIG_UID_MEM=y' "/boot/config-$other"; then continue; fi
		logged dkms install "uid_mem/$dkms_version" -k "$other" ||
			die "limits are enforced now, but would not be on the kernel $other, for which DKMS could not build the module: $(log_tail)"
	done
}

# ---- removal ------------------------------------------------------------------------------------

# DKMS keeps its signing key when its package goes; a key that nothing uses is not left lying about.
drop_dkms_tree() {
	rm -rf "$DKMS_TREE/uid_mem"
	if grep -qx dkms "$STATE/packages" 2>/dev/null && ! is_installed dkms; then
		rm -f "$DKMS_TREE/mok.key" "$DKMS_TREE/mok.pub" "$DKMS_TREE/dkms_dbversion"
		rmdir "$DKMS_TREE" 2>/dev/null || true
	fi
}

cmd_remove() {
	need_root
	: >"$LOG"
	drop_prebuilt
	remove_sources
	drop_packages
	drop_dkms_tree
	rm -rf "$STATE"
	rmdir "${STATE%/*}" 2>/dev/null || true
	say changed=yes
}

main() {
	[ $# -gt 0 ] || bad_usage "which command?"
	command=$1
	shift
	case $command in
	--help | -h | help)
		usage
		exit 0
		;;
	esac
	parse_options "$@"
	case $command in
	place) cmd_place ;;
	dkms) cmd_dkms ;;
	remove) cmd_remove ;;
	pack) cmd_pack ;;
	*) bad_usage "unknown command '$command'" ;;
	esac
}

main "$@"
exit

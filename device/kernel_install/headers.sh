# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# ---- headers, for the modules that DKMS builds on the device ------------------------------------------

# dkms_is_in_use: DKMS has built a module for the running kernel; uid_mem's own comes with the kernel.
dkms_is_in_use() {
	for dkms_built in /var/lib/dkms/*/kernel-"$running"-*; do
		case $dkms_built in */uid_mem/*) continue ;; esac
		[ ! -e "$dkms_built" ] || return 0
	done
	return 1
}

# needs_headers: room for them, eight times the package when it is unpacked.
needs_headers() {
	if [ "$opt_headers_bytes" -eq 0 ] || ! dkms_is_in_use; then return 0; fi
	needs "$(remote_tmp)" "$opt_headers_bytes" 1
	needs /usr/src "$((8 * opt_headers_bytes))" 20000
}

# Before the kernel's own package, whose scripts make an initial RAM disk: it may need a module that DKMS builds.
install_headers() {
	[ -n "$headers_file" ] || return 0
	run_dpkg -i "$headers_file" ||
		die "the headers of $opt_release could not be installed, or DKMS could not build its modules with them," \
			"$running stays the default: $(log_tail) (/var/lib/dkms has a make.log for each module)"
}

remove_headers() { # RELEASE
	[ -d "/usr/src/linux-headers-$1" ] || return 0
	run_dpkg --purge "linux-headers-$1" || die "dpkg could not remove linux-headers-$1: $(log_tail)"
}

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# What stock brings to a device: the source of the module, a module that was built from it, what DKMS needs.
SOURCES=/usr/src/uid_mem-
STOCK_STATE=/var/lib/uid_mem/stock
DKMS_TREE=/var/lib/dkms

# Files of the source, without what a build leaves between them.
source_files() {
	(
		cd "$1" || exit
		for source_file in Kbuild Makefile dkms.conf *.c *.h; do
			case $source_file in
			*.mod.c) ;;
			*) printf '%s\n' "$source_file" ;;
			esac
		done
	)
}

# source_id DIRECTORY: 16 digits that change with each file the module is built from, nothing where there are none.
source_id() {
	[ -e "$1/Kbuild" ] || return 0
	source_files "$1" | (
		cd "$1" || exit
		while IFS= read -r source_file; do sha256sum -- "$source_file"; done
	) | sha256sum | cut -c 1-16
}

# installed_source: the directory of the source on the device, nothing where there is none.
installed_source() {
	for installed_source in "$SOURCES"*/; do
		if [ -e "$installed_source/dkms.conf" ]; then printf '%s' "${installed_source%/}"; fi
	done
}

# What the kernel takes only with a signature that it knows: Secure Boot makes it so.
signature_is_enforced() {
	[ "$(cat /sys/module/module/parameters/sig_enforce 2>/dev/null)" = Y ] ||
		grep -qE '\[(integrity|confidentiality)\]' /sys/kernel/security/lockdown 2>/dev/null
}

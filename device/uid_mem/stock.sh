# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# ---- a kernel as it comes from its distributor ---------------------------------------------------

refuse_unknown_key() {
	key_file=$(sed -n 's/^ *mok_certificate="\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' /etc/dkms/framework.conf 2>/dev/null | tail -n 1)
	if [ -z "$key_file" ]; then
		key_file=/var/lib/shim-signed/mok/MOK.der
		[ -e "$key_file" ] || key_file=$DKMS_TREE/mok.pub
	fi
	if [ -z "$(modinfo -F signer uid_mem 2>/dev/null)" ]; then
		die "the running kernel $running takes only modules that are signed with a key it knows (Secure Boot), and" \
			"the module uid_mem is not signed: set uid_mem_dkms to true, which signs it on the device (DKMS needs openssl for it)"
	fi
	die "the running kernel $running takes only modules that are signed with a key it knows (Secure Boot), and" \
		"does not know yet the one of this device that DKMS signed uid_mem with: run 'mokutil --import $key_file' on the" \
		"device (it asks for a password to make up), reboot, choose 'Enroll MOK' on its screen, give the password;" \
		"then run this role again"
}

refuse_impossible_kernel() {
	[ -e /proc/modules ] ||
		refuse_kernel "the running kernel $running has no uid_mem module, and cannot load modules at all: run role kernel_install to get one that can"
	if [ "$(cat /sys/kernel/realtime 2>/dev/null)" = 1 ]; then
		refuse_kernel "the running kernel $running is a real-time kernel (PREEMPT_RT), which the module uid_mem is not made for: boot another one"
	fi
	stock_major=${running%%.*}
	stock_minor=${running#*.}
	stock_minor=${stock_minor%%[!0-9]*}
	if [ $((stock_major * 1000 + stock_minor)) -lt 5010 ]; then
		refuse_kernel "the running kernel $running is too old: uid_mem needs 5.10 or newer, or a kernel of role kernel_install"
	fi
}

# said_stock: what the controller needs to build the module.
said_stock() {
	say "arch=$(uname -m)"
	say "os=$(sed -n 's/^ID=//p' /etc/os-release 2>/dev/null)"
	say "suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null)"
	# shellcheck disable=SC2016 # the variable is dpkg's
	say "package_version=$(dpkg-query -W -f '${Version}' "linux-image-$running" 2>/dev/null || true)"
	if signature_is_enforced; then say enforced=yes; else say enforced=no; fi
}

# What there is of it, for a diff.
stock_state() {
	stock_source=$(source_id "$(installed_source)")
	if [ -n "$module_file" ]; then printf '%s, built from the source %s' "$module_file" "${stock_source:-unknown}"; fi
}

# Says need=stock where there is no module from this source, need_dkms=yes where DKMS does not know of it.
find_stock_module() {
	predicted=no
	refuse_impossible_kernel
	if [ "$predicted" = yes ]; then return 0; fi
	if [ -z "$module_file" ] || [ "$(source_id "$(installed_source)")" != "$opt_source_id" ]; then
		say_diff_of "module uid_mem for $running" "$(stock_state)" "built from the source $opt_source_id"
		say need=stock
		said_stock
		will module || true
	fi
	if [ "$opt_dkms" = yes ] && [ ! -e "$DKMS_TREE/uid_mem/kernel-$running-$(uname -m)" ]; then
		say need_dkms=yes
		will dkms || true
	fi
}


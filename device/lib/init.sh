# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# find_init: init is what starts services on this device: systemd, openrc, sysvinit, android, or nothing that we know.
find_init() {
	init=''
	if [ "$android" = yes ]; then
		init=android
	elif [ -d /run/systemd/system ]; then
		init=systemd
	elif [ -d /run/openrc ] && command -v rc-update >/dev/null; then
		init=openrc
	elif [ -e /etc/inittab ] && command -v update-rc.d >/dev/null && [ -x /sbin/init ] &&
		/sbin/init --version 2>&1 | grep -q '^SysV init'; then
		init=sysvinit
	fi
}

refuse_unknown_init() {
	[ -z "$init" ] || return 0
	init_name=$(cat /proc/1/comm 2>/dev/null || echo unknown)
	die "nothing on this device would restore the limits at boot: process 1 is $init_name, and the role knows systemd, OpenRC" \
		"and sysvinit with update-rc.d; nothing was changed. Load the module and write the limits file to /proc/uid_mem/limits" \
		"at boot by other means, and declare limits with the module devfleet.uid_mem.uid_mem_limit"
}

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

keep_limits_file() {
	if [ ! -e "$opt_limits_path" ]; then
		keep_file limits-file "$opt_limits_path" 0644 <<-FILE
			# Memory limits of users, restored at boot by $1.
			# The grammar is that of $LIMITS, for example: 10070 max=100M
		FILE
	fi
}

keep_boot_files() {
	if [ "$android" = yes ]; then
		keep_android_boot
		return 0
	fi
	keep_text modules_load modules-load "$MODULES_LOAD" 0644
	if [ -n "$opt_parameters" ]; then
		keep_text modprobe modprobe "$MODPROBE" 0644
	else
		drop_file modprobe "$MODPROBE"
	fi
	keep_limits_file "${UNIT%.service}"
	keep_file program "$HOME_DIR/$PROGRAM" 0755 opaque <<TEXT
$(own_text)
TEXT
	if [ "$init" = systemd ]; then keep_unit; else keep_service; fi
	keep_text facts facts "$FACTS" 0755 opaque
}

keep_unit() {
	unit_before=$changes
	keep_text unit unit "$UNIT_FILE" 0644
	if [ ! -L "$UNIT_WANTED" ] && will unit-enabled; then
		mkdir -p "${UNIT_WANTED%/*}"
		ln -s "../$UNIT" "$UNIT_WANTED"
	fi
	if [ "$changes" != "$unit_before" ] && [ "$opt_check" = no ]; then systemctl daemon-reload; fi
	# It failed at the boot, because the module was missing that is loaded now: monitoring is to see that it is mended.
	if [ -e "$LIMITS" ] && systemctl -q is-failed "$UNIT" && will unit-restarted; then
		systemctl restart "$UNIT" || say "warning=$UNIT fails again: see 'systemctl status $UNIT' on the device"
	fi
}

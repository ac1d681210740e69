# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

file_sum() {
	[ -e "$1" ] || return 0
	file_sum_line=$(sha256sum <"$1")
	printf '%s' "${file_sum_line%% *}"
}

to_disk() {
	fsync "$1" 2>/dev/null || sync "$1" 2>/dev/null || sync
}

# replace FILE MODE: standard input becomes FILE in one step; before and after it is whole, also when the power is cut.
replace() {
	cat >"$1.uid_mem-new"
	chmod "$2" "$1.uid_mem-new"
	to_disk "$1.uid_mem-new"
	mv -f "$1.uid_mem-new" "$1"
}

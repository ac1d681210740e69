# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# Files that came with the program, in a directory that is removed when it has ended.
opt_payload='' opt_payload_sums=''

# payload_option NAME VALUE: false where it is another option.
payload_option() {
	case $1 in
	--payload) opt_payload=$2 ;;
	--payload-sum) opt_payload_sums="$opt_payload_sums $2" ;;
	*) return 1 ;;
	esac
}

# check_payload: what arrived is what was sent.
check_payload() {
	[ -n "$opt_payload" ] || bad_usage "$command needs --payload"
	for payload_sum in $opt_payload_sums; do
		[ "$(file_sum "$opt_payload/${payload_sum#*:}")" = "${payload_sum%%:*}" ] ||
			die "checksum mismatch after copying, nothing was changed: run it again; if it persists, check the device's storage and RAM"
	done
}

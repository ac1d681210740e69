# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# restore_limits FILE: all lines in one write, which the kernel takes as a whole or not at all. Where
# one of them is wrong, each line by itself, so that a bad line costs no user but its own the limit.
restore_limits() {
	if { cat "$1" && echo; } | dd ibs=65536 obs=67108864 of="$LIMITS" 2>/dev/null; then return 0; fi
	restore_status=0
	restore_number=0
	while IFS= read -r restore_line || [ -n "$restore_line" ]; do
		restore_number=$((restore_number + 1))
		restore_message=$({ printf '%s\n' "$restore_line" | cat >"$LIMITS"; } 2>&1) && continue
		restore_status=1
		say "error=$1 line $restore_number refused (${restore_message##*: }): $restore_line"
	done <"$1"
	return "$restore_status"
}

cmd_restore() {
	[ -e "$LIMITS" ] ||
		die "no limit is enforced: $(uname -r) has no $LIMITS; boot a uid_mem kernel (role kernel_install), see that the module uid_mem is loaded"
	[ -e "$opt_limits_path" ] || return 0
	restore_limits "$opt_limits_path"
}


# Without the entries that only charge UIDs to another one.
limits_keys() {
	sed -n '/charge_to=/d; s/^[[:space:]]*\([0-9][0-9-]*\)[[:space:]].*/\1/p' "$@" 2>/dev/null || true
}

# The UIDs of limits that end by themselves (write_limits notes when), as long as they are what was set.
keys_for_a_while() {
	while_now=$(cut -d . -f 1 /proc/uptime)
	while read -r while_end while_uids while_what; do
		if [ "$while_end" -gt "$while_now" ] && grep -q -e "^$while_uids $while_what " -e "^$while_uids $while_what\$" "$LIMITS"; then
			echo "$while_uids"
		fi
	done 2>/dev/null <"$FOR_A_WHILE"
}

# Limits that the kernel has and the limits file has not, and that have no end: somebody set them since.
say_extra() {
	# What is in the file comes at least twice.
	say "extra=$({
		limits_keys "$LIMITS"
		limits_keys "$opt_limits_path"
		limits_keys "$opt_limits_path"
		if [ -r "$FOR_A_WHILE" ]; then
			keys_for_a_while
			keys_for_a_while
		fi
	} | sort | uniq -u | head -n 1000 | tr '\n' ' ')"
	for extra_user in $opt_runtime_users; do id -u -- "$extra_user" 2>/dev/null || true; done | {
		extra_uids=$(tr '\n' ' ')
		say "runtime_uids=$extra_uids"
	}
}

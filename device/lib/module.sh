# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

LIMITS=/proc/uid_mem/limits
FEATURES=/proc/uid_mem/features
# No user has it: below nobody's "invalid" 4294967295, above every range that distributions hand out.
PROBE_UID=4294967000

module_engine() {
	[ -e "$FEATURES" ] || return 0
	sed -n 's/.*engine=\([a-z]*\).*/\1/p' "$FEATURES"
}

# The configuration decides where there is one: reading kallsyms takes a second on a slow device.
kernel_is_patched() {
	if [ -r "/boot/config-$1" ]; then
		grep -q '^CONFIG_UID_MEM=y' "/boot/config-$1"
	else
		# Not those of the module.
		grep ' uid_mem_' /proc/kallsyms 2>/dev/null | grep -qv '\['
	fi
}

# try_limit: a limit on an unused UID is set, read back and removed. Fails with try_limit_problem.
try_limit() {
	if ! { printf '%s max=67108864 mode=audit\n' "$PROBE_UID" | cat >"$LIMITS"; } 2>/dev/null; then
		try_limit_problem="a limit cannot be set"
		return 1
	fi
	try_limit_seen=$(grep "^$PROBE_UID " "$LIMITS" || true)
	case $try_limit_seen in
	"$PROBE_UID max=67108864 "*) ;;
	*)
		try_limit_problem="a limit that was set reads back as '$try_limit_seen'"
		return 1
		;;
	esac
	if ! { printf '!%s\n' "$PROBE_UID" | cat >"$LIMITS"; } 2>/dev/null; then
		try_limit_problem="a limit cannot be removed"
		return 1
	fi
	if grep -q "^$PROBE_UID " "$LIMITS"; then
		try_limit_problem="a removed limit is still there"
		return 1
	fi
}

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# Keeps two controllers apart, also while the device reboots. A controller that goes away loses the lock when its lease
# has run out. The device's clock is not asked, which a reboot may change: the lease is measured in seconds of uptime and
# begins anew with each boot.
LOCK=/var/lib/uid_mem/lock
GUARD=/run/lock/uid_mem-kernel

process_start() {
	cut -d ' ' -f 22 "/proc/$1/stat" 2>/dev/null || true
}

lock_read() {
	lock_owner='' lock_boot_id='' lock_uptime=0 lock_lease=0 lock_process='' lock_since=''
	[ -e "$LOCK" ] || return 0
	while IFS='=' read -r lock_name lock_value; do
		case $lock_name in
		owner) lock_owner=$lock_value ;;
		boot_id) lock_boot_id=$lock_value ;;
		uptime) lock_uptime=$lock_value ;;
		lease) lock_lease=$lock_value ;;
		process) lock_process=$lock_value ;;
		since) lock_since=$lock_value ;;
		esac
	done <"$LOCK"
	lock_age=$uptime
	if [ "$lock_boot_id" = "$boot_id" ]; then lock_age=$((uptime - lock_uptime)); fi
	# A command that is under way holds it however long it takes.
	if [ "$lock_age" -ge "$lock_lease" ] && ! lock_is_in_use; then lock_owner=''; fi
}

lock_is_in_use() {
	[ "$lock_boot_id" = "$boot_id" ] && [ "$(process_start "${lock_process%:*}")" = "${lock_process#*:}" ]
}

# check_lock: refuses where somebody else holds it.
check_lock() {
	read_boot_id
	read_uptime
	lock_read
	if is_one_of "$lock_owner" '' "$opt_owner" "$opt_take_over"; then return 0; fi
	say "locked_by=$lock_owner"
	say "error=another controller is at work on this device: $lock_owner, since $lock_since; its last command began" \
		"$lock_age seconds ago, and its lock ends $((lock_lease - lock_age)) seconds from now unless it goes on: wait for it, or," \
		"if that run is dead for certain, remove $LOCK on the device"
	exit 7
}

# take_lock: renewed by each command.
take_lock() {
	mkdir -p "${LOCK%/*}"
	mkdir -p "${GUARD%/*}"
	exec 9>>"$GUARD"
	flock -w 20 9 || die "$GUARD is kept locked on the device: see which process holds it (fuser $GUARD)"
	check_lock
	if [ -n "$opt_owner" ]; then
		[ "$lock_owner" = "$opt_owner" ] || lock_since=$(date -u '+%F %T UTC')
		replace "$LOCK" 0644 <<-LEASE
			owner=$opt_owner
			since=$lock_since
			boot_id=$boot_id
			uptime=$uptime
			lease=$opt_lease_seconds
			process=$$:$(process_start $$)
		LEASE
	fi
	exec 9>&-
}

release_lock() {
	rm -f "$LOCK"
	rmdir "${LOCK%/*}" 2>/dev/null || true
}

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

DPKG_LOCKS='/var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/dpkg/triggers/Lock'

# dpkg_lock_holder: a process that holds one of dpkg's locks, as "PID (NAME)". They are fcntl locks, which flock(1) does
# not see; dpkg itself does not wait for them.
dpkg_lock_holder() {
	for holder_lock in $DPKG_LOCKS; do
		[ -e "$holder_lock" ] || continue
		holder_place=$(stat -c '%d %i' "$holder_lock")
		# Major and minor are in hexadecimal digits there; on file systems without a device of their own they may be others.
		holder_pid=$(awk -v major="$((${holder_place% *} >> 8 & 4095))" -v inode="${holder_place#* }" '
			function value(hex, i, n) {
				for (i = 1; i <= length(hex); i++) n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
				return n
			}
			$2 == "POSIX" && $4 == "WRITE" {
				split($6, place, ":")
				if (place[3] == inode && (value(place[1]) == major || major == 0)) { print $5; exit }
			}' /proc/locks)
		if [ -n "$holder_pid" ]; then
			printf '%s' "process $holder_pid ($(cat "/proc/$holder_pid/comm" 2>/dev/null || echo unknown))"
			return 0
		fi
	done
}

# dpkg_now ARGUMENT...: dpkg, as soon as nobody else holds its locks.
dpkg_now() {
	read_uptime
	dpkg_until=$((uptime + opt_lock_timeout))
	while :; do
		dpkg_holder=$(dpkg_lock_holder)
		if [ -z "$dpkg_holder" ]; then
			dpkg_status=0
			dpkg_message=$(DEBIAN_FRONTEND=noninteractive dpkg "$@" 2>&1 </dev/null) || dpkg_status=$?
			printf '%s\n' "$dpkg_message" >>"$STATE/log"
			case $dpkg_status:$dpkg_message in
			2:*"lock"*"by another process"* | 2:*"unable to lock"*) dpkg_holder=somebody ;;
			*) return "$dpkg_status" ;;
			esac
		fi
		read_uptime
		[ "$uptime" -lt "$dpkg_until" ] ||
			die "dpkg has been kept locked for $opt_lock_timeout seconds, now by $dpkg_holder: wait until it has ended and run this" \
				"again, or raise kernel_install_lock_timeout"
		sleep 2
	done
}

# Package scripts find these first: the menu is made once, by make_menu, and an initial RAM disk only
# where root needs one (under emulation it takes minutes).
run_dpkg() {
	mkdir -p "$STATE/shims"
	for run_dpkg_name in update-grub ${no_initrd:+update-initramfs}; do
		replace "$STATE/shims/$run_dpkg_name" 0755 <<-'SHIM'
			#!/bin/sh
			exit 0
		SHIM
	done
	run_dpkg_path=$PATH
	PATH=$STATE/shims:$PATH
	run_dpkg_status=0
	dpkg_now "$@" || run_dpkg_status=$?
	PATH=$run_dpkg_path
	rm -rf "$STATE/shims"
	return "$run_dpkg_status"
}

# ---- the kernel to return to ----------------------------------------------------------------------------

package_of() {
	dpkg-query -S "$BOOT/vmlinuz-$1" 2>/dev/null | sed -n '1s/:.*//p'
}

# hold_only RELEASE...: the packages of these kernels are held, so that neither an upgrade nor "apt autoremove" takes them
# away; holds of ours that are not needed any more end. $STATE/held has ours.
hold_only() {
	hold_wanted=''
	for hold_release; do
		hold_package=$(package_of "$hold_release")
		# A uid_mem kernel is in no archive: nothing else removes it.
		if [ -z "$hold_package" ] || [ -e "$STATE/kernels/$hold_release" ]; then continue; fi
		hold_wanted="$hold_wanted $hold_package"
	done
	hold_ours=''
	if [ -e "$STATE/held" ]; then hold_ours=$(cat "$STATE/held"); fi
	for hold_package in $hold_ours; do
		# shellcheck disable=SC2086 # names without blanks
		if ! is_one_of "$hold_package" $hold_wanted; then select_package "$hold_package" hold install; fi
	done
	hold_now=''
	for hold_package in $hold_wanted; do
		# shellcheck disable=SC2086 # names without blanks
		if is_one_of "$hold_package" $hold_ours || select_package "$hold_package" install hold; then
			hold_now="$hold_now $hold_package"
		fi
	done
	if [ -n "$hold_now" ]; then
		# shellcheck disable=SC2086 # names without blanks
		printf '%s\n' $hold_now | replace "$STATE/held" 0644
	else
		rm -f "$STATE/held"
	fi
}

# select_package NAME FROM TO: what dpkg is to do with it; fails where that was not FROM.
select_package() {
	# shellcheck disable=SC2016 # the variable is dpkg's
	[ "$(dpkg-query -W -f '${db:Status-Want}' "$1" 2>/dev/null)" = "$2" ] || return 1
	if ! printf '%s %s\n' "$1" "$3" | dpkg --set-selections >>"$STATE/log" 2>&1; then
		# Locked; it waits with an empty list.
		dpkg_now --audit >/dev/null || true
		printf '%s %s\n' "$1" "$3" | dpkg --set-selections >>"$STATE/log" 2>&1 || return 1
	fi
}

# ---- removal --------------------------------------------------------------------------------------------

# remove_kernel RELEASE: never the running one, never the default, never one that is not ours.
remove_kernel() {
	[ "$1" != "$running" ] || die "refused to remove $1: it is running"
	record_read "$1" || die "refused to remove $1: it was not installed by $PROGRAM"
	remove_entry=$(entry_of "$1")
	[ -z "$remove_entry" ] || [ "$remove_entry" != "$(env_get saved_entry)" ] || die "refused to remove $1: it is the default"
	if [ -n "$record_package" ]; then
		run_dpkg --purge "$record_package" || die "dpkg could not remove $record_package: $(log_tail)"
	fi
	remove_headers "$1"
	rm -rf "/lib/modules/${1:?}"
	rm -f "$BOOT/initrd.img-$1" "$STATE/kernels/$1"
}

# prunable KEEP: uid_mem kernels beyond the newest KEEP; never the running one, the default, the previous one.
prunable() {
	prunable_left=$1
	for prunable_release in $(records_newest_first); do
		if [ "$prunable_left" -gt 0 ]; then
			prunable_left=$((prunable_left - 1))
			continue
		fi
		case $prunable_release in
		"$running" | "$state_default_release" | "$state_previous_release" | "$opt_release") continue ;;
		esac
		printf '%s\n' "$prunable_release"
	done
}

prune() {
	pruned=''
	for prune_release in $(prunable "$1"); do
		remove_kernel "$prune_release"
		pruned="$pruned $prune_release"
	done
	if [ -n "$pruned" ]; then make_menu "$running"; fi
	say "pruned=${pruned# }"
}

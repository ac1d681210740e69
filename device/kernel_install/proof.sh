# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

kernel_log_tail() {
	dmesg 2>/dev/null | tail -n "$1"
}

# What a kernel left that crashed or was not reached.
remains() {
	if [ -s "$STATE/trial.log" ]; then sed 's/^/trial_log: /' "$STATE/trial.log"; fi
	for evidence_file in /sys/fs/pstore/dmesg-* /var/lib/systemd/pstore/*/dmesg.txt; do
		[ -e "$evidence_file" ] || continue
		tail -n 25 "$evidence_file" | sed 's/^/pstore: /'
	done
}

# Why did the proof fail?
evidence() {
	say "uname=$(uname -r)"
	say "cmdline=$(cat /proc/cmdline)"
	if [ "$running" = "$opt_release" ]; then kernel_log_tail 15 | sed 's/^/dmesg: /'; fi
}

refuse_proof() {
	say "error=$1"
	evidence
	exit "$2"
}

# ---- what the device was before, and is now -----------------------------------------------------------

default_routes() {
	ip -4 route show default 2>/dev/null
	if [ -z "$(ip -4 route show default 2>/dev/null)" ]; then ip -6 route show default 2>/dev/null; fi
}

# The ways out, and the address that is used on each. The name of an interface may change with the kernel.
observe_network() {
	default_routes | sed -n 's/^default via \([^ ]*\) dev \([^ ]*\).*/\1 \2/p' | sort -u | while read -r observe_gateway observe_device; do
		printf 'gateway=%s\n' "$observe_gateway"
		case $observe_gateway in
		*:*) ;;
		*) ip -4 -o address show dev "$observe_device" scope global 2>/dev/null | sed -n 's/.* inet \([^ /]*\).*/address=\1/p' ;;
		esac
	done
}

observe_failed_units() {
	[ -d /run/systemd/system ] || return 0
	systemctl --failed --no-legend --plain 2>/dev/null | awk '{ print "failed_unit=" $1 }'
}

# Modules that drive a device.
observe_modules() {
	drivers_in_use | sed -n 's/^module /module=/p'
}

observe() {
	observe_network
	observe_failed_units
	observe_modules
}

# drivers_in_use: "module NAME" or "builtin NAME" for each driver that a device is bound to. Without a process for each.
drivers_in_use() {
	(
		for driver in /sys/bus/*/drivers/*/; do
			for driver_device in "$driver"*; do
				if [ -L "$driver_device" ] && [ -e "$driver_device/driver" ]; then
					# shellcheck disable=SC2015 # both fail only where there is no module
					if cd -P "$driver/module" 2>/dev/null; then
						# A built-in module has a directory for its parameters, but is not loaded.
						if [ -e initstate ]; then printf 'module %s\n' "${PWD##*/}"; else printf 'builtin %s\n' "${PWD##*/}"; fi
					else
						driver=${driver%/}
						printf 'builtin %s\n' "${driver##*/}"
					fi
					break
				fi
			done
		done
	) | sort -u
}

before() {
	[ -e "$STATE/before" ] || return 0
	sed -n "s/^$1=//p" "$STATE/before"
}

# ---- the proof ----------------------------------------------------------------------------------------

# The module is tried with a limit on an unused UID.
prove_uid_mem() {
	prove_loaded=''
	if [ ! -e "$LIMITS" ]; then
		prove_message=$(modprobe uid_mem 2>&1) || refuse_proof "$opt_release runs, but its module does not load: $prove_message" 4
		prove_loaded=yes
	fi
	[ -e "$FEATURES" ] || refuse_proof "$opt_release runs and its module is loaded, but there is no /proc/uid_mem" 4
	prove_features=$(cat "$FEATURES")
	[ "$(module_engine)" = hooks ] ||
		refuse_proof "$opt_release runs, but without the kernel patch: /proc/uid_mem/features says '$prove_features', not engine=hooks" 4
	try_limit || refuse_proof "$opt_release runs, but $try_limit_problem" 4
	# Loaded for the proof only: the role uid_mem loads it with its parameters.
	if [ -n "$prove_loaded" ]; then modprobe -r uid_mem 2>/dev/null || true; fi
	say "features=$prove_features"
}

is_starting() {
	[ -d /run/systemd/system ] || return 1
	case $(systemctl is-system-running 2>/dev/null) in
	initializing | starting) return 0 ;;
	*) return 1 ;;
	esac
}

# What is not as it was before; nothing where all is well.
device_problems() {
	now=$(observe_network)
	for gateway in $(before gateway); do
		printf '%s\n' "$now" | grep -qxF "gateway=$gateway" || printf '%s' "there is no default route by $gateway, as there was; "
	done
	for address in $(before address); do
		printf '%s\n' "$now" | grep -qxF "address=$address" || printf '%s' "the device has not got its address $address; "
	done
	[ "$opt_expect" = uid_mem ] || return 0
	units=''
	for unit in $(observe_failed_units); do
		grep -qxF "$unit" "$STATE/before" 2>/dev/null || units="$units ${unit#failed_unit=}"
	done
	[ -z "$units" ] || printf '%s' "units failed that had not:$units; "
	missing=''
	for module in $(before module); do
		# shellcheck disable=SC2086 # names without blanks
		if [ -e "/sys/module/$module" ] || has_module_builtin "$module" || is_one_of "$module" $opt_allow_missing ||
			is_one_of all $opt_allow_missing; then
			continue
		fi
		missing="$missing $module"
	done
	[ -z "$missing" ] ||
		printf '%s' "drivers that were in use are not loaded:$missing (kernel_install_allow_missing names those that may be missing); "
	health_problem
}

has_module_builtin() {
	builtin_name=$(printf '%s' "$1" | sed 's/[-_]/[-_]/g')
	grep -qs "/$builtin_name\.ko" "/lib/modules/$running/modules.builtin"
}

health_problem() {
	[ -n "$opt_health_check" ] || return 0
	health_status=0
	health_output=$(timeout -k 5 "$opt_health_seconds" sh -c "$opt_health_check" 2>&1 </dev/null) || health_status=$?
	case $health_status in
	0) return 0 ;;
	124 | 137) printf '%s' "the health check '$opt_health_check' took longer than $opt_health_seconds seconds" ;;
	*) printf '%s' "the health check '$opt_health_check' ended with status $health_status" ;;
	esac
	printf '%s' ": $(printf '%s' "$health_output" | tail -n 5 | tr '\n' '/'); "
}

# Services may take a while: what is wrong is looked at again until settle_seconds after the system was up, and not longer
# than the trial lasts.
prove_device() {
	read_uptime
	prove_last=$((opt_trial_seconds - 15))
	if ! grep -q "$TRIAL_FLAG=1" /proc/cmdline; then prove_last=$((uptime + opt_settle_seconds)); fi
	while is_starting; do
		read_uptime
		[ "$uptime" -lt "$prove_last" ] || break
		sleep 1
	done
	read_uptime
	prove_until=$((uptime + opt_settle_seconds))
	if [ "$prove_until" -gt "$prove_last" ]; then prove_until=$prove_last; fi
	while :; do
		prove_problems=$(device_problems)
		if [ -z "$prove_problems" ]; then return 0; fi
		read_uptime
		[ "$uptime" -lt "$prove_until" ] || break
		sleep 2
	done
	refuse_proof "$opt_release runs, but ${prove_problems%; }" 4
}

cmd_prove() {
	need release
	need_root
	take_lock
	if [ "$boot_id" = "$opt_not_boot" ]; then
		say "error=the device has not rebooted"
		exit 8
	fi
	[ "$running" = "$opt_release" ] || refuse_proof "the device runs $running instead of $opt_release: it crashed or could not be reached, its console says why" 3
	if [ "$opt_expect" = uid_mem ]; then prove_uid_mem; fi
	prove_device
	commit
	# What was committed stays committed; an old kernel too many is no reason to go back.
	prove_pruned=$(prune "$opt_keep") || prove_pruned="prune_failed=${prove_pruned#error=}"
	say "$prove_pruned"
	say "committed=$opt_release"
	say "default_release=$state_default_release"
	say "previous_release=$state_previous_release"
	say "changed=yes"
}

# By the unit, with what was asked for when the trial was staged.
cmd_prove_staged() {
	need_root
	read_options
	opt_owner="the device itself, which proves the kernel that was staged"
	cmd_prove
}

commit() {
	start_log
	commit_entry=$(entry_of "$opt_release")
	[ -n "$commit_entry" ] || die "GRUB has no menu entry for $opt_release: run update-grub"
	if [ "$state_default_release" != "$opt_release" ]; then
		state_previous_release=$state_default_release
		state_default_release=$opt_release
	fi
	default_is_saved || pin_running_kernel
	default_is_saved || make_menu "$running"
	# This one rename is the commit.
	env_change set "saved_entry=$commit_entry"
	restore_panic_settings
	watchdog_off
	disarm_trial
	if [ "$opt_expect" = uid_mem ]; then state_status=committed; else state_status=rolled_back; fi
	state_trial_release='' state_trial_key='' state_trial_boot_id='' state_trial_staged='' state_waiting_release=''
	state_write
	forget_failure "$opt_release"
	remember_rollout "$state_status" "$opt_release"
	# A lock of dpkg's that is held for long is no reason to go back either.
	(hold_only "$state_previous_release") || true
	rm -f "$STATE/trial.log"
	sync
	release_lock
	# A proof that the unit runs itself ends it by ending.
	# shellcheck disable=SC2153
	if [ "$command" != prove-staged ] && [ -d /run/systemd/system ]; then systemctl stop "$UNIT" 2>/dev/null || true; fi
}

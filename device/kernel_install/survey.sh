# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# What the device is, runs and has: one value a line. It changes nothing, and runs on any device with sh.
cmd_survey() {
	running=$(uname -r)
	state_read
	read_boot_id
	survey
	problems=''
	check_device
	if [ -z "$problems" ]; then say can_install=yes; else say can_install=no; fi
	say "cannot_install_because=${problems%; }"
}

survey() {
	read_uptime
	say "running=$running"
	say "arch=$(uname -m)"
	say "uptime_seconds=$uptime"
	say "now_epoch=$(date +%s)"
	survey_system
	survey_config
	survey_engine
	print_state
	survey_kernels
	survey_lock
	say_in_use
}

os_release() {
	[ -r /etc/os-release ] || return 0
	sed -n "s/^$1=//p" /etc/os-release | tr -d '"'
}

survey_system() {
	if [ "$android" = yes ]; then
		say os_id=android
		say "os_version=$(getprop ro.build.version.release 2>/dev/null || true)"
		say suite=
		return 0
	fi
	say "os_id=$(os_release ID)"
	say "os_version=$(os_release VERSION_ID)"
	say "suite=$(os_release VERSION_CODENAME)"
}

survey_config() {
	config_path='' config_sum=''
	for config_file in "$BOOT/config-$running" "/lib/modules/$running/config" /proc/config.gz; do
		[ -r "$config_file" ] || continue
		config_path=$config_file
		case $config_file in
		*.gz) config_sum=$(gzip -dc <"$config_file" | sha256sum) ;;
		*) config_sum=$(sha256sum <"$config_file") ;;
		esac
		break
	done
	say "config_path=$config_path"
	say "config_sum=${config_sum%% *}"
}

survey_engine() {
	survey_engine=$(module_engine)
	say "engine=${survey_engine:-none}"
	if kernel_is_patched "$running"; then say patched=yes; else say patched=no; fi
}

survey_kernels() {
	survey_kernels=''
	for survey_release in $(records_newest_first); do
		record_read "$survey_release"
		survey_kernels="$survey_kernels $survey_release:$record_key:$(image_sum_now "$survey_release"):$(file_sum "$(module_path "$survey_release")")"
	done
	say "kernels=${survey_kernels# }"
	if [ -r "$GRUB/grub.cfg" ] && is_settled; then say settled=yes; else say settled=no; fi
	say "saved_entry=$(env_get saved_entry)"
	say "next_entry=$(env_get next_entry)"
	say "original_grub_default=$state_original_grub_default"
	say "failed=$(failed_releases | tr '\n' ' ' | sed 's/ $//')"
	survey_newest=''
	for survey_release in $(installed_kernels); do
		if [ -e "$STATE/kernels/$survey_release" ]; then continue; fi
		survey_newest=$survey_release
		break
	done
	if [ ! -e "$STATE/kernels/$running" ] && [ "$(printf '%s\n%s\n' "$running" "$survey_newest" | sort -V | tail -n 1)" = "$running" ]; then
		survey_newest=''
	fi
	say "newest_distribution_release=$survey_newest"
	if trial_fell_back; then
		say "last_rollout=$(($(date +%s) - uptime)) failed $state_trial_release"
	else
		say "last_rollout=$(cat "$HISTORY/last" 2>/dev/null || true)"
	fi
}

survey_lock() {
	lock_read
	say "lock_owner=$lock_owner"
	if [ -n "$lock_owner" ]; then say "lock_age_seconds=$lock_age"; else say lock_age_seconds=; fi
}

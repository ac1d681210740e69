# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

STATE_NAMES='status default_release previous_release trial_release trial_key trial_boot_id trial_staged waiting_release
	original_grub_default original_saved_entry'

state_read() {
	for state_name in $STATE_NAMES; do eval "state_$state_name=''"; done
	state_status=none
	[ -e "$STATE/state" ] || return 0
	# shellcheck disable=SC2034 # state_value is used by eval
	while IFS='=' read -r state_key state_value; do
		# A name this version does not know is one of another version.
		# shellcheck disable=SC2086 # names without blanks
		if is_one_of "$state_key" $STATE_NAMES; then eval "state_$state_key=\$state_value"; fi
	done <"$STATE/state"
}

state_write() {
	for state_name in $STATE_NAMES; do
		eval "printf '%s=%s\n' \"\$state_name\" \"\$state_$state_name\""
	done | replace "$STATE/state" 0644
}

read_boot_id() {
	read -r boot_id </proc/sys/kernel/random/boot_id
}

read_uptime() {
	IFS=' .' read -r uptime _ </proc/uptime
}

start_log() {
	mkdir -p "$STATE/kernels"
	: >"$STATE/log"
}

log_tail() {
	tail -n 5 "$STATE/log" | tr '\n' ' '
}

# trial_is_armed: the next boot is the trial.
trial_is_armed() {
	[ -n "$state_trial_release" ] && [ "$state_trial_boot_id" = "$boot_id" ] && [ "$(env_get next_entry)" = "$TRIAL_ID" ]
}

# trial_fell_back: a trial without a controller was booted, and this is not it.
trial_fell_back() {
	[ -n "$state_trial_release" ] && [ "$state_trial_staged" = yes ] && [ "$state_trial_boot_id" != "$boot_id" ] &&
		[ "$running" != "$state_trial_release" ]
}

# ---- a record for each kernel this program brought ---------------------------------------------------

# number: order of installation; image_sum: of the artifact; disk_sum: of the image that the package left.
record_read() {
	record_key='' record_image_sum='' record_disk_sum='' record_package='' record_number=0
	[ -e "$STATE/kernels/$1" ] || return 1
	while IFS='=' read -r record_name record_value; do
		case $record_name in
		key) record_key=$record_value ;;
		image_sum) record_image_sum=$record_value ;;
		disk_sum) record_disk_sum=$record_value ;;
		package) record_package=$record_value ;;
		number) record_number=$record_value ;;
		esac
	done <"$STATE/kernels/$1"
}

# record_write IMAGE_SUM: a kernel that is installed anew is the newest.
record_write() {
	write_number=1
	for write_other in "$STATE"/kernels/*; do
		[ -e "$write_other" ] || continue
		record_read "${write_other##*/}"
		if [ "$record_number" -ge "$write_number" ]; then write_number=$((record_number + 1)); fi
	done
	replace "$STATE/kernels/$opt_release" 0644 <<-RECORD
		key=$opt_key
		package=$package
		image_sum=$1
		disk_sum=$(file_sum "$BOOT/vmlinuz-$opt_release")
		number=$write_number
	RECORD
}

# By order of installation: a clock may be wrong. Records without a number are of an older version.
records_newest_first() {
	[ -d "$STATE/kernels" ] || return 0
	for records_file in "$STATE"/kernels/*; do
		[ -e "$records_file" ] || continue
		case $records_file in *.uid_mem-new) continue ;; esac
		record_read "${records_file##*/}"
		printf '%s %s\n' "$record_number" "${records_file##*/}"
	done | sort -k 1,1nr -k 2,2Vr | cut -d ' ' -f 2
}

# kernel_on_disk RELEASE: the checksum of its image, as that of the artifact where nobody has touched it.
image_sum_now() {
	image_disk_sum=$(file_sum "$BOOT/vmlinuz-$1")
	if [ -n "$record_disk_sum" ] && [ "$image_disk_sum" = "$record_disk_sum" ]; then
		printf '%s' "$record_image_sum"
	else
		printf '%s' "$image_disk_sum"
	fi
}

is_installed() {
	record_read "$1" && [ "$record_image_sum" = "$opt_image_sum" ] && [ -e "$BOOT/vmlinuz-$1" ] && [ -e "/lib/modules/$1/modules.dep" ]
}

module_path() {
	printf '%s' "/lib/modules/$1/updates/uid_mem.ko"
}

module_is_installed() {
	[ -z "$opt_module_sum" ] || [ "$(file_sum "$(module_path "$1")")" = "$opt_module_sum" ]
}

# has_module RELEASE NAME: whether that kernel has the module, built in or loadable.
has_module() {
	has_name=$(printf '%s' "$2" | sed 's/[-_]/[-_]/g')
	grep -qsE "/$has_name\.ko(\.[a-z]+)?(:|$)" "/lib/modules/$1/modules.builtin" "/lib/modules/$1/modules.dep"
}

# ---- what failed ----------------------------------------------------------------------------------

# Lines "RELEASE KEY IMAGE_SUM EPOCH CAUSE".
remember_failure() {
	mkdir -p "$HISTORY"
	{
		if [ -e "$HISTORY/failed" ]; then grep -v "^$1 " "$HISTORY/failed" || true; fi
		printf '%s %s %s %s %s\n' "$1" "${2:--}" "${3:--}" "$(date +%s)" "${4:-unknown}"
	} | tail -n 20 | replace "$HISTORY/failed" 0644
}

forget_failure() {
	grep -qs "^$1 " "$HISTORY/failed" || return 0
	{ grep -v "^$1 " "$HISTORY/failed" || true; } | replace "$HISTORY/failed" 0644
}

# failure_of RELEASE KEY IMAGE_SUM: when and why these artifacts failed; nothing where they did not.
failure_of() {
	if trial_fell_back && [ "$state_trial_release" = "$1" ] && [ "$state_trial_key" = "$2" ]; then
		printf '%s' "its trial boot, which was staged, ended on the kernel it was to replace"
		return 0
	fi
	[ -e "$HISTORY/failed" ] || return 0
	while read -r failure_release failure_key failure_sum failure_epoch failure_cause; do
		if [ "$failure_release $failure_key" = "$1 $2" ] && is_one_of "$failure_sum" - "$3"; then
			printf '%s' "at $(date -u -d "@$failure_epoch" '+%F %T UTC' 2>/dev/null || printf '%s' "$failure_epoch"): $failure_cause"
		fi
	done <"$HISTORY/failed"
}

failed_releases() {
	{
		if [ -e "$HISTORY/failed" ]; then cut -d ' ' -f 1,2 "$HISTORY/failed" | tr ' ' ':'; fi
		if trial_fell_back; then printf '%s\n' "$state_trial_release:$state_trial_key"; fi
	} | sort -u
}

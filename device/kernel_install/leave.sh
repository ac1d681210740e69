# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# What the device is, when no trial is under way.
settle_status() {
	state_default_release=$running
	state_trial_release='' state_trial_key='' state_trial_boot_id='' state_trial_staged=''
	if record_read "$running"; then
		state_status=committed
	elif [ -n "$(records_newest_first)" ]; then
		state_status=rolled_back
	else
		state_status=none
	fi
	state_write
}

# Both run on the kernel that is the default. 6 tells the caller to reboot into it first.
leave_trial() {
	need release
	need_root
	take_lock
	if [ "$running" = "$opt_release" ]; then
		say "error=$opt_release is still running"
		exit 6
	fi
	start_log
	# Before it was booted nothing was tried.
	leave_tried=no
	if [ "$state_trial_release" = "$opt_release" ] && [ "$state_trial_boot_id" != "$boot_id" ]; then leave_tried=yes; fi
	disarm_trial
	remains
	rm -f "$STATE/trial.log"
}

cmd_disarm() {
	leave_trial
	settle_status
	remember_rollout failed "$opt_release"
	release_lock
	say "running=$running"
	say "changed=yes"
}

# The kernel that failed goes, so that nobody meets it as the newest in the menu.
cmd_abandon() {
	leave_trial
	if record_read "$opt_release"; then
		if [ "$leave_tried" = yes ]; then
			remember_failure "$opt_release" "$record_key" "$record_image_sum" "$(printf '%s' "$opt_cause" | cut -c 1-400)"
		fi
		remove_kernel "$opt_release"
	fi
	remember_rollout failed "$opt_release"
	settle_status
	(hold_only "$state_previous_release") || true
	unpin_if_last
	release_lock
	say "abandoned=$opt_release"
	say "running=$running"
	say "changed=yes"
}

# Without a uid_mem kernel there is nothing to pin: GRUB gets its former default back.
unpin_if_last() {
	if [ -n "$(records_newest_first)" ]; then
		make_menu "$running"
		return 0
	fi
	if [ -n "$state_original_grub_default" ]; then
		rm -f "$DEFAULTS_DROPIN" "$MENU_SCRIPT"
		make_menu "$running"
		if [ -n "$state_original_saved_entry" ]; then
			env_change set "saved_entry=$state_original_saved_entry"
		else
			env_change unset saved_entry
		fi
	fi
	(hold_only) || true
	rm -rf "$STATE"
}

cmd_uninstall() {
	need_root
	take_lock
	if record_read "$running"; then
		die "$running is a uid_mem kernel and is running: roll back to another one first (kernel_install_rollback_to)"
	fi
	if [ ! -d "$STATE" ] && [ ! -e "$HISTORY/failed" ]; then
		release_lock
		say "changed=no"
		return 0
	fi
	rm -f "$HISTORY/failed"
	if [ -d "$STATE" ]; then
		start_log
		disarm_trial
		uninstall_entry=$(entry_of "$running")
		[ -n "$uninstall_entry" ] || die "GRUB has no menu entry for the running kernel $running: run update-grub"
		env_change set "saved_entry=$uninstall_entry"
		for uninstall_release in $(records_newest_first); do
			remove_kernel "$uninstall_release"
		done
		unpin_if_last
	fi
	release_lock
	say "changed=yes"
}

cmd_prune() {
	need_root
	take_lock
	start_log
	prune "$opt_keep"
}

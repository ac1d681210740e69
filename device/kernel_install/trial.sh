# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# The trial has these safety nets: GRUB forgets the one-shot entry as it boots it, a panic reboots and many kinds of hangs
# are made one, a hardware watchdog runs where there is one, and the unit below reboots a device that is up but not proved.
# All are in place before the one-shot is armed.

PANIC_SETTINGS='panic panic_on_oops softlockup_panic hung_task_panic hung_task_timeout_secs watchdog_thresh'

panic_options() {
	# A lockup is one of a minute, a hung task one of four: a slow device with a slow disk has shorter ones.
	printf '%s' "panic=$opt_panic_seconds oops=panic softlockup_panic=1 hung_task_panic=1 sysctl.kernel.watchdog_thresh=30" \
		" sysctl.kernel.hung_task_timeout_secs=240 rd.shell=0 rd.emergency=reboot systemd.crash_reboot=yes"
}

# The settings are on the command line of the trial only, so what the kernel would have had is not known to it.
keep_panic_settings() {
	for setting in $PANIC_SETTINGS; do
		if [ -r "/proc/sys/kernel/$setting" ]; then printf '%s=%s\n' "$setting" "$(cat "/proc/sys/kernel/$setting")"; fi
	done
}

restore_panic_settings() {
	[ -e "$STATE/settings" ] && grep -q "$TRIAL_FLAG=1" /proc/cmdline || return 0
	# What the former kernel did not have gets the kernel's own default.
	{
		printf '%s\n' softlockup_panic=0 hung_task_panic=0 hung_task_timeout_secs=120 watchdog_thresh=10
		cat "$STATE/settings"
	} | while IFS='=' read -r setting setting_value; do
		if [ -w "/proc/sys/kernel/$setting" ]; then
			{ printf '%s\n' "$setting_value" | cat >"/proc/sys/kernel/$setting"; } 2>/dev/null || true
		fi
	done
}

arm_trial() {
	arm_entry=$(entry_of "$opt_release")
	[ -n "$arm_entry" ] || die "GRUB has no menu entry for $opt_release: run update-grub"
	if ! default_is_saved; then make_menu "$running" "$opt_release"; fi
	hold_only "$running"
	own_text | replace "$STATE/$PROGRAM" 0755
	keep_panic_settings | replace "$STATE/settings" 0644
	observe | replace "$STATE/before" 0644
	keep_options | replace "$STATE/trial" 0600
	if [ -d /run/systemd/system ]; then keep_trial_unit; fi
	trial_entry_of "$arm_entry" "$GRUB/grub.cfg" "$(panic_options)$(watchdog_options) $TRIAL_FLAG=1" >"$STATE/menu"
	[ -s "$STATE/menu" ] || die "could not read the menu entry $arm_entry from $GRUB/grub.cfg"
	# The watchdog is the first thing in the entry.
	watchdog_of_menu "$opt_release" >"$STATE/menu.watchdog"
	sed "1r $STATE/menu.watchdog" "$STATE/menu" | replace "$TRIAL_MENU" 0644
	rm -f "$STATE/menu" "$STATE/menu.watchdog" "$STATE/trial.log"
	read_boot_id
	state_status=trial
	state_trial_release=$opt_release
	state_trial_key=$opt_key
	if record_read "$opt_release"; then state_trial_key=$record_key; fi
	state_trial_staged=no
	if [ "$opt_reboot" = staged ]; then state_trial_staged=yes; fi
	state_waiting_release=''
	state_default_release=$running
	state_trial_boot_id=$boot_id
	state_write
	settle
	# The very last step: from here on the next boot is the trial.
	env_change set "next_entry=$TRIAL_ID"
	say "armed=$opt_release"
	say "boot_id=$boot_id"
	if [ "$opt_reboot" = staged ]; then
		remember_rollout staged "$opt_release"
		release_lock
	fi
}

keep_trial_unit() {
	replace "$UNITS/$UNIT" 0644 <<-TRIAL
		# Written by the role devfleet.uid_mem.kernel_install, for one trial boot.
		[Unit]
		Description=Reboot into the default kernel unless this trial boot is proved
		ConditionKernelCommandLine=$TRIAL_FLAG
		DefaultDependencies=no
		IgnoreOnIsolate=yes
		After=systemd-remount-fs.service

		[Service]
		ExecStart=/bin/sh $STATE/$PROGRAM watch

		[Install]
		WantedBy=sysinit.target
	TRIAL
	mkdir -p "$UNITS/sysinit.target.wants"
	ln -sf "../$UNIT" "$UNITS/sysinit.target.wants/$UNIT"
}

cmd_trial() {
	need release
	need_root
	take_lock
	[ "$running" != "$opt_release" ] || die "$opt_release is already running"
	[ -e "$BOOT/vmlinuz-$opt_release" ] || refuse_gone "$opt_release"
	menu_is_generated || die "$GRUB/grub.cfg was not made by grub-mkconfig: a kernel cannot be booted once from it"
	start_log
	pin_running_kernel
	arm_trial
}

# What there is, newest first, without the one that runs.
installed_kernels() {
	for installed_image in "$BOOT"/vmlinuz-*; do
		installed_release=${installed_image##*/vmlinuz-}
		if [ -e "$installed_image" ] && [ "$installed_release" != "$running" ]; then printf '%s\n' "$installed_release"; fi
	done | sort -Vr
}

refuse_gone() {
	gone_there=$(installed_kernels)
	if [ -z "$gone_there" ]; then
		die "$1 is not installed any more, and no other kernel is but the running $running: install one (apt-get install" \
			"linux-image-$(dpkg --print-architecture)), then roll back to it with kernel_install_rollback_to"
	fi
	die "$1 is not installed any more; there are: $(printf '%s' "$gone_there" | tr '\n' ' '). Set kernel_install_rollback_to to" \
		"one of them, the newest: $(printf '%s\n' "$gone_there" | head -n 1)"
}

disarm_trial() {
	rm -f "$UNITS/sysinit.target.wants/$UNIT" "$UNITS/$UNIT" "$TRIAL_MENU" "$STATE/trial" "$STATE/before" "$STATE/settings"
	if [ -n "$(env_get next_entry)" ]; then env_change unset next_entry; fi
}

cmd_reboot() {
	need_root
	take_lock
	sync
	# Leaves the caller time to read the answer. A shutdown that hangs is cut short.
	(
		trap '' HUP
		sleep 1
		systemctl reboot || reboot
		sleep 90
		sync
		reboot -f
	) </dev/null >/dev/null 2>&1 &
	say "boot_id=$boot_id"
}

# ---- the boot itself --------------------------------------------------------------------------------

# Options of the proof, for a device that proves its kernel by itself.
keep_options() {
	for keep_name in release key image_sum reboot expect keep trial_seconds settle_seconds health_check health_seconds allow_missing \
		lock_timeout; do
		eval "printf '%s=%s\n' \"\$keep_name\" \"\$opt_$keep_name\""
	done
}

read_options() {
	# shellcheck disable=SC2034 # keep_value is used by eval
	while IFS='=' read -r keep_name keep_value; do
		eval "opt_$keep_name=\$keep_value"
	done <"$STATE/trial"
}

# What the unit runs. A kernel that was staged proves itself, the others are proved by the controller; in time, or the
# device reboots.
cmd_watch() {
	need_root
	[ -e "$STATE/trial" ] || exit 0
	read_options
	watch_cause="no proof within $opt_trial_seconds seconds after boot"
	if [ "$opt_reboot" = staged ] && [ "$running" = "$opt_release" ]; then
		# One that hangs must not keep this from its end.
		sh "$STATE/$PROGRAM" prove-staged >"$STATE/trial.log" 2>&1 &
		watch_proof=$!
	else
		watch_proof=''
	fi
	while :; do
		read_uptime
		# What is committed stays, and may be removing old kernels.
		[ "$uptime" -lt "$opt_trial_seconds" ] || [ ! -e "$STATE/trial" ] || break
		if [ -z "$watch_proof" ] && [ ! -e "$STATE/trial" ]; then exit 0; fi
		if [ -n "$watch_proof" ] && [ ! -e "/proc/$watch_proof/exe" ]; then
			if wait "$watch_proof"; then exit 0; fi
			watch_cause=$(sed -n 's/^error=//p' "$STATE/trial.log" | head -n 1)
			break
		fi
		sleep 1
	done
	# Committed all the same.
	[ -e "$STATE/trial" ] || exit 0
	if [ "$opt_reboot" = staged ]; then
		state_read
		remember_failure "$opt_release" "$opt_key" "$opt_image_sum" "$watch_cause"
		remember_rollout failed "$opt_release"
	fi
	{
		say "$watch_cause of $running"
		systemctl --failed --no-legend --plain 2>/dev/null
		systemctl list-jobs --no-legend 2>/dev/null | head -n 10
		ip -brief address 2>/dev/null
		kernel_log_tail 15
	} >>"$STATE/trial.log" 2>&1 || true
	sync
	reboot -f || echo b >/proc/sysrq-trigger
}

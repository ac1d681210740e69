# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# What keeps any kernel from being installed here. It changes nothing, and needs no more than it finds.
check_device() {
	if [ "$android" = yes ]; then
		problem "this is an Android device, whose kernel is a part of its boot image"
		return 0
	fi
	is_root || problem "not root: set 'become: true' for this host"
	if ! command -v dpkg >/dev/null; then
		problem "this device has no dpkg: only Debian and its derivatives can be provisioned"
	fi
	check_grub
}

check_grub() {
	for check_grub_tool in grub-mkconfig grub-editenv grub-probe; do
		if ! command -v "$check_grub_tool" >/dev/null; then
			problem "this device has no $check_grub_tool: only GRUB 2 can boot a kernel once; install it" \
				"(Debian: grub-pc or grub-efi-$(dpkg --print-architecture 2>/dev/null || uname -m)) or install the kernel by hand"
			return 0
		fi
	done
	if [ ! -e "$GRUB/grub.cfg" ]; then
		problem "there is no $GRUB/grub.cfg: GRUB is not this device's boot loader, or /boot is not mounted; mount it, or run update-grub"
		return 0
	fi
	if [ ! -r "$GRUB/grub.cfg" ]; then
		problem "$GRUB/grub.cfg cannot be read"
		return 0
	fi
	if ! menu_is_generated; then
		problem "$GRUB/grub.cfg was not made by grub-mkconfig (RAUC, Mender and appliances bring their own, and so may a hand)." \
			"To boot a kernel once it would have to be replaced, and what it does would be lost, so this device is left as it is:" \
			"update its kernel the way its maker does; uid_mem works on the kernel it has (provision_engine: scan)"
		return 0
	fi
	if [ -z "$(entry_of "$running")" ]; then
		problem "GRUB has no menu entry for the running kernel $running, so nothing could be fallen back to:" \
			"run update-grub and see that /boot/vmlinuz-$running is there"
	fi
	check_environment_block
	[ -w "$GRUB" ] || problem "$GRUB is not writable: remount /boot read-write"
	for check_grub_var in /sys/firmware/efi/efivars/SecureBoot-*; do
		[ -e "$check_grub_var" ] || continue
		if [ "$(od -An -tu1 -j4 -N1 "$check_grub_var" | tr -d ' ')" = 1 ]; then
			problem "Secure Boot is on and the kernel is not signed: turn it off in the firmware"
		fi
	done
}

check_environment_block() {
	if ! check_grub_fs=$(grub-probe --target=fs "$GRUB" 2>&1); then
		problem "grub-probe does not know the file system of $GRUB ($check_grub_fs)"
		return 0
	fi
	check_grub_abstraction=$(grub-probe --target=abstraction "$GRUB" 2>/dev/null || true)
	case " $check_grub_fs $check_grub_abstraction " in
	*" btrfs "* | *" zfs "* | *" lvm "* | *" diskfilter "* | *" cryptodisk "* | *" squash4 "* | *" f2fs "*)
		problem "GRUB cannot write its environment block on $check_grub_fs ${check_grub_abstraction:-disk}" \
			"and would boot the new kernel over and over: put /boot on a plain ext4 partition"
		;;
	esac
}

# What is there to do?
#   none     it runs, it is the default, module and record are as they should be; or it waits for a reboot, as was asked for
#   prove    it runs, but is not the default yet
#   trial    it is installed, but does not run
#   install  it is not installed, or the module is another
plan() {
	if ! is_installed "$opt_release" || ! module_is_installed "$opt_release"; then
		say install
	elif [ "$running" != "$opt_release" ]; then
		if [ "$opt_reboot" = staged ] && [ "$state_trial_release" = "$opt_release" ] && trial_is_armed; then
			say none
		elif [ "$opt_reboot" = forbidden ]; then
			say none
		else
			say trial
		fi
	elif is_settled; then
		say none
	else
		say prove
	fi
}

# is_settled: the running kernel is the default that was committed, and GRUB agrees.
is_settled() {
	[ "$state_status" = committed ] && [ "$state_default_release" = "$running" ] &&
		default_is_saved 2>/dev/null && [ "$(env_get saved_entry)" = "$(entry_of "$running")" ]
}

check_failures() {
	[ "$opt_retry_failed" = no ] || return 0
	check_failure=$(failure_of "$opt_release" "$opt_key" "$opt_image_sum")
	[ -z "$check_failure" ] ||
		problem "this kernel failed its trial on this device before ($check_failure): build another one, or set" \
			"kernel_install_retry_failed to try it again"
}

cmd_preflight() {
	need release image_sum
	need_root
	survey
	check_lock
	problems='' prune_first=no
	action=$(plan)
	if [ -n "$opt_arch" ] && [ "$opt_arch" != "$(uname -m)" ]; then
		problem "the kernel is for $opt_arch, this device is $(uname -m): build one for it (kernel_build on such a machine)"
	fi
	case $action in
	install | trial)
		check_device
		check_failures
		;;
	esac
	if [ "$action" = install ] && ! is_installed "$opt_release"; then check_room; fi
	[ -z "$problems" ] || die "${problems%; }"
	say "action=$action"
	say "prune_first=$prune_first"
}

print_state() {
	say "boot_id=$boot_id"
	say "status=$state_status"
	say "default_release=$state_default_release"
	say "previous_release=$state_previous_release"
	say "trial_release=$state_trial_release"
	if reboot_is_required; then say reboot_required=yes; else say reboot_required=no; fi
}

# A kernel waits for a reboot: its trial is armed, or it was installed without one.
reboot_is_required() {
	if trial_is_armed; then return 0; fi
	[ -n "$state_waiting_release" ] && [ "$state_waiting_release" != "$running" ] && [ -e "$BOOT/vmlinuz-$state_waiting_release" ]
}

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# A hang is what nothing in software ends. The hardware watchdog of the device does, where there is one: systemd serves it
# during the trial (systemd.watchdog_sec=, since systemd 249), and where it can be started before the kernel, it is.

watchdog_identity() {
	cat /sys/class/watchdog/watchdog0/identity 2>/dev/null || true
}

# watchdog_options RELEASE: for the command line of the trial.
watchdog_options() {
	[ -e /sys/class/watchdog/watchdog0 ] || return 0
	printf ' systemd.watchdog_sec=60'
	# A BMC's is started by its driver, as soon as that is loaded.
	case $(watchdog_identity) in
	*IPMI*) printf ' ipmi_watchdog.start_now=1 ipmi_watchdog.action=reset ipmi_watchdog.timeout=%s' "$opt_trial_seconds" ;;
	esac
}

# watchdog_of_menu RELEASE: lines for the trial's menu entry that start the watchdog before the kernel.
#
# Intel's 6300ESB (QEMU's i6300esb) is a PCI device whose registers GRUB can write. Its two stages count down one after
# the other in units of 1/1024 s; the driver stops it when it is loaded, and systemd starts it again. So only a kernel
# that has the driver is booted with it. The longest time is 2046 s.
watchdog_of_menu() {
	esb=/sys/bus/pci/drivers/i6300ESB\ timer
	[ -d "$esb" ] || esb=/sys/bus/pci/drivers/i6300esb
	for esb_device in "$esb"/????:*; do
		[ -e "$esb_device" ] || return 0
		break
	done
	has_module "$1" i6300esb || return 0
	for esb_module in setpci memrw regexp; do
		esb_found=''
		for esb_file in "$GRUB"/*/"$esb_module.mod"; do
			if [ -e "$esb_file" ]; then esb_found=yes; fi
		done
		[ -n "$esb_found" ] || return 0
	done
	esb_seconds=$opt_trial_seconds
	if [ "$esb_seconds" -gt 2046 ]; then esb_seconds=2046; fi
	esb_stage=$(printf '%x' "$((esb_seconds * 512))")
	# Each write needs the two words that unlock the registers before it.
	cat <<-MENU
		insmod setpci
		insmod memrw
		insmod regexp
		setpci -d 8086:25ab 4.w=2:2
		setpci -d 8086:25ab -v esb_bar 10.l
		if regexp --set 1:esb '^(.*).\$' "\$esb_bar"; then
		  setpci -d 8086:25ab 68.b=0
		  setpci -d 8086:25ab 60.w=3
		  write_word 0x\${esb}c 0x80
		  write_word 0x\${esb}c 0x86
		  write_dword 0x\${esb}0 0x$esb_stage
		  write_word 0x\${esb}c 0x80
		  write_word 0x\${esb}c 0x86
		  write_dword 0x\${esb}4 0x$esb_stage
		  setpci -d 8086:25ab 68.b=2
		fi
	MENU
}

# After the proof nothing serves the watchdog any more but what did before.
watchdog_off() {
	grep -q 'systemd\.watchdog_sec=' /proc/cmdline || return 0
	busctl set-property org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager \
		RuntimeWatchdogUSec t 0 >/dev/null 2>&1 || true
}

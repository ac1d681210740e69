# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# ---- where root lives -------------------------------------------------------------------------------

# Does the new kernel find the root file system by itself? Only where everything that the running
# kernel uses to reach it is built in; any doubt means that it does not.
root_needs_initrd() {
	builtin=/lib/modules/$opt_release/modules.builtin
	[ -e "$builtin" ] || return 0
	root_source='' root_type=''
	while read -r mount_source mount_point mount_type _; do
		case $mount_point in
		/) root_source=$mount_source root_type=$mount_type ;;
		/usr) return 0 ;;
		esac
	done </proc/mounts
	[ "$root_source" != /dev/root ] || root_source=$(readlink -f /dev/root)
	case $root_source in
	/dev/mapper/* | /dev/dm-* | /dev/md* | '') return 0 ;;
	/dev/*) ;;
	*) return 0 ;;
	esac
	wanted=$root_type
	device=$(readlink -f "/sys/class/block/${root_source#/dev/}")
	case $device in
	/sys/devices/*) ;;
	*) return 0 ;;
	esac
	while [ "$device" != /sys/devices ]; do
		device=${device%/*}
		[ -e "$device/driver" ] || continue
		if [ -e "$device/driver/module" ]; then
			driver=$(readlink -f "$device/driver/module")
		else
			driver=$(readlink -f "$device/driver")
		fi
		case ${driver##*/} in
		# Parts of every PCI kernel, not modules.
		pcieport | pci) ;;
		*) wanted="$wanted ${driver##*/}" ;;
		esac
	done
	awk -v wanted="$wanted" '
		{ sub(".*/", ""); sub("[.]ko$", ""); gsub("-", "_"); builtin[$0] = 1 }
		END {
			n = split(wanted, names, " ")
			for (i = 1; i <= n; i++) {
				gsub("-", "_", names[i])
				if (!(names[i] in builtin)) exit 0
			}
			exit 1
		}' "$builtin"
}

# shellcheck shell=sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run on a device by sh -s: prints what a rollout may have left there, as NAME=VALUE.

echo "kernel=$(uname -r)"
echo "boot_id=$(cat /proc/sys/kernel/random/boot_id)"
# The limits are restored by a unit that may be under way.
tries=0
[ ! -s /etc/uid_mem/limits ] || tries=30
until grep -q '^10070 max=67108864 ' /proc/uid_mem/limits 2>/dev/null || [ "$tries" = 0 ]; do
    tries=$((tries - 1))
    sleep 1
done
echo "limit=$(sed -n 's/^10070 max=\([0-9]*\) .*/\1/p' /proc/uid_mem/limits 2>/dev/null)"
echo "engine=$(sed -n 's/.*engine=\([a-z]*\).*/\1/p' /proc/uid_mem/features 2>/dev/null)"
# The kernel that the next boot takes: a trial, or what GRUB has as its default.
echo "armed=$(sed -n 's/^next_entry=//p' /boot/grub/grubenv)"
echo "saved=$(sed -n 's/^saved_entry=//p' /boot/grub/grubenv)"
echo "uid_mem_kernels=$(find /boot -name 'vmlinuz-*-uidmem-*' | wc -l)"
echo "unfinished=$(dpkg --audit | grep -c .)"
# All that an installation writes to.
echo "written=$(find /boot /lib/modules /var/lib/dpkg/info /var/lib/dpkg/status /etc/default/grub.d /etc/grub.d /etc/systemd/system \
    /var/lib/uid_mem -printf '%p %s %T@\n' | sort | sha256sum | cut -c 1-12)"

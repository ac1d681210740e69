#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Prints what Ansible's ansible_local.uid_mem is. On a device it is /etc/ansible/facts.d/uid_mem.fact, which the role
# devfleet.uid_mem.uid_mem writes.
proc=${UID_MEM_PROC:-/proc/uid_mem}
limits=${UID_MEM_LIMITS:-/etc/uid_mem/limits}

# count FILE: lines that are a limit.
count() {
	grep -c '^[[:space:]]*[0-9]' "$1" 2>/dev/null || true
}

loaded=false engine='' version=''
if [ -e "$proc/features" ]; then
	loaded=true
	engine=$(sed -n 's/.*engine=\([a-z]*\).*/\1/p' "$proc/features")
	version=$(cat /sys/module/uid_mem/version 2>/dev/null)
fi
in_kernel=$(count "$proc/limits")
in_file=$(count "$limits")
printf '{"loaded": %s, "engine": "%s", "version": "%s", "kernel": "%s", "limits": %s, "limits_file": "%s", "limits_in_file": %s}\n' \
	"$loaded" "$engine" "$version" "$(uname -r)" "${in_kernel:-0}" "$limits" "${in_file:-0}"

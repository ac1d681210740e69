# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# Stands for the program uid_mem on a device that is the directory $DEVICE. With the word module in its file "faults" the
# module does not load.

say() { printf '%s\n' "$*"; }
fault() { grep -qx "$1" "$DEVICE/faults" 2>/dev/null; }

command=$1
shift
say "uid_mem $command $*" >>"$DEVICE/commands"
check=no
while [ $# -gt 1 ]; do
	if [ "$1" = --check ]; then check=$2; fi
	shift 2
done
running=$(cat "$DEVICE/state/running")
proc=$DEVICE/proc/uid_mem
changed=no
case $command in
present)
	if fault module; then
		say "error=the module does not load"
		exit 1
	fi
	if [ ! -e "$proc" ]; then
		changed=yes
		if [ "$check" = no ]; then
			mkdir -p "$proc"
			: >"$proc/limits"
			: >"$proc/stats"
			engine=scan
			if grep -q "^$running:" "$DEVICE/state/kernels"; then engine=hooks; fi
			say "abi=1 engine=$engine policies=highest_rss,longest_run_time,worst,youngest metrics=rss,anon,footprint footprint=anon,swap,pgtables on_high=event,term,reclaim" >"$proc/features"
		fi
	fi
	;;
absent)
	if [ -e "$proc" ]; then
		changed=yes
		if [ "$check" = no ]; then rm -rf "$proc"; fi
	fi
	;;
esac
say "changed=$changed"
if [ "$changed" = yes ]; then say changes=module; else say changes=; fi
if [ -e "$proc" ]; then say loaded=yes; else say loaded=no; fi
say "running=$running"
say "machine=$(uname -m)"
say "engine=$(sed -n 's/.*engine=\([a-z]*\).*/\1/p' "$proc/features" 2>/dev/null)"
say need=
say need_daemon=no
say need_dkms=no

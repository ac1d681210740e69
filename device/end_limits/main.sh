# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# Arguments: root, limits file, and for each limit that ends its UIDs, and max=BYTES or charge_to=UID as it was set for a
# while, - where it was removed for a while.
#
# Puts the limits of the file back, and removes those that the file does not have. One that has been set to something
# else meanwhile stays. It holds no single quotes, as write_limits, which carries it to the device.

LC_ALL=C
export LC_ALL
limits=$1/proc/uid_mem/limits file=$1$2
shift 2

# In one write(), as in write_limits.
to_kernel() {
	echo "$1" | dd of="$limits" ibs=65536 obs=65536 2>/dev/null
}

while [ $# -gt 1 ]; do
	now=-
	while read -r uids what _; do
		if [ "$uids" = "$1" ]; then now=$what; fi
	done <"$limits"
	declared=""
	if [ -r "$file" ]; then
		while read -r uids what; do
			if [ "$uids" = "$1" ]; then declared="$uids $what"; fi
		done <"$file"
	fi
	if [ "$now" != "$2" ]; then
		shift 2
		continue
	fi
	if [ -n "$declared" ]; then
		to_kernel "$declared"
	elif [ "$now" != - ]; then
		to_kernel "!$1"
	fi
	shift 2
done

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Thousands of processes of one UID killed at once, by its limit or by
# themselves: ten times as many take about ten times as long, and not a hundred
# times; the kernel's log tells of no stall.

# is_linear is called, by ok.
# shellcheck disable=SC2317
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

few=400
many=4000
# As many as the memory of a debug kernel, or one of another page size, has room for.
[ "$FACTOR" -eq 1 ] || many=1600

# A small kernel has numbers for 4096 processes.
echo 32768 >/proc/sys/kernel/pid_max

# not much more than proportional, and a second for the noise
is_linear() { [ "$2" -lt $((2 * $1 * many / few + 1000)) ]; }

for how in limit signal; do
    of_few=$(crowd "$how" 2001 "$few")
    limits '!2001'
    of_many=$(crowd "$how" 2001 "$many")
    echo "# $how: $few processes: ms until all are gone, and of the longest fork of root: $of_few; $many: $of_many"
    ok "$how: the time grows with the number, not with its square" is_linear "${of_few%% *}" "${of_many%% *}"
    [ "$how" = signal ] || is 'the limit killed all' "$(stat_of 2001 kills)" "$many"
    limits '!2001'
done

limits '2001 max=64M'
puppet big 2001
dies big use 96M
done_testing

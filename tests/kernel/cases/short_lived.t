#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Nothing is kept of processes that are gone, however many there were, however
# small they were, and however far their UID is from its limit.

# Functions that "ok_soon" calls.
# shellcheck disable=SC2317
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

processes=3000
# What is free in the caches of a CPU counts as used.
slack=300

structures() { awk '$1 == "mm_struct" { print $2 }' /proc/slabinfo; }
few_more() { [ "$(structures)" -le $((before + slack)) ]; }

[ -n "$(structures)" ] || {
    skip 'short-lived processes' 'this kernel does not count its structures'
    done_testing
}

puppet small 2001
does small forks 200
before=$(structures)

limits '2001 max=16G'
does small forks $processes
after=$(structures)
echo "# structures of address spaces: $before before $processes processes, $after after them"
ok 'few are kept at any time' [ "$after" -le $((before + slack)) ]

for _ in $(seq 100); do
    echo 'sleep 2 &'
done >/tmp/sleepers
echo wait >>/tmp/sleepers
# At once, so that they are all there before the first is gone.
for round in $(seq 4); do
    as 2001 sh /tmp/sleepers
    echo "# round $round: $(structures)"
done
ok_soon 'nor of many that end together' few_more
is 'one process' "$(stat_of 2001 procs)" 1
ok_soon 'usage is that of one process' stat_is 2001 usage -le $((4 * mib))
done_testing

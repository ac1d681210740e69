#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Many tasks at once want a UID to be looked at, while the task that looks at it
# gets no CPU and so holds them all up. Those that are killed go at once. When the
# look goes on, one more is enough for all others.
#
# cpus: one after the other

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

uid=2001
many=40
tracing=/sys/kernel/tracing
runtime=/proc/sys/kernel/sched_rt_runtime_us
fair=/sys/kernel/debug/sched/fair_server/cpu1/runtime

# The real-time task is to have its CPU for itself.
echo -1 >$runtime
[ ! -e $fair ] || echo 0 >$fair

counts_looks() { echo 'p:herd/looks uid_mem:uid_mem_engine_read' >$tracing/kprobe_events; } 2>/dev/null

ways='scan stats'
if ! grep -q ' engine=scan ' /proc/uid_mem/features; then
    # With the engine scan they do not look themselves.
    ways="$ways memory"
fi
for way in $ways; do
    counted=no
    if [ "$way" = scan ] && counts_looks; then
        echo 1 >$tracing/events/herd/looks/enable
        counted=yes
    fi
    herd=$(herd "$way" "$uid" "$many" $((60 * FACTOR)))
    # shellcheck disable=SC2086  # three words
    set -- ${herd:-0 0 0}
    echo "# herd way=$way tasks=$many waited=$1 killed_and_gone=$2 looks=$3"
    is "$way: all wait" "$1" "$many"
    is "$way: those that are killed go while the look is held up" "$2" $((many / 2))
    if [ "$counted" = yes ]; then
        # What is dying is looked at as well.
        ok "$way: one look for all others" [ "$3" -ge 1 -a "$3" -lt $((many / 4)) ]
        echo 0 >$tracing/events/herd/looks/enable
        echo >$tracing/kprobe_events
    fi
    limits "!$uid"
done
echo 950000 >$runtime

limits "$uid max=64M"
puppet big "$uid"
dies big use 96M
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# cpus: one after the other
#
# Limits cost nothing while nobody does anything: the module runs no code of its
# own for 60 seconds, with limits set and processes that have memory. Without a
# limit there is no probe.

# shellcheck disable=SC2317  # functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

trace=/sys/kernel/tracing
event=$trace/events/workqueue/workqueue_execute_start/enable
probes=/sys/kernel/debug/kprobes/list
seconds=60

[ -e "$event" ] || {
    skip 'idle' 'this kernel has no trace events'
    done_testing
}

module_runs() { grep -c 'workqueue_execute_start: .*\[uid_mem\]' $trace/trace; }
has_probe() { grep -q ' commit_creds\| do_huge_pmd_anonymous_page' "$probes"; }
has_no_probe() { ! has_probe; }

if [ -r "$probes" ]; then
    ok 'without a limit there is no probe' has_no_probe
fi

limits '2001 max=64M high=24M' '2002 max=64M' '3000-3999 max=32M'
if [ -r "$probes" ] && grep -q ' engine=scan ' /proc/uid_mem/features; then
    ok 'with one there is' has_probe
fi
for uid in 2001 2002 3000 3001; do
    puppet "p$uid" "$uid"
    does "p$uid" use 8M
done
# What came of that.
sleep 5

echo >$trace/trace
echo 1 >"$event"
sleep "$seconds"
runs=$(module_runs)
echo "# idle wakeups=$runs seconds=$seconds limits=3 processes=4"
is "idle for $seconds s: the module does not run" "$runs" 0

# That would have been seen.
does p2001 use 24M
module_has_run() { [ "$(module_runs)" -ge 1 ]; }
ok_soon 'above high: it does' module_has_run
echo 0 >"$event"

echo '!2001 !2002 !3000-3999' | tr ' ' '\n' >/proc/uid_mem/limits
if [ -r "$probes" ]; then
    ok_soon 'without a limit there is no probe any more' has_no_probe
fi
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A victim that is stopped on its way out does not keep its memory: what is its
# own is taken from it. The same goes for a process that exits by itself and is
# stopped on the way.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

if grep -q engine=scan /proc/uid_mem/features; then
    skip 'a stopped victim' 'only the kernel itself can take memory from a process'
    done_testing
fi

limits '2001 max=64M'
puppet tracer 0
puppet killed 2001
killed=$pid
does killed use 40M
does tracer hold "$killed"
limits '2001 max=32M'
ok_soon 'killed' has_events 1 "event=kill uid=2001 pid=$killed "
does tracer held "$killed"
ok_soon 'a victim that is stopped gives its memory back' stat_is 2001 usage -lt $((8 * mib))
ok 'and is still there' alive "$killed"

limits '2001 max=64M'
puppet leaving 2001
leaving=$pid
does leaving use 48M
# Up to 5.16 only a process of several threads is marked as exiting that early.
does leaving thread
does tracer hold "$leaving"
does leaving exit
does tracer held "$leaving"
puppet other 2001
does other use 40M
ok_soon 'so does a process that exits' stat_is 2001 usage -lt $((44 * mib))
ok 'and is still there' alive "$leaving"
is 'nobody was killed for it' "$(event_count event=kill)" 1

# Debug kernels look for what is not freed.
does tracer release "$killed"
does tracer release "$leaving"
ok_soon 'both are gone in the end' gone "$killed" "$leaving"
done_testing

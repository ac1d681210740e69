#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A process that exits already, but still has its memory, is not killed. If it
# hangs, others of its UID are. Nothing stays locked: the machine goes on.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M'
puppet tracer 0
puppet leaving 2001
leaving=$pid
puppet staying 2001
staying=$pid
does leaving use 48M
# Up to 5.16 only a process of several threads is marked as exiting that early.
does leaving thread
does tracer hold "$leaving"
does leaving exit
does tracer held "$leaving"
ok 'it has not given back anything yet' [ "$(stat_of 2001 usage)" -ge $((48 * mib)) ]

is 'nobody was killed' "$(event_count event=kill)" 0
tell staying use 40M
ok_soon 'what hangs counts: who stays is killed' has_events 1 "event=kill uid=2001 pid=$staying "
echo highest_rss >/proc/uid_mem/scan
is 'and only that one' "$(event_count event=kill)" 1
does tracer release "$leaving"
ok_soon 'the other is gone' gone "$leaving" "$staying"
ok_soon 'and its memory with it' stat_is 2001 usage -lt $((4 * mib))
puppet next 2001
does next use 40M
is 'no other kill' "$(event_count event=kill)" 1
done_testing

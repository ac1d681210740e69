#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A process that exits already, but still has its memory, is not killed, and
# nobody is killed for the memory that it is about to give back. Nothing stays
# locked: the machine goes on.

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

does staying use 40M
is 'nobody was killed' "$(event_count event=kill)" 0
ok 'who stays lives' alive "$staying"
ok 'both are seen in usage' [ "$(stat_of 2001 usage)" -ge $((88 * mib)) ]
echo highest_rss >/proc/uid_mem/scan
is 'a scan kills nobody either' "$(event_count event=kill)" 0

dies staying use 40M
is 'who uses too much without it is killed' "$(event_count "event=kill uid=2001 pid=$staying ")" 1
is 'and only that one' "$(event_count event=kill)" 1
puppet next 2001
does next use 40M
does tracer release "$leaving"
ok_soon 'the other is gone' gone "$leaving"
ok_soon 'and its memory with it' stat_is 2001 usage -lt $((44 * mib))
is 'no other kill' "$(event_count event=kill)" 1
done_testing

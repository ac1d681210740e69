#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# mode=audit: everything happens but the kill; the event says who it would
# have been, with the fields of a kill.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=32M mode=audit'
puppet small 2001
does small use 8M
puppet big 2001
does big use 64M
fields="pid=$pid comm=\"puppet\" policy=highest_rss victim_rss=[0-9]* runtime_ms=[0-9]* badness=[0-9]* usage=[0-9]* max=33554432"
ok_soon 'the event names the victim' has_events 1 "event=would_kill uid=2001 $fields\$"
ok 'which lives' alive "$pid"
does big use 16M
is 'nobody was killed' "$(event_count event=kill) $(stat_of 2001 kills)" '0 0'
limits '2001 max=32M'
ok_soon 'enforced: now it is' gone "$pid"
is 'one kill' "$(event_count "event=kill uid=2001 $fields\$")" 1
does small use 8M
done_testing

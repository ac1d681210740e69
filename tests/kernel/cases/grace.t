#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# grace_ms: so long may a UID stay above max before the kill; nobody is killed
# who is back in time.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=32M grace_ms=3000'
puppet patient 2001
does patient use 48M
ok_soon 'the event of the crossing is out' has_events 1 'event=max uid=2001 '
does patient free
sleep 5
ok 'back in time: not killed' alive "$pid"
is 'no kill' "$(event_count event=kill)" 0

does patient use 48M
ok_soon 'not back in time: killed' gone "$pid"
ts_of() { events | sed -n "s/.* ts=\([0-9]*\) event=$1 .*/\1/p" | tail -n 1; }
ok 'not before the grace was over' [ $(($(ts_of kill) - $(ts_of max))) -ge 2990000000 ]
is 'one kill' "$(event_count event=kill)" 1

# Enforced where the grace is taken away.
limits '2001 max=32M grace_ms=3600000'
puppet patient 2001
does patient use 48M
sleep 1
ok 'an hour of grace' alive "$pid"
limits '2001 max=32M'
ok_soon 'none any more' gone "$pid"
refused ERANGE '2001 max=32M grace_ms=3600001'
done_testing

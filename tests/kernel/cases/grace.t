#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# grace_ms: for so long may a UID stay above max before the kill, all in all; a
# dip below max does not begin it anew. Who is back in time is not killed.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

ms_now() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }
ts_of() { events | sed -n "s/.* ts=\([0-9]*\)[0-9]\{6\} event=$1 .*/\1/p" | tail -n 1; }

limits '2001 max=32M grace_ms=3000'
puppet patient 2001
does patient use 48M
ok_soon 'the event of the crossing is out' has_events 1 'event=max uid=2001 '
does patient free
spent=$(($(ms_now) - $(ts_of max)))
sleep 5
ok 'back in time: not killed' alive "$pid"
is 'no kill' "$(event_count event=kill)" 0

does patient use 48M
ok_soon 'not back in time: killed' gone "$pid"
ok 'not before the grace was over' [ $(($(ts_of kill) - $(ts_of max) + spent)) -ge 2980 ]
is 'one kill' "$(event_count event=kill)" 1

# Above max most of the time, and below it now and then.
limits '2001 max=32M grace_ms=2000'
puppet dipper 2001
dipper=$pid
round=0
while alive "$dipper" && [ "$round" -lt 40 ]; do
    tell dipper use 48M
    sleep 0.4
    tell dipper free
    round=$((round + 1))
done
echo "# $round rounds"
ok 'dips do not begin the grace anew: killed' gone "$dipper"

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

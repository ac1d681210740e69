#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A process that must not be killed and is above the limit by itself: nobody
# else dies for it, and the event names it. Below the limit it protects nobody.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M'
puppet rock 2001
rock=$pid
does rock name rock
echo -1000 >"/proc/$rock/oom_score_adj"
does rock use 96M
ok_soon 'the event names who is in the way' \
    has_events 1 "event=unkillable uid=2001 pid=$rock comm=\"rock\" held=[0-9]+ usage=[0-9]+ max=67108864$"
held=$(events | sed -n 's/.*event=unkillable .* held=\([0-9]*\) .*/\1/p')
ok 'and what it holds' [ "$held" -ge $((63 * mib)) ]
for n in 1 2 3; do
    puppet "small$n" 2001
    eval "small$n=$pid"
    does "small$n" use 4M
done
echo default >/proc/uid_mem/scan
sleep 3
# shellcheck disable=SC2154  # set by eval
ok 'the small ones live' alive "$small1" "$small2" "$small3" "$rock"
is 'nobody was killed' "$(event_count event=kill)" 0

# Two of them, each below the limit, are above it together.
limits '2001 max=256M'
does rock free
does rock use 40M
puppet stone 2001
stone=$pid
does stone name stone
echo -1000 >"/proc/$stone/oom_score_adj"
does stone use 40M
limits '2001 max=64M'
sleep 3
ok 'nobody dies for two of them, either' alive "$small1" "$small2" "$small3" "$rock" "$stone"

does stone free
ok_soon 'one gives back' stat_is 2001 usage -lt $((64 * mib))
dies small1 use 40M
is 'a kill that helps is made' "$(event_count 'event=kill uid=2001 ')" 1
ok 'and only that' alive "$small2" "$small3" "$rock" "$stone"
done_testing

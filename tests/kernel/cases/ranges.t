#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A range gives each UID in it the budget; an exact UID beats a range, a
# narrower range a wider one; ranges that overlap without nesting are refused.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2000-2999 max=64M'
for uid in 2000 2500 2999 3000; do
    puppet "p$uid" "$uid"
    does "p$uid" use 40M
done
is 'each has a budget of its own: nobody was killed' "$(event_count event=kill)" 0
dies p2500 use 40M
is 'over the budget of a range' "$(event_count 'event=kill uid=2500 .* max=67108864')" 1
does p3000 use 40M

limits '2000 max=16M'
ok_soon 'an exact UID beats a range' has_events 1 'event=kill uid=2000 .* max=16777216'
limits '2990-2999 max=128M'
does p2999 use 40M
is 'a narrower range beats a wider one' "$(stat_of 2999 max)" 134217728
limits '!2990-2999'
ok_soon 'without it, the wider one counts' has_events 1 'event=kill uid=2999 .* max=67108864'

refused EINVAL '2900-3100 max=64M'
refused EINVAL '1900-2000 max=64M'
refused EINVAL '2010-2005 max=64M'
limits '2900-2950 max=64M'
refused EINVAL '2940-2960 max=64M'
limits '1-4294967294 max=1G' '2940-2950 max=64M'
is 'nested ranges' "$(cut -d' ' -f1 /proc/uid_mem/limits | tr '\n' ';')" '1-4294967294;2000-2999;2000;2900-2950;2940-2950;'
done_testing

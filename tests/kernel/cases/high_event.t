#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# "high" warns, once per crossing: the event comes again only after usage fell
# clearly below the level. Nobody is killed.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M high=32M'
puppet big 2001
puppet small 2001
does big use 24M
is 'below: no event' "$(event_count event=high)" 0
does big use 7M
does small use 2M
ok_soon 'crossed: an event' has_events 1 'event=high uid=2001 usage=[0-9]* high=33554432 max=67108864'
for _ in 1 2 3 4 5; do
    tell small free
    tell small use 2M
done
sleep 1
ok 'up and down by less than the hysteresis does not make another' has_events 1 'event=high uid=2001 usage=[0-9]* high=33554432 max=67108864'
does big free
does big use 40M
ok_soon 'fallen and risen: another' has_events 2 'event=high uid=2001 usage=[0-9]* high=33554432 max=67108864'
does big use 10M
sleep 1
ok 'higher still: no other' has_events 2 'event=high uid=2001 usage=[0-9]* high=33554432 max=67108864'
is 'as counted in stats' "$(stat_of 2001 high_events)" 2
is 'nobody was killed' "$(event_count 'event=(max|kill)')" 0

refused EINVAL '2001 max=32M high=33M'
limits '2001 max=64M high=64M'
ok_soon 'a level that is set anew below usage is crossed' stat_is 2001 usage -gt 50000000
limits '2001 max=64M high=16M'
ok_soon 'its event comes at once' has_events 1 'event=high .* high=16777216'
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# "max" events come once per crossing, with hysteresis, also where nobody is
# killed: up and down around the limit is one crossing.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M mode=audit'
puppet big 2001
puppet small 2001
does big use 62M
is 'below: no event' "$(event_count 'event=max ')" 0
does small use 2M
ok_soon 'crossed: an event' has_events 1 'event=max uid=2001 usage=[0-9]* max=67108864$'
for _ in 1 2 3 4 5; do
    tell small free
    tell small use 2M
done
sleep 1
ok 'up and down by less than the hysteresis does not make another' has_events 1 'event=max uid=2001 usage=[0-9]* max=67108864$'
does big free
does big use 70M
ok_soon 'fallen and risen: another' has_events 2 'event=max uid=2001 usage=[0-9]* max=67108864$'
is 'as counted in stats' "$(stat_of 2001 max_events)" 2
is 'one victim named per crossing' "$(event_count event=would_kill)" 2
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# on_high=term: above "high" one process gets SIGTERM, once per crossing: the
# one that the policy chooses, and never one that must not be killed. It may give
# memory back and live; one that does not lives until max. mode=audit sends none.

# shellcheck disable=SC2154,SC2317  # pid, answer, mib; functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

trace=/sys/kernel/tracing
terms_of() { tell "$1" terms && echo "$answer"; }

ok 'features name it' grep -q ' on_high=event,term,reclaim\b' /proc/uid_mem/features
limits '2001 max=96M high=32M on_high=term'
is 'limits print it' "$(cat /proc/uid_mem/limits)" \
    '2001 max=100663296 high=33554432 on_high=term policy=default metric=rss grace_ms=0 mode=enforce'
echo >$trace/trace
echo 1 >$trace/events/uid_mem/enable
puppet small 2001
does small on-term stay
does small use 2M
puppet saver 2001
saver=$pid
does saver on-term free
does saver use 24M
is 'below high nobody is asked' "$(event_count event=term)" 0
does saver use 12M
victim="pid=$saver comm=\"puppet\" policy=highest_rss victim_rss=[0-9]* runtime_ms=[0-9]* badness=[0-9]*"
ok_soon 'above it one event says who' has_events 1 "event=term uid=2001 $victim usage=[0-9]* max=100663296\$"
ok_soon 'it gives memory back' stat_is 2001 usage -lt $((24 * mib))
ok 'and lives' alive "$saver"
is 'it got the signal once, the other not' "$(terms_of saver) $(terms_of small)" '1 0'
is 'as counted in stats' "$(stat_of 2001 terms)" 1
is 'after the event of the crossing' "$(events | sed -n 's/.*event=\(high\|term\) .*/\1/p' | tr '\n' ' ')" 'high term '
is "with a line in the kernel's log" "$(dmesg | grep -cF "uid_mem: $(events | sed -n 's/.*\(event=term .*\)/\1/p')")" 1
echo 0 >$trace/events/uid_mem/enable
is 'and a trace event' "$(grep -Ec "uid_mem_term: uid=2001 pid=$saver comm=.*puppet.* usage=[0-9]+ max=100663296" $trace/trace)" 1
does saver use 24M
ok_soon 'another crossing, another signal' has_events 2 "event=term uid=2001 pid=$saver "
is 'which it got' "$(terms_of saver)" 2
is 'nobody was killed' "$(event_count event=kill)" 0

limits '2002 max=64M high=32M on_high=term'
puppet stubborn 2002
stubborn=$pid
does stubborn on-term stay
does stubborn use 33M
ok_soon 'one that does not react is asked, too' has_events 1 "event=term uid=2002 pid=$stubborn "
puppet wave 2002
for _ in 1 2 3; do
    tell wave use 512K
    tell wave free
done
does stubborn use 8M
sleep 1
is 'not again in the same crossing' "$(event_count 'event=term uid=2002 ') $(terms_of stubborn)" '1 1'
ok 'it lives on' alive "$stubborn"
dies stubborn use 40M
is 'until max' "$(event_count "event=kill uid=2002 pid=$stubborn ")" 1

# What the younger one has is less than the hysteresis.
limits '2003 max=96M high=64M on_high=term policy=youngest'
puppet old 2003
does old on-term stay
does old use 62M
puppet young 2003
young=$pid
does old use 4M
ok_soon 'the policy chooses' has_events 1 "event=term uid=2003 pid=$young .* policy=youngest "
ok_soon 'one without a handler ends' gone "$young"
is 'and no other was asked' "$(terms_of old)" 0
is 'nor killed' "$(event_count 'event=kill uid=2003 ')" 0

limits '2004 max=64M high=32M on_high=term mode=audit'
puppet audited 2004
audited=$pid
does audited on-term stay
does audited use 40M
ok_soon 'audit: the event says who it would have been' has_events 1 \
    "event=would_term uid=2004 pid=$audited comm=\"puppet\" policy=highest_rss victim_rss=[0-9]* runtime_ms=[0-9]* badness=[0-9]* usage=[0-9]* max=67108864\$"
sleep 1
is 'and no signal was sent' "$(terms_of audited) $(stat_of 2004 terms) $(event_count 'event=term uid=2004 ')" '0 0 0'
limits '2004 max=64M high=32M on_high=term'
ok_soon 'enforced: it is, at once' has_events 1 "event=term uid=2004 pid=$audited "
is 'and it got it' "$(terms_of audited)" 1

limits '2005 max=64M high=32M on_high=term'
puppet rock 2005
does rock on-term stay
echo -1000 >"/proc/$pid/oom_score_adj"
does rock use 24M
puppet soft 2005
soft=$pid
does soft on-term stay
does soft use 10M
ok_soon 'one that must not be killed is not asked, but another' has_events 1 "event=term uid=2005 pid=$soft "
is 'not the larger one' "$(terms_of rock) $(terms_of soft)" '0 1'
puppet mountain 2006
echo -1000 >"/proc/$pid/oom_score_adj"
does mountain on-term stay
puppet pebble 2006
does pebble on-term stay
does pebble use 2M
does mountain use 40M
limits '2006 max=64M high=32M on_high=term'
ok_soon 'where its end would not help' has_events 1 'event=high uid=2006 .*'
sleep 1
is 'nobody is asked' "$(event_count 'event=term uid=2006 ') $(terms_of mountain) $(terms_of pebble)" '0 0 0'

limits '2007 max=64M high=32M'
puppet late 2007
late=$pid
does late use 40M
ok_soon 'event: nobody is asked' has_events 1 'event=high uid=2007 .*'
ok 'and it lives' alive "$late"
limits '2007 max=64M high=32M on_high=term'
ok_soon 'term, set above high: it is' gone "$late"
is 'one event' "$(event_count "event=term uid=2007 pid=$late ")" 1

refused EINVAL '2001 max=64M on_high=term'
refused EINVAL '2001 charge_to=2002 on_high=event'
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# metric=footprint counts pages by share: processes that share more than the limit with
# others live, and one that writes to what it shares, so that it is shared no more, is
# killed.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

needs_footprint

children='c1 c2 c3 c4 c5 c6 c7 c8'

# A program above half of its limit forks, and executes another one.
limits '2001 max=100M metric=footprint'
puppet server 2001
server=$pid
does server use 60M
for child in $children; do
    does server fork "$child"
    eval "$child=$answer"
done
# shellcheck disable=SC2154
family="$c1 $c2 $c3 $c4 $c5 $c6 $c7 $c8"
# shellcheck disable=SC2086
ok 'eight children that share it live' alive "$server" $family
ok 'the kernel counts it nine times' [ "$(stat_of 2001 anon)" -gt $((500 * mib)) ]
near 'usage counts it once' "$(stat_of 2001 usage)" $((62 * mib)) $((4 * mib))
does c8 exec c8
does server forks 20
is 'nobody was killed' "$(event_count 'event=(max|kill)')" 0
usage=$(stat_of 2001 usage)
ok 'and usage is what it was' [ "$usage" -lt $((66 * mib)) ]
ok 'peak is no more than the limit' [ "$(stat_of 2001 peak)" -le $((100 * mib)) ]

dies c1 use 60M
is 'one more than fits dies' "$(event_count "event=kill uid=2001 pid=$c1 ")" 1
dies c2 rewrite
is 'so does one that writes to what it shares' "$(event_count "event=kill uid=2001 pid=$c2 ")" 1
# shellcheck disable=SC2154
ok 'the others live' alive "$server" "$c3" "$c4" "$c5" "$c6" "$c7" "$c8"
is 'two kills' "$(event_count 'event=kill ')" 2
does c3 use 20M
does server exit
ok_soon 'one goes' gone "$server"
# Its share is theirs now, and none of it has been taken.
ok 'the others live on' alive "$c3" "$c4" "$c5" "$c6" "$c7" "$c8"

# What was started by a process of another UID, as Android starts applications.
limits '2002 max=100M metric=footprint'
puppet zygote 0
does zygote use 90M
does zygote fork app
app=$answer
does app setgid 2002
does app setuid 2002
does app use 15M
sleep 2
ok 'an application lives that shares 90 MiB with its zygote' alive "$app"
near 'and uses half of it' "$(stat_of 2002 usage)" $((61 * mib)) $((3 * mib))
dies app use 60M

# What is shared no more counts to whoever keeps it, with the next charge.
limits '2003 max=64M metric=footprint'
puppet one 2003
does one use 40M
does one fork two
does two use 12M
does one rewrite
ok_soon 'a copy of everything is too much: the larger one is killed' has_events 1 'event=kill uid=2003 '
is 'and only that' "$(event_count 'event=kill uid=2003 ')" 1

# Nothing is shared: as precise as any other metric.
limits '2004 max=32M high=24M metric=footprint'
puppet alone 2004
does alone use 20M
is 'below high' "$(event_count 'event=high uid=2004 ')" 0
does alone use 6M
ok_soon 'above' has_events 1 'event=high uid=2004 '
dies alone use 8M
excess=$(events | sed -n 's/.*event=kill uid=2004 .* usage=\([0-9]*\) max=\([0-9]*\).*/\1 \2/p' | awk '{ print $1 - $2 }')
echo "# above the limit by $excess bytes"
ok 'by no more than a little' [ "$excess" -le $((8 * mib)) ]

# A fork() has the address spaces locked that it copies: nothing is told of what they
# could be.
limits '2007 max=100M high=70M on_high=term metric=footprint'
puppet forker 2007
does forker on-term stay
does forker use 60M
does forker forks 50
is 'no event' "$(event_count 'event=(max|high|term|kill) uid=2007 ')" 0
does forker use 14M
ok_soon 'above high there is one' has_events 1 'event=high uid=2007 '
does forker forks 20

is 'and one only' "$(event_count 'event=(max|high|kill) uid=2007 ')" 1

# Swap.
if swap_on; then
    limits '2005 max=48M metric=footprint'
    puppet swapper 2005
    does swapper use 40M
    does swapper pageout
    ok 'most of it is in swap' [ "$(stat_of 2005 swap)" -gt $((30 * mib)) ]
    ok 'which counts' [ "$(stat_of 2005 usage)" -ge $((40 * mib)) ]
    does swapper fork swapped
    ok_soon 'once for two that share it' stat_is 2005 usage -lt $((44 * mib))
    dies swapper use 16M
fi

# Another metric counts anew.
limits '2006 max=100M metric=footprint'
puppet changer 2006
does changer use 60M
does changer fork changed
is 'by share it fits' "$(event_count 'event=kill uid=2006 ')" 0
limits '2006 max=100M metric=anon'
ok_soon 'by metric=anon it does not' has_events 1 'event=kill uid=2006 '
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Each policy kills another one of the same processes.

# shellcheck disable=SC2154,SC2317  # mib; functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

# have NAME [OPTION...] UID MIB: start a candidate; its pid is $NAME
have() {
    have_name=$1
    shift
    have_pid=$(candidate "$@") || give_up "there is a candidate: $*"
    eval "$have_name=$have_pid"
}

# over UID REST: a limit that the UID is 4 MiB above, so that any one of the
# candidates is enough
over() {
    limits "$1 max=max $2"
    limits "$1 max=$(($(stat_of "$1" usage) - 4 * mib)) $2"
}

# victim_of UID: waits for the kill and prints what the events say of it
victim_of() {
    wait_for 30 killed "$1" || return
    events | grep "event=kill uid=$1 "
}
killed() { [ "$(event_count "event=kill uid=$1 ")" -gt 0 ]; }

# field KEY: of the event on stdin
field() { sed -n "s/.* $1=\([^ ]*\).*/\1/p"; }

# dies_of UID POLICY PID WHAT...: the only kill of this UID
dies_of() {
    event=$(victim_of "$1")
    dies_uid=$1
    dies_policy=$2
    dies_pid=$3
    shift 3
    is "$*" "$(echo "$event" | field policy) $(echo "$event" | field pid)" "$dies_policy $dies_pid"
    ok_soon "$*: it is gone" gone "$dies_pid"
    is "$*: the only one" "$(event_count "event=kill uid=$dies_uid ")" 1
}

page_bytes=$(($(sed -n 's/^KernelPageSize: *\([0-9]*\) kB/\1/p' /proc/self/smaps | head -n 1) * 1024))

# cast UID [OPTION...]: the same play for each policy. Who is started last has
# least of everything else, unless OPTIONs say otherwise; who has most memory is
# started first.
effort=1
cast() {
    cast_uid=$1
    shift
    have large "$cast_uid" 24
    have busy --cpu $((400 * FACTOR * effort)) "$cast_uid" 10
    have adjusted --adj 400 "$cast_uid" 9
    have last "$@" "$cast_uid" 8
}

cast 2001
over 2001 policy=highest_rss
dies_of 2001 highest_rss "$large" 'highest_rss: the largest dies'
near 'highest_rss: the event has its RSS' "$(echo "$event" | field victim_rss)" $((25 * mib)) $((1 * mib))
is 'highest_rss: badness is RSS in pages' "$(echo "$event" | field badness)" \
    $(($(echo "$event" | field victim_rss) / page_bytes))
ok 'highest_rss: the others live' alive "$busy" "$adjusted" "$last"

# busiest PID...: by the time that the kernel tells everybody
busiest() {
    for one; do
        awk '{ print $14 + $15, $1 }' "/proc/$one/stat"
    done | sort -n | tail -n 1 | cut -d' ' -f2
}

# again WHOM COMMAND...: have candidates by COMMAND of which $WHOM is the
# busiest; on a slow host another one may be, for taking its memory: more effort
again() {
    whom=$1
    shift
    for attempt in 1 2 3 4 5 6; do
        "$@"
        eval "wanted=\$$whom"
        [ "$(busiest "$large" "$busy" "$adjusted" "$last")" != "$wanted" ] || return
        effort=$((effort * 2))
        kill -9 "$large" "$busy" "$adjusted" "$last"
        ok_soon "attempt $attempt: another one was the busiest" gone "$large" "$busy" "$adjusted" "$last"
    done
    give_up "$whom is the busiest"
}

again busy cast 2002
over 2002 policy=longest_run_time
dies_of 2002 longest_run_time "$busy" 'longest_run_time: the busiest dies'
ok 'longest_run_time: the event has its run time' [ "$(echo "$event" | field runtime_ms)" -ge $((400 * FACTOR)) ]
ok 'longest_run_time: the others live' alive "$large" "$adjusted" "$last"

cast 2003
over 2003 policy=worst
dies_of 2003 worst "$adjusted" 'worst: the one with the highest oom_score_adj dies'
# Its share of 1 GiB of RAM is 9 thousandths; some of it is the kernel's.
near 'worst: badness is oom_score_adj and its share of RAM' "$(echo "$event" | field badness)" 410 2
ok 'worst: the others live' alive "$large" "$busy" "$last"

cast 2004
over 2004 policy=youngest
dies_of 2004 youngest "$last" 'youngest: the one started last dies'
ok 'youngest: the others live' alive "$large" "$busy" "$adjusted"

# The time of threads counts, that of threads which are gone as well.
cast_with_gone() { cast "$1" --gone $((800 * FACTOR * effort)); }
again last cast_with_gone 2005
over 2005 policy=longest_run_time
dies_of 2005 longest_run_time "$last" 'longest_run_time: time of a thread that is gone counts'
ok 'longest_run_time: all of it' [ "$(echo "$event" | field runtime_ms)" -ge $((800 * FACTOR)) ]

# 30 thousandths of RAM are about 30 MiB here, less on a debug kernel, which keeps RAM for itself.
have admin --admin 2006 24
have plain 2006 8
over 2006 policy=worst
dies_of 2006 worst "$plain" 'worst: CAP_SYS_ADMIN outweighs 16 MiB'
have larger 2007 32
have smaller 2007 8
over 2007 policy=worst
dies_of 2007 worst "$larger" 'worst: without it the larger dies'

# CAP_SYS_ADMIN in a user namespace of one's own is no advantage.
puppet namespaced 2008
namespaced=$pid
if tell namespaced unshare-user; then
    does namespaced use 32M
    have smaller 2008 8
    over 2008 policy=worst
    dies_of 2008 worst "$namespaced" 'worst: CAP_SYS_ADMIN in a user namespace does not count'
else
    skip 'worst: CAP_SYS_ADMIN in a user namespace does not count' "$answer"
fi

# Equals: all have a badness of 1, as the fair share is adjusted away.
have first --adj -300 2009 8
have middle --adj -300 2009 16
have third --adj -300 2009 12
over 2009 policy=worst
dies_of 2009 worst "$middle" 'of equals the one with more RSS dies'
is 'their badness' "$(echo "$event" | field badness)" 1

# What is swapped out counts for worst, and for highest_rss it does not.
if grep -q '^SwapTotal:' /proc/meminfo; then
    swap_on
    have swapped --swapped 2010 64
    have resident 2010 16
    ok 'there is a process that is swapped out' \
        [ "$(sed -n 's/^VmSwap:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$swapped/status")" -ge 40960 ]
    over 2010 'policy=worst metric=anon'
    dies_of 2010 worst "$swapped" 'worst: swap counts'
    have swapped --swapped 2011 64
    have resident 2011 24
    over 2011 'policy=highest_rss metric=anon'
    dies_of 2011 highest_rss "$resident" 'highest_rss: swap does not count'
else
    skip 'worst: swap counts' 'no CONFIG_SWAP in this kernel'
fi
done_testing

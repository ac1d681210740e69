#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# metric=footprint under a user who wants to get around it: many processes share what
# fits once, and then all write to it; a thread keeps the address space locked.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

needs_footprint

anon() { awk '/^AnonPages:/ { print $2 * 1024 }' /proc/meminfo; }

# The most anonymous memory of the machine, looked at while any of these runs.
watch_anon() {
    most=0
    while kill -0 "$@" 2>/dev/null; do
        now=$(anon)
        [ "$now" -le "$most" ] || most=$now
    done
    echo "$most"
}

limits '2001 max=64M metric=footprint'
before=$(anon)
puppet writer 2001
does writer use 48M
writers="$pid"
for child in 1 2 3 4 5 6; do
    does writer fork "w$child"
    writers="$writers $answer"
done
# Until it is looked at least often.
sleep 3
is 'seven share 48 MiB under a limit of 64 MiB' "$(event_count 'event=(max|kill)')" 0
for child in 1 2 3 4 5 6; do
    tell "w$child" rewrite >/dev/null 2>&1 &
done
# shellcheck disable=SC2086
most=$(($(watch_anon ${writers#* }) - before))
wait
echo "# at most $((most / mib)) MiB"
ok 'they do not get far with copies' [ "$most" -lt $((96 * mib)) ]
ok 'but are killed' [ "$(event_count 'event=kill uid=2001 ')" -ge 3 ]
ok_soon 'what is left fits' stat_is 2001 usage -le $((64 * mib))

# Threads that change mappings all the time: the shares cannot be read, or late.
limits '2002 max=64M metric=footprint'
puppet keeper 2002
keeper=$pid
does keeper use 40M
does keeper fork kept
kept=$answer
does keeper locker
does kept locker
does kept use 8M
before=$(anon)
tell kept use 40M >/dev/null 2>&1 &
most=$(($(watch_anon "$kept") - before))
wait
echo "# at most $((most / mib)) MiB more"
ok_soon 'whoever takes more than the limit is killed all the same' has_events 1 'event=kill uid=2002 '
not_ok 'all of it is never there' alive "$keeper" "$kept"
done_testing

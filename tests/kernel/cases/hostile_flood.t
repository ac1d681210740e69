#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A UID that makes events without end, or has its processes killed one after the
# other, pushes out its own events and silences its own lines in the log, and not
# those of another.

# flooded is called, by wait_for.
# shellcheck disable=SC2317
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=2M mode=audit high=1M' '2002 max=16M'
puppet victim 2002
victim=$pid
dies victim use 24M
kill_line="event=kill uid=2002 pid=$victim "
is 'there is a kill' "$(event_count "$kill_line")" 1

as 2001 flapper 5 &
flapper=$!
last_seq() { events | sed -n '$s/^seq=\([0-9]*\) .*/\1/p'; }
flooded() { [ "$(last_seq)" -ge 4500 ]; }
ok 'another UID makes thousands of events' wait_for 240 flooded
kill -9 "$flapper"
echo "# $(last_seq) events, $(events | grep -c uid=2001) of the one kept, $(event_count event=lost) gaps"
is 'the kill is there still' "$(event_count "$kill_line")" 1
is 'and what was done to the table' "$(event_count event=limit_set)" 2
ok 'the newest of the other are' [ "$(event_count 'uid=2001 ')" -ge 1000 ]
ok 'gaps are told' [ "$(event_count event=lost)" -ge 1 ]

# Kills of one after the other, more than go to the log.
limits '2001 max=1M'
for _ in $(seq 40); do
    uid_mem_hog 2001 - 3M
done >/dev/null 2>&1
puppet victim 2002
victim=$pid
dies victim use 24M
logged() { dmesg | grep -c "uid_mem: event=kill uid=$1 "; }
echo "# $(event_count 'event=kill uid=2001 ') kills, $(logged 2001) of them in the log"
ok 'the log has the kill of another' eval "dmesg | grep -q 'uid_mem: event=kill uid=2002 pid=$victim '"
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A killed process is not killed again, and does not count against the limit
# while it goes. One that does not go counts again after a moment, until it is
# gone: others of its UID are killed for it, and nobody else.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

# Victims that go: the next process may use all of the room at once.
limits '2001 max=64M'
for round in 1 2 3; do
    puppet "big$round" 2001
    dies "big$round" use 96M
    puppet "next$round" 2001
    next=$pid
    does "next$round" use 48M
    ok 'the next one lives' alive "$next"
    tell "next$round" exit
    ok_soon 'until it exits' gone "$next"
done
is 'as many kills as victims' "$(event_count event=kill)" 3

puppet tracer 0
# Stopped at the beginning of its exit, after SIGKILL, for as long as we like. Its
# memory is shared, or the kernel would take it away (hostile_stopped_victim.t).
puppet slow 2001
slow=$pid
does slow share 60M
does tracer hold "$slow"
limits '2001 max=32M'
ok_soon 'killed' has_events 1 "event=kill uid=2001 pid=$slow "
tell tracer held "$slow"
echo "# at its exit: $answer"
puppet new 2001
new=$pid
ok_soon 'what it still holds counts: others are killed' gone "$new"
ok_soon 'the event names what is in the way' has_events 1 "event=unkillable uid=2001 pid=$slow "
is 'it was killed once' "$(event_count "event=kill uid=2001 pid=$slow ")" 1
puppet other 2002
other=$pid
does other use 40M
tell tracer release "$slow"
ok_soon 'gone at last' gone "$slow"
ok_soon 'and its memory with it' stat_is 2001 usage -eq 0
puppet new 2001
does new use 24M
sleep 1
ok 'who is new lives' alive "$pid" "$other"
done_testing

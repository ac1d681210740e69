#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A killed process does not count against the limit from the kill on, and is
# not killed again, however long it takes to go; who is new may use its room.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M'
puppet tracer 0
# Stopped at the beginning of its exit, after SIGKILL, for as long as we like.
puppet slow 2001
slow=$pid
does slow use 60M
does tracer hold "$slow"
limits '2001 max=32M'
ok_soon 'killed' has_events 1 "event=kill uid=2001 pid=$slow "

for round in 1 2 3; do
    puppet "new$round" 2001
    does "new$round" use 8M
    echo default >/proc/uid_mem/scan
done
is 'killed once, and nobody else' "$(event_count event=kill)" 1
is 'as counted' "$(stat_of 2001 kills)" 1
tell tracer held "$slow"
echo "# at its exit: $answer"
dies new1 use 24M
is 'what is not dying counts' "$(event_count event=kill)" 2
tell tracer release "$slow"
ok_soon 'gone at last' gone "$slow"
is 'no other kill' "$(event_count event=kill)" 2
done_testing

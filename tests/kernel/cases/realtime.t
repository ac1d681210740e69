#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A process with real-time priority is held to its limit like any other, though
# it leaves its CPU to nobody of lower priority.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

usage_of_kill() { events | sed -n 's/.* event=kill .* usage=\([0-9]*\) .*/\1/p'; }

limits '2001 max=32M'
for priority in 50 98; do
    puppet "p$priority" 0
    does "p$priority" realtime $priority
    does "p$priority" setgid 2001
    does "p$priority" setuid 2001
    dies "p$priority" use 384M
    ok_soon 'its memory is gone' stat_is 2001 usage -eq 0
done
ok_soon 'two kills' has_events 2 'event=kill'
# The victim is stopped where it is, not when it has what it wanted.
for usage in $(usage_of_kill); do
    echo "# killed at $((usage / 1024)) KiB"
    ok 'killed near its limit' [ "$usage" -le $((96 * mib)) ]
done
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The kernel's log has a line for each kill, with the fields of the event.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M'
puppet big 2001
dies big use 96M
event=$(events | sed -n 's/.*\(event=kill .*\)/\1/p')
ok 'there is an event' [ -n "$event" ]
is 'and the same in the log' "$(dmesg | grep -cF "uid_mem: $event")" 1
is 'uid, pid, name, policy, sizes, run time, badness' "$(echo "$event" | sed 's/=[^ ]*//g')" \
    'event uid pid comm policy victim_rss runtime_ms badness usage max'
is 'of the right process' "$(echo "$event" | sed 's/.*pid=\([0-9]*\) .*/\1/')" "$pid"
usage=$(echo "$event" | sed 's/.* usage=\([0-9]*\).*/\1/')
ok 'usage is above max' [ "$usage" -gt 67108864 ]
near 'all but all of it the victim'"'"'s' "$(echo "$event" | sed 's/.*victim_rss=\([0-9]*\) .*/\1/')" "$usage" $((2 * mib))
done_testing

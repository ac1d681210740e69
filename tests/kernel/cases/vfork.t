#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A child of vfork() that changes its UID before it executes a program does not
# move its parent's memory; after that its own memory counts to its own UID.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M' '2002 max=32M'
puppet parent 0
parent=$pid
does parent setreal 2001
does parent use 40M
does parent vfork 2002
child=$answer
is 'the child has another UID' "$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$child/status")" 2002
ok 'the memory counts to the parent' [ "$(stat_of 2001 usage)" -ge $((40 * mib)) ]
is 'and not to the child' "$(stat_of 2002 usage)" 0
# A limit that is written now finds both.
limits '2002 max=16M' '2001 max=65M'
ok 'nor when limits are written' [ "$(stat_of 2001 usage)" -ge $((40 * mib)) ]
is 'not to the child' "$(stat_of 2002 usage)" 0
ok 'both live' alive "$parent" "$child"
is 'nobody was killed' "$(event_count 'event=(max|kill|unkillable)')" 0

does parent vfork-exec
ok_soon 'its program counts to the child' stat_is 2002 procs -eq 1
ok 'with memory of its own' [ "$(stat_of 2002 usage)" -gt 0 ] && [ "$(stat_of 2002 usage)" -lt $((8 * mib)) ]
ok 'the parent keeps its' [ "$(stat_of 2001 usage)" -ge $((40 * mib)) ]
dies parent use 40M
ok 'the child lives' alive "$child"
done_testing

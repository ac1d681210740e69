#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Usage and the number of processes follow fork, exec and exit, and are nothing
# again at the end.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=256M'
puppet a 2001
# Its user may have to be made first.
ok_soon 'a process' stat_is 2001 procs -eq 1
does a use 16M
does a fork b
is 'fork: two' "$(stat_of 2001 procs)" 2
usage=$(stat_of 2001 usage)
ok 'memory that is shared after fork counts to both' [ "$usage" -ge $((32 * mib)) ]
does b use 16M
ok 'each uses its own' [ "$(stat_of 2001 usage)" -ge $((usage + 15 * mib)) ]
does b exec c
usage=$(stat_of 2001 usage)
ok 'exec: the old memory is gone' [ "$usage" -lt $((24 * mib)) ]
is 'as many processes as before' "$(stat_of 2001 procs)" 2
does c use 16M
does a thread
does a thread
is 'a thread is no process' "$(stat_of 2001 procs)" 2
does a free
ok 'what is freed does not count' [ "$(stat_of 2001 usage)" -lt $((24 * mib)) ]
for round in $(seq 20); do
    tell a fork "d$round" || break
done
is 'twenty more' "$(stat_of 2001 procs)" 22
for round in $(seq 20); do
    tell "d$round" exit || break
done
ok_soon 'and gone again' stat_is 2001 procs -eq 2
does c exit
does a exit
ok_soon 'exit: none' stat_is 2001 procs -eq 0
is 'no memory' "$(stat_of 2001 usage)" 0
is 'nobody was killed' "$(event_count 'event=(max|kill)')" 0
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A UID pays for its own memory only: not for that of a process of another UID
# whose pages it takes away, by truncating the file that is mapped there.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=1G high=32M'
file=/tmp/shared
dd if=/dev/zero of=$file bs=1M count=64 2>/dev/null || give_up 'there is a file'
chmod 666 $file

puppet other 2002
other=$pid
does other file $file
ok 'UID 2001 truncates what UID 2002 has mapped' as 2001 truncate -s $((63 * mib)) $file
# Several times: how the module sees it depends on what it saw before.
for size in 62 61 60; do
    as 2001 truncate -s $((size * mib)) $file
done

puppet own 2001
does own use 4M
usage=$(stat_of 2001 usage)
ok "UID 2001 pays for its own memory ($usage bytes)" [ "$usage" -ge $((4 * mib)) -a "$usage" -le $((16 * mib)) ]
is 'one process' "$(stat_of 2001 procs)" 1
is 'it never was above high' "$(event_count 'event=high')" 0

# The same for one that has a limit of its own.
limits '2002 max=1G'
usage=$(stat_of 2002 usage)
as 2001 truncate -s $((30 * mib)) $file
near 'UID 2002 has what was truncated less' "$(stat_of 2002 usage)" $((usage - 30 * mib)) $mib
ok 'and UID 2001 nothing more' [ "$(stat_of 2001 usage)" -le $((16 * mib)) ]

# What a process forks is its own from the beginning.
does own use 12M
does own fork child
ok 'a child counts' [ "$(stat_of 2001 usage)" -ge $((32 * mib)) ]
does child exec program
is 'so does a program that is executed: processes' "$(stat_of 2001 procs)" 2
ok 'and no longer what it was before' [ "$(stat_of 2001 usage)" -le $((28 * mib)) ]
ok 'the other process lives' alive "$other"
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# stats has a line for each UID with a limit and a process or an event. Root
# sees all of them, others only their own.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M' '2002 max=64M' '2003 max=64M' '2004 max=64M'
for uid in 2001 2002 2005; do
    puppet "p$uid" "$uid"
    does "p$uid" use 8M
done
is 'root sees who has a limit and a process' "$(cut -d' ' -f1 /proc/uid_mem/stats | tr '\n' ' ')" '2001 2002 '
is 'another sees itself' "$(as 2001 cut -d' ' -f1 /proc/uid_mem/stats | tr '\n' ' ')" '2001 '
is 'who has no limit sees nothing' "$(as 2005 cat /proc/uid_mem/stats)" ''
is 'who has no process of its own beside the reader sees that' "$(as 2003 cut -d' ' -f1 /proc/uid_mem/stats)" 2003
is 'root of a user namespace is who it was before' "$(as 2002 unshare -U -r cut -d' ' -f1 /proc/uid_mem/stats)" 2002

is 'the form of a line' "$(head -n 1 /proc/uid_mem/stats | sed 's/=[0-9]*/=N/g')" \
    '2001 usage=N peak=N anon=N file=N shmem=N swap=N procs=N max=N kills=N max_events=N high_events=N terms=N'
is 'usage is file, anon and shmem' "$(stat_of 2001 usage)" \
    $(($(stat_of 2001 anon) + $(stat_of 2001 file) + $(stat_of 2001 shmem)))
ok 'as much as was used' [ "$(stat_of 2001 usage)" -ge $((8 * mib)) ]
near 'what the kernel says of the process' "$(stat_of 2001 usage)" \
    $(($(sed -n "s/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p" "/proc/$(pidof puppet | tr ' ' '\n' | while read -r p; do
        grep -q '^Uid:[[:space:]]2001' "/proc/$p/status" && echo "$p"
    done)/status") * 1024)) $((mib / 2))

dies p2001 use 96M
is 'after its processes, its events keep the line' "$(stat_of 2001 kills) $(stat_of 2001 max_events)" '1 1'
ok 'the peak stays' [ "$(stat_of 2001 peak)" -gt $((64 * mib)) ]
ok_soon 'usage is back to nothing' stat_is 2001 usage -eq 0
tell p2002 exit
ok_soon 'neither process nor event: no line' eval '! grep -q "^2002 " /proc/uid_mem/stats'
done_testing

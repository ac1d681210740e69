#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A UID may leave a setuid file of one of its subordinate UIDs, and execute it
# outside of its namespace: the process has another real UID then, and the same
# budget. What root does changes the budget, as before.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

if grep -q engine=scan /proc/uid_mem/features; then
    skip 'a setuid file' 'the engine scan sees the real UID only'
    done_testing
fi

limits '2001 max=64M'
cp /t/bin/puppet /tmp/setuid
chown 100005 /tmp/setuid
chmod 4755 /tmp/setuid
real_uid() { sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$pid/status"; }

# start NAME: as the UID, from the setuid file
start() {
    pid=$(as 2001 /tmp/setuid start 0 "$1") || give_up "puppet $1 starts"
    does "$1" setreal 100005
    is 'it runs under another UID' "$(real_uid)" 100005
}

start leaver
does leaver use 40M
ok 'it uses the budget of who started it' [ "$(stat_of 2001 usage)" -ge $((40 * mib)) ]
does leaver exec executed
does executed use 40M
ok 'so it does after execve()' [ "$(stat_of 2001 usage)" -ge $((40 * mib)) ]
does executed free
does executed fork forked
does forked use 40M
ok 'and a child of it' [ "$(stat_of 2001 usage)" -ge $((40 * mib)) ]
limits '2001 max=65M'
ok 'also when limits are written' [ "$(stat_of 2001 usage)" -ge $((40 * mib)) ]
dies forked use 40M
is 'killed for it' "$(event_count 'event=kill uid=2001 ')" 1

# Where the budget's UID has no limit, the real UID's counts.
limits '!2001' '100005 max=64M'
start other
does other use 40M
ok 'a real UID with a limit' [ "$(stat_of 100005 usage)" -ge $((40 * mib)) ]
dies other use 40M
tell executed exit
limits '!100005' '2001 max=64M' '2002 max=64M'
puppet served 0
does served setuid 2002
does served use 40M
ok 'root gives a process another budget' [ "$(stat_of 2002 usage)" -ge $((40 * mib)) ]
ok_soon 'and nothing else' stat_is 2001 usage -eq 0
done_testing

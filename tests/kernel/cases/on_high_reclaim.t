#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# on_high=reclaim: uid_memd pages memory of the UID out until usage is below
# "high" or nothing more goes, and says so. Nobody is killed. A process that
# keeps its own address space locked holds up no one but itself.

# shellcheck disable=SC2154,SC2317  # pid, mib; functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

says() { grep -Eq "$1" /tmp/messages; }
has_said() { [ "$(grep -Ec "$2" /tmp/messages)" = "$1" ]; }
is_counted() { [ "$(sed -n 's/^uid_mem_reclaimed_bytes_total //p' /tmp/uid_mem.prom)" -gt 30000000 ]; }
# Not by pidof, which asks for the command line of each process, and so for the lock of its address space.
daemons() { grep -lx uid_memd /proc/[0-9]*/comm 2>/dev/null | wc -l; }
is_alone() { [ "$(daemons)" = 1 ]; }
swapped() { sed -n 's/^VmSwap:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$1/status"; }

echo '2001 max=128M high=32M' >/tmp/file
uid_memd --foreground --limits /tmp/file --state /tmp/state --textfile /tmp/uid_mem.prom --textfile-interval 0.2 \
    2>/tmp/messages &
daemon=$!
ok_soon 'the daemon is there' says 'event=limit_set uid=2001 '

puppet a 2001
a=$pid
does a use 48M
ok_soon 'event: there is the event' says 'event=high uid=2001 '

# Without swap only pages of files go.
limits '2002 max=128M high=16M on_high=reclaim'
puppet b 2002
does b use 24M
ok_soon 'without swap: nothing more goes' says 'uid 2002: reclaimed [0-9]* bytes, nothing more to reclaim: there is no room in swap'
ok 'usage is above high' stat_is 2002 usage -gt $((16 * mib))
disk_on
dd if=/dev/zero of=/mnt/data bs=1M count=40 2>/dev/null
chown 2003 /mnt/data
sync
limits '2003 max=128M high=16M on_high=reclaim'
puppet c 2003
c=$pid
does c file /mnt/data
ok_soon 'but pages of files do' says 'uid 2003: reclaimed [0-9]* bytes, usage is below high'
ok_soon 'usage is below high' stat_is 2003 usage -lt $((16 * mib))
ok 'and it lives' alive "$c"

swap_on
ok 'event: nothing was paged out' [ "$(swapped "$a")" = 0 ]
limits '2001 max=128M high=32M on_high=reclaim'
ok_soon 'reclaim, set above high: memory is paged out' says 'uid 2001: reclaimed [0-9]* bytes, usage is below high'
ok_soon 'usage is below high' stat_is 2001 usage -lt $((32 * mib))
ok 'what is gone is in swap' [ "$(swapped "$a")" -ge 15000 ]
ok 'not much more than has to go' [ "$(swapped "$a")" -lt 30000 ]
ok 'and it lives' alive "$a"
does a use 16M
ok_soon 'another crossing' has_said 2 'uid 2001: reclaimed [0-9]* bytes, usage is below high'
ok_soon 'what is counted' is_counted

puppet d 2004
d=$pid
does d use 48M
limits '2004 max=128M high=32M on_high=reclaim metric=anon'
ok_soon 'anon counts what is in swap' says 'uid 2004: reclaimed [0-9]* bytes; what is in swap counts by its metric'
ok 'as much as was above high is in swap' [ "$(swapped "$d")" -ge 15000 ]
ok 'and not all' [ "$(swapped "$d")" -lt 36000 ]
ok 'usage stays' stat_is 2004 usage -gt $((32 * mib))
ok 'it lives' alive "$d"

# The largest of the UID, which is the first to be looked at, cannot be looked at.
limits '2005 max=128M high=32M on_high=reclaim'
stall_mm 2005 $((24 * mib)) /mnt >/tmp/stall &
stall=$!
ok_soon 'a process keeps its address space locked' grep -q stalled /tmp/stall
puppet e 2005
does e use 12M
ok_soon 'that is noticed' says "uid 2005: process $(sed -n 's/stalled //p' /tmp/stall) holds up its address space"
limits '2006 max=64M high=32M' '2007 max=128M high=32M on_high=reclaim'
ok_soon 'events go on' says 'event=limit_set uid=2006 '
puppet f 2007
does f use 40M
ok_soon 'and others are reclaimed' says 'uid 2007: reclaimed [0-9]* bytes, usage is below high'
ok_soon 'metrics are written' eval 'grep -q "uid_mem_usage_bytes{uid=.2007.}" /tmp/uid_mem.prom'
ok 'no more than one child waits for the lock' [ "$(daemons)" -le 2 ]
kill "$stall"
ok_soon 'when it lets go' gone "$(sed -n 's/stalled //p' /tmp/stall)"
ok_soon 'none is left that waits' is_alone
does e use 24M
ok_soon 'and its UID is reclaimed again' says 'uid 2005: reclaimed [0-9]* bytes, usage is below high'

is 'nobody was killed' "$(event_count 'event=(kill|term)')" 0
kill "$daemon"
ok_soon 'SIGTERM ends it' gone "$daemon"
is 'with its children' "$(daemons)" 0
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The module may go and come back while uid_memd runs: an open file does not
# hold it, and its limits are restored. Without the module uid_memd waits, or
# fails where it is told to.
#
# cpus: one after the other

# shellcheck disable=SC2154,SC2317  # pid, mib; functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

unloads() { rmmod uid_mem 2>/tmp/rmmod; }
has_limit() { grep -q "^$1 max=$2 " /proc/uid_mem/limits; }
said() { [ "$(grep -c "$2" /tmp/messages)" = "$1" ]; }

: >/tmp/kills
seq 2001 2100 | sed 's/$/ max=64M/' >/tmp/file
# shellcheck disable=SC2016  # for the daemon's shell
uid_memd --foreground --limits /tmp/file --state /tmp/state --interval 0.001 --textfile /tmp/uid_mem.prom \
    --on-kill 'echo "$UID_MEM_PID" >>/tmp/kills' 2>/tmp/messages &
daemon=$!
ok_soon 'limits are restored' has_limit 2001 67108864
uid_mem_hog --hold 600 2002 - 24M 8M >/dev/null &
rounds=$((5 / FACTOR + 2))
for round in $(seq "$rounds"); do
    ok_soon "the module is unloaded ($round)" unloads
    ok_soon 'which is known' said "$round" 'the module is not loaded; waiting for it'
    ok_soon 'and measured' grep -qx 'uid_mem_up 0' /tmp/uid_mem.prom
    insmod /t/uid_mem.ko || give_up 'the module is loaded'
    ok_soon 'the limits are back' has_limit 2100 67108864
    ok_soon 'which is said' said "$round" 'the module is loaded'
    puppet "bloat$round" 2001
    dies "bloat$round" use 96M
    ok_soon 'events come from the new one' grep -q "event=kill uid=2001 pid=$pid " /tmp/messages
    ok_soon 'with the command' grep -qx "$pid" /tmp/kills
    ok_soon 'and metrics' grep -qx 'uid_mem_kills_total{uid="2001"} 1' /tmp/uid_mem.prom
done
is 'each kill once' "$(sort /tmp/kills | uniq -d | wc -l) $(wc -l </tmp/kills)" "0 $rounds"

# Who reloads the module and writes the limits there were is not overruled.
rmmod uid_mem
insmod /t/uid_mem.ko
write_once /proc/uid_mem/limits <<END
2001 max=99M
END
ok_soon 'unless the file was first, what is there stays' has_limit 2100 67108864
sleep 1
limits '2001 max=98M'
sleep 2
ok 'once restored they are left alone' has_limit 2001 102760448

kill "$daemon"
wait "$daemon"
is 'it ends' $? 0
rmmod uid_mem
is 'without the module it fails where it is told to' \
    "$(uid_memd --foreground --no-wait --state /tmp/state 2>&1; echo $?)" \
    "uid_memd: /proc/uid_mem/features: No such file or directory; load the module with 'modprobe uid_mem'
1"
is 'or where it restores' "$(uid_memd --restore-only --limits /tmp/file 2>/dev/null; echo $?)" 1
ok 'or else waits as a daemon' uid_memd --pidfile /tmp/pid --limits /tmp/file --state /tmp/state
ok 'that runs' alive "$(cat /tmp/pid)"
insmod /t/uid_mem.ko
ok_soon 'and restores when there is a module' has_limit 2001 67108864
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# uid_memd writes each event to the system's log, once, with a priority; after
# a kill -9 it goes on with the next one. It keeps out of the way: less than
# 1 MiB, never killed, one at a time.

# shellcheck disable=SC2154,SC2317  # pid, mib; functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

logged() { grep -c "$1" /tmp/log; }
is_logged() { [ "$(logged "$2")" = "$1" ]; }
daemon() {
    uid_memd --pidfile /tmp/pid --limits /tmp/file --state /tmp/state --interval 0.01 --textfile /tmp/uid_mem.prom \
        --on-kill true 2>/tmp/messages
}
kill_one() {
    puppet "bloat$1" 2001
    tell "bloat$1" use 96M
}

: >/tmp/log
syslogd -n -O /tmp/log &
ok_soon 'a syslogd listens' test -S /dev/log
echo '2001 max=64M' >/tmp/file
ok 'the daemon starts' daemon
daemon_pid=$(cat /tmp/pid)
is 'with nothing to say' "$(cat /tmp/messages)" ''
is 'it is a daemon' "$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$daemon_pid/status") $(readlink "/proc/$daemon_pid/cwd") $(
    readlink "/proc/$daemon_pid/fd/2")" '1 / /dev/null'
is 'it is never a victim' "$(cat "/proc/$daemon_pid/oom_score_adj")" -1000
ok_soon 'the limit it restored is in the log' is_logged 1 'daemon.info uid_memd\[[0-9]*\]: seq=0 ts=[0-9]* event=limit_set uid=2001 '

kill_one 1
ok_soon 'a kill is a warning' is_logged 1 "daemon.warn uid_memd.*event=kill uid=2001 pid=$pid comm=\"puppet\""
is 'as the kernel has it' "$(sed -n 's/.*uid_memd\[[0-9]*\]: //; /event=kill/p' /tmp/log)" "$(events | grep event=kill)"
limits '2002 max=64M mode=audit'
puppet audited 2002
does audited use 96M
ok_soon 'so is one that would have been' is_logged 1 'daemon.warn uid_memd.*event=would_kill uid=2002 '
puppet rock 2001
echo -1000 >"/proc/$pid/oom_score_adj"
does rock use 96M
ok_soon 'nobody to kill is an error' is_logged 1 'daemon.err uid_memd.*event=unkillable uid=2001 '
tell rock exit

ok 'a second one does not start' eval '! daemon'
ok 'and says why' grep -q 'another uid_memd runs' /tmp/messages
is 'the first one goes on' "$(cat /tmp/pid)" "$daemon_pid"

echo "# $(grep -E '^Vm(HWM|RSS|Lck|Size)|^Rss' "/proc/$daemon_pid/status" | tr -s '\t\n ' ' ')"
rss=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$daemon_pid/status")
ok 'it has less than 1 MiB' [ "$rss" -lt 1024 ]

kill -KILL "$daemon_pid"
wait_for 30 gone "$daemon_pid"
kill_one 2
daemon
daemon_pid=$(cat /tmp/pid)
ok_soon 'started again: what happened meanwhile' is_logged 1 "event=kill uid=2001 pid=$pid "
kill_one 3
ok_soon 'and what happens now' is_logged 1 "event=kill uid=2001 pid=$pid "
is 'each once' "$(sed -n 's/.*uid_memd\[[0-9]*\]: seq=\([0-9]*\) .*/\1/p' /tmp/log | uniq -d)" ''
is 'none is left out' "$(sed -n 's/.*uid_memd\[[0-9]*\]: seq=\([0-9]*\) .*/\1/p' /tmp/log | tr '\n' ' ')" \
    "$(events | sed 's/^seq=\([0-9]*\) .*/\1/' | tr '\n' ' ')"

# More events than the kernel keeps, with nobody to read them.
kill -KILL "$daemon_pid"
wait_for 30 gone "$daemon_pid"
last=$(events | tail -n 1 | sed 's/^seq=\([0-9]*\) .*/\1/')
seq 10000 14999 | sed 's/$/ max=100M/' >/tmp/lines
write_once /proc/uid_mem/limits </tmp/lines
# The kills of before are kept; the oldest of what came after them counts.
oldest=$(events | sed -n 's/^seq=\([0-9]*\) .*/\1/p' | awk -v last="$last" '$1 > last { print; exit }')
daemon
ok_soon 'how many it has missed' is_logged 1 "daemon.warn uid_memd.*event=lost count=$((oldest - last - 1))\$"
ok_soon 'all others come' is_logged 1 "event=limit_set uid=14999 "
is 'each of them' "$(logged 'event=limit_set uid=1[0-4][0-9][0-9][0-9] ')" $((last + 5001 - oldest))

# The log is down for a while.
kill -KILL "$(pidof syslogd)"
wait_for 30 eval '! pidof syslogd >/dev/null'
rm -f /dev/log
syslogd -n -O /tmp/log &
ok_soon 'another syslogd listens' test -S /dev/log
limits '2007 max=64M'
ok_soon 'it is found' is_logged 1 'event=limit_set uid=2007 '

daemon_pid=$(cat /tmp/pid)
kill "$daemon_pid"
ok_soon 'SIGTERM ends it' gone "$daemon_pid"
ok 'nothing is left behind' [ ! -e /tmp/pid ]

uid_memd --foreground --limits /tmp/file --state /tmp/state 2>/tmp/messages &
foreground=$!
limits '2008 max=64M'
ok_soon 'in the foreground stderr is the log' grep -q '^uid_memd: seq=.* event=limit_set uid=2008 ' /tmp/messages
kill -INT "$foreground"
wait "$foreground"
is 'its status is 0' $? 0
done_testing

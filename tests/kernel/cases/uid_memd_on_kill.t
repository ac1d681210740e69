#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# uid_memd --on-kill runs a command for each kill, with the event in its
# environment: nothing that a process calls itself gets into the command. What
# it runs is not protected as it is itself, and nothing of it is left.

# shellcheck disable=SC2154,SC2317  # pid, mib; functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

rm -f /tmp/hold.*
lines() { [ "$(wc -l </tmp/kills)" -ge "$1" ]; }
no_children() { [ -z "$(cat "/proc/$1/task/$1/children")" ]; }
daemon() { uid_memd --pidfile /tmp/pid --no-restore --state /tmp/state --on-kill "$1" || give_up 'the daemon starts'; }
end_daemon() {
    daemon_pid=$(cat /tmp/pid)
    kill "$1" "$daemon_pid"
    wait_for 30 gone "$daemon_pid"
}

: >/tmp/kills
limits '2001 max=64M'
puppet before 2001
dies before use 96M

# shellcheck disable=SC2016  # for the daemon's shell
daemon 'env >/tmp/environment
    cat /proc/self/oom_score_adj >/tmp/process
    grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status >>/tmp/process
    ls /proc/self/fd >>/tmp/process
    echo "$UID_MEM_PID $UID_MEM_COMM" >>/tmp/kills'
puppet bloat 2001
bloat=$pid
# shellcheck disable=SC2016
does bloat name '$(id);`ps`"\ '
dies bloat use 96M
ok_soon 'the command runs' lines 1
is 'not for a kill before the first start' "$(cut -d' ' -f1 /tmp/kills)" "$bloat"
# shellcheck disable=SC2016
is 'the name is what the event has' "$(cat /tmp/kills)" "$bloat \$(id);\`ps\`\\x22\\x5c "
is 'all of the event is in the environment' \
    "$(sed -n 's/^UID_MEM_/ /p' /tmp/environment | sort)" \
    "$(events | grep "pid=$bloat " | sed 's/comm="[^"]*" //' | tr ' ' '\n' |
        awk -F= '{ print " " toupper($1) "=" $2 }' | { cat; sed -n 's/^[0-9]* / COMM=/p' /tmp/kills; } | sort)"
# The fourth is the directory.
is 'it may be killed, gets signals, and has three files' "$(tr -s '\t\n ' ' ' </tmp/process)" \
    '0 SigBlk: 0000000000000000 SigIgn: 0000000000000000 SigCgt: 0000000000000000 0 1 2 3 '
ok_soon 'nothing of it is left' no_children "$(cat /tmp/pid)"

# What was killed while the daemon was away is not forgotten.
end_daemon -KILL
puppet away 2001
dies away use 96M
# shellcheck disable=SC2016
daemon 'echo "$UID_MEM_PID" >>/tmp/kills; mkfifo /tmp/hold."$UID_MEM_PID"; read -r _ </tmp/hold."$UID_MEM_PID"; exit 3'
ok_soon 'a kill while it was away' grep -qx "$pid" /tmp/kills

# The command hangs: no more than 8 at once, the others wait, and so does nobody else.
: >/tmp/kills
for i in 1 2 3 4 5 6 7 8 9 10 11; do
    puppet "many$i" 2001
    tell "many$i" use 96M
done
ok_soon 'commands that hang' lines 7
sleep 2
is 'are 8, one of them from before' "$(wc -l </tmp/kills)" 7
while sleep 0.1; do
    for fifo in /tmp/hold.*; do
        [ ! -p "$fifo" ] || { echo >"$fifo" && rm -f "$fifo"; }
    done
done 2>/dev/null &
ok_soon 'the others come when there is room' lines 11
is 'one for each kill' "$(sort -u /tmp/kills | wc -l)" 11
done_testing

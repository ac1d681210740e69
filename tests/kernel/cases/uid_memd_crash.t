#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# kill -9 of uid_memd under load, many times: no limit is lost or changed,
# none of its files or processes is left, and each event is forwarded.

# shellcheck disable=SC2154,SC2317  # pid, mib; functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

daemon() {
    uid_memd --pidfile /tmp/pid --limits /tmp/file --state /tmp/state --interval 0.001 \
        --textfile /tmp/metrics/uid_mem.prom --textfile-interval 0.1 --on-kill "$command" || give_up 'the daemon starts'
}
# shellcheck disable=SC2016  # for the daemon's shell
command='echo "$UID_MEM_SEQ" >>/tmp/kills'

rm -rf /tmp/metrics /tmp/kills
mkdir /tmp/metrics
seq 2001 2500 | sed 's/$/ max=48M/' >/tmp/file
: >/tmp/log
syslogd -n -O /tmp/log &
ok_soon 'a syslogd listens' test -S /dev/log
daemon
limits '2001 max=32M' '!2500' '3000 max=64M'
cat /proc/uid_mem/limits >/tmp/want
while :; do uid_mem_hog 2001 - 24M 24M 24M; done >/dev/null 2>&1 &
while :; do uid_mem_hog 2002 - 24M 24M 24M; done >/dev/null 2>&1 &
uid_churn 2003 2010 8388608 100000 >/dev/null 2>&1 &
lost=0
for round in $(seq $((16 / FACTOR + 4))); do
    sleep 0.$((round % 10))
    daemon_pid=$(cat /tmp/pid)
    kill -KILL "$daemon_pid"
    wait_for 30 gone "$daemon_pid"
    cmp -s /tmp/want /proc/uid_mem/limits || lost=$((lost + 1))
    daemon
    cmp -s /tmp/want /proc/uid_mem/limits || lost=$((lost + 1))
done
is 'no limit is lost' "$lost" 0
kill %2 %3 %4
killall uid_mem_hog uid_churn 2>/dev/null
limits '4000 max=64M'
ok_soon 'the log comes to the last event' grep -q 'event=limit_set uid=4000 ' /tmp/log
echo "# $(grep -c event=kill /tmp/log) kills"
ok 'there were kills' grep -q event=kill /tmp/log
first=$(sed -n 's/.*uid_memd\[[0-9]*\]: seq=\([0-9]*\) .*/\1/p' /tmp/log | head -n 1)
last=$(sed -n 's/.*uid_memd\[[0-9]*\]: seq=\([0-9]*\) .*/\1/p' /tmp/log | tail -n 1)
is 'each event is in the log' \
    "$(sed -n 's/.*uid_memd\[[0-9]*\]: seq=\([0-9]*\) .*/\1/p' /tmp/log | sort -un | wc -l)" $((last - first + 1))
all_have_run() {
    [ "$(sort -un /tmp/kills | wc -l)" = "$(grep -o 'seq=[0-9]* ts=[0-9]* event=kill' /tmp/log | sort -u | wc -l)" ]
}
ok_soon 'each kill had its command' all_have_run
is 'one daemon' "$(pidof uid_memd)" "$(cat /tmp/pid)"
is 'no dead process' "$(grep -l '^State:[[:space:]]*Z' /proc/[0-9]*/status | while read -r file; do
    grep -H '^Name:[[:space:]]*\(uid_memd\|sh\)$' "$file"; done)" ''
ok 'no other file' [ "$(ls -A /tmp/metrics)" = uid_mem.prom ]
done_testing

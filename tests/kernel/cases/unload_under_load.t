#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The module can be unloaded at any time: while memory is used, processes are
# killed, come and go, and files are read. Without it nobody is killed.
#
# cpus: one after the other

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

hogs() {
    while :; do
        uid_mem_hog 2001 - 24M 24M 24M
        uid_mem_hog 2002 - 8M 8M
    done >/dev/null 2>&1
}
readers() {
    while :; do
        cat /proc/uid_mem/stats /proc/uid_mem/limits
        read_events all
    done >/dev/null 2>&1
}
hogs &
readers &
uid_churn 2001 2004 8388608 100000 >/dev/null 2>&1 &
rounds=$((8 / FACTOR + 4))
reloads=0
kills=0
for round in $(seq "$rounds"); do
    limits '2001 max=48M' '2002 max=64M' '2000-2999 max=96M' || break
    sleep 0.$((round % 10))
    kills=$((kills + $(event_count event=kill)))
    wait_for 30 rmmod uid_mem 2>/dev/null || break
    [ ! -e /proc/uid_mem ] || break
    sleep 0.1
    insmod /t/uid_mem.ko || break
    reloads=$((reloads + 1))
done
is 'reloaded each time' "$reloads" "$rounds"
echo "# $kills kills"
is 'freshly loaded it knows no limit' "$(cat /proc/uid_mem/limits /proc/uid_mem/stats)" ''
limits '2003 max=32M'
puppet big 2003
dies big use 64M
done_testing

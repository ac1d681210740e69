#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# uid_memd --tell writes to the terminals of the user whom an event is about, and
# to no other; --on-high runs a command at the high mark.

# shellcheck disable=SC2154,SC2317  # pid, mib; functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
mkfifo /tmp/typed

# terminal_of NAME UID MODE: a terminal of that user; what is written to it is in /tmp/NAME.
terminal_of() {
    terminal 80 24 sleep 1000 </tmp/typed >"/tmp/$1" &
    terminals="$terminals $!"
    ok_soon "there is a terminal: $1" [ -s "/tmp/$1" ]
    terminal_name=$(head -n 1 "/tmp/$1" | tr -d '\r')
    chown "$2" "$terminal_name"
    chmod "$3" "$terminal_name"
}

terminals=
sleep 1000 >/tmp/typed &
writer=$!
terminal_of own 2001 620
terminal_of second 2001 620
terminal_of silent 2001 600
terminal_of stranger 2002 620
limits '2001 max=64M high=32M'
# shellcheck disable=SC2016  # for the daemon's shell
uid_memd --pidfile /tmp/pid --no-restore --state /tmp/state --tell \
    --on-high 'echo "$UID_MEM_EVENT $UID_MEM_UID $UID_MEM_HIGH $UID_MEM_MAX" >>/tmp/high' || give_up 'the daemon starts'

puppet bloat 2001
does bloat use 48M
ok_soon 'the user is told at the high mark' grep -q 'your processes use [0-9]* MiB of memory; the limit is 64 MiB' /tmp/own
ok_soon 'on each terminal' grep -q 'the limit is 64 MiB' /tmp/second
ok_soon 'the command runs' grep -qx "high 2001 $((32 * mib)) $((64 * mib))" /tmp/high
dies bloat use 96M
ok_soon 'and at a kill' grep -q "your process $pid (.*) was killed: your processes used [0-9]* MiB" /tmp/own
is 'nobody else is' "$(grep -c uid_mem: /tmp/stranger)" 0
is 'nor one who does not want to' "$(grep -c uid_mem: /tmp/silent)" 0

kill "$(cat /tmp/pid)"
wait_for 30 gone "$(cat /tmp/pid)"
# shellcheck disable=SC2086  # a list
kill $terminals $writer
wait
umount /dev/pts
done_testing

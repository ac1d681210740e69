#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What waits for events does not keep the module, and may be there for longer:
# an entry of epoll, and a stopped process in poll(). Neither touches what the
# module had.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

mkfifo /tmp/go
read_events epoll </tmp/go >/tmp/epoll 2>/tmp/ready &
waiting=$!
exec 7>/tmp/go
ok_soon 'a program waits by epoll' grep -q ready /tmp/ready
read_events poll 600000 >/tmp/poll 2>/tmp/ready2 &
stopped=$!
ok_soon 'another by poll()' grep -q ready /tmp/ready2
sleep 1
kill -STOP "$stopped"
ok 'the module is unloaded all the same' rmmod uid_mem
kill -CONT "$stopped"
exec 7>&-
ok_soon 'both end' gone "$waiting" "$stopped"
is 'one has closed its file' "$(cat /tmp/epoll)" closed
ok 'the module is loaded again' insmod /t/uid_mem.ko
limits '2001 max=64M'
is 'and tells events' "$(event_count event=limit_set)" 1
done_testing

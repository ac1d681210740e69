#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# events can be polled, read with blocking and without, and in pieces of any
# size; a reader does not keep the module from being unloaded.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

read_events poll 200 >/tmp/poll 2>/dev/null
is 'nothing to read: poll() times out' $? 3
is 'nothing to read: read() gives EAGAIN, not an end' "$(events)" ''

read_events poll 600000 >/tmp/poll 2>/tmp/ready &
poller=$!
ok_soon 'a program polls' grep -q ready /tmp/ready
limits '2001 max=64M'
ok_soon 'an event wakes it' gone "$poller"
is 'with the event' "$(sed 's/.* event/event/' /tmp/poll)" 'event=limit_set uid=2001 max=67108864'

read_events block >/tmp/block 2>/tmp/ready &
blocked=$!
ok_soon 'a program blocks in read()' grep -q ready /tmp/ready
sleep 1
ok 'for it has nothing to read' alive "$blocked"
limits '!2001'
ok_soon 'an event wakes it too' gone "$blocked"
is 'and is read' "$(sed 's/.* event/event/' /tmp/block)" 'event=limit_removed uid=2001 max=67108864'

limits '2001 max=64M' '2002-2009 max=1G' '!2001'
events >/tmp/whole
for size in 1 7 64 4096; do
    read_events bytes "$size" >/tmp/pieces
    ok "read in pieces of $size bytes it is the same" cmp -s /tmp/whole /tmp/pieces
done
is 'numbered from 0' "$(sed 's/^seq=\([0-9]*\) .*/\1/' /tmp/whole | tr '\n' ' ')" '0 1 2 3 4 '
ok 'times do not go back' eval "sed 's/.* ts=\([0-9]*\) .*/\1/' /tmp/whole | sort -n -c"

read_events block >/tmp/block 2>/tmp/ready &
blocked=$!
read_events poll 600000 >/tmp/poll 2>/tmp/ready2 &
poller=$!
ok_soon 'they wait again' grep -q ready /tmp/ready
ok_soon 'both' grep -q ready /tmp/ready2
fresh_module
ok_soon 'the module goes, and they with it' gone "$blocked" "$poller"
# Which of the two depends on what comes first, the end of the events or that of the file.
ok 'the poller is told' grep -qx 'hangup\|read: EIO' /tmp/poll
done_testing

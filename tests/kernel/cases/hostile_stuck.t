#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Victims that hang with their memory, here in the hands of a tracer of the same
# UID, count again after a moment. Then the others of the UID are next, the tracer
# among them, which sets them free.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=100M'
as 2001 stuck_victims 8 2>/dev/null &
tracer=$!
# The limit, and what one victim may hold: that which went above it.
seen=$(watch_usage 2001 $((208 * mib)) "$tracer")
peak=${seen% *}
longest=${seen#* }
echo "# at most $((peak / mib)) MiB, more than the limit and one victim for $longest ms"
ok 'usage never stays above the limit and what one victim holds' [ "$longest" -le $((200 * FACTOR)) ]
ok 'nor gets far above' [ "$peak" -lt $((320 * mib)) ]
ok 'the tracer was killed, too' has_events 1 "event=kill uid=2001 pid=$tracer "
ok_soon 'and all memory is free' stat_is 2001 usage -eq 0
is 'nobody was killed twice' "$(events | sed -n 's/.*event=kill uid=2001 \(pid=[0-9]*\) .*/\1/p' | sort | uniq -d)" ''

puppet next 2001
next=$pid
does next use 80M
sleep 1
ok 'the next one has the whole limit' alive "$next"
done_testing

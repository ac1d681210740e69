#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The shortest way through: a limit is set, the process above it dies, its twin
# of the same UID and a larger one of another UID live, the limit goes.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

puppet twin 2001
twin=$pid
puppet other 2002
other=$pid
puppet bloat 2001
does twin use 8M
does other use 96M

limits '2001 max=64M'
is 'the table' "$(cat /proc/uid_mem/limits)" \
    '2001 max=67108864 high=max on_high=event policy=default metric=rss grace_ms=0 mode=enforce'
dies bloat use 96M
ok 'its twin lives' alive "$twin"
ok 'a larger process of another UID lives' alive "$other"
is 'one kill' "$(event_count 'event=kill')" 1
is 'of its UID and pid' "$(event_count "event=kill uid=2001 pid=$pid comm=\"puppet\" policy=highest_rss ")" 1

limits '!2001'
is 'no limit any more' "$(cat /proc/uid_mem/limits)" ''
does twin use 96M
done_testing

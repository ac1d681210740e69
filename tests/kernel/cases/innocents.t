#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# metric=footprint kills nobody of a UID that uses less than its limit, whatever the
# resident set sizes add up to: twenty rounds of servers that fork.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

needs_footprint

limits '2001 max=100M metric=footprint'
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    puppet "server$round" 2001
    all="server$round"
    tell "server$round" use 60M >/dev/null
    for child in a b c d e f; do
        tell "server$round" fork "$child$round" >/dev/null
        all="$all $child$round"
    done
    tell "a$round" exec "a$round" >/dev/null
    tell "b$round" forks 3 >/dev/null
    for name in $all; do
        tell "$name" exit >/dev/null
    done
    ok_soon "round $round is over" stat_is 2001 usage -lt $((8 * mib))
done
is 'nobody was killed' "$(event_count 'event=(max|kill) ')" 0
done_testing

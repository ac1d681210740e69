#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Processes that end by themselves while one of them is chosen, killed or gone:
# nothing is left locked, counted or killed that should not be.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M'
puppet twin 2001
twin=$pid
puppet other 2002
other=$pid
does twin use 4M
does other use 96M
rounds=$((60 / FACTOR + 10))
report=$(exit_race 2001 4 20971520 "$rounds")
is "$rounds rounds: each finishes or is killed" $? 0
echo "# $report"
ok 'some were killed' [ "$(event_count 'event=kill uid=2001 ')" -gt 0 ]
is 'a small one of the same UID lives, and a large one of another' "$(alive "$twin" "$other" && echo yes)" yes
is 'only of that UID' "$(event_count event=kill)" "$(event_count 'event=kill uid=2001 ')"
is 'each only once' "$(events | sed -n 's/.*event=kill .*pid=\([0-9]*\) .*/\1/p' | sort | uniq -d)" ''
ok_soon 'usage is that of the twin' stat_is 2001 usage -lt $((6 * mib))
is 'one process' "$(stat_of 2001 procs)" 1
events | awk '/event=kill/ { for (i = 1; i <= NF; i++) { split($i, part, "="); value[part[1]] = part[2] }
    if (value["usage"] + 0 <= value["max"] + 0) bad++ } END { exit bad > 0 }'
is 'nobody was killed within the limit' $? 0
done_testing

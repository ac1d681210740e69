#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A process whose first thread has ended is still one: it counts, also for a
# limit that is set afterwards, and can be killed.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M'
puppet early 2001
early=$pid
does early use 40M
does early exit-leader
ok_soon 'the first thread has ended' grep -q '^State:[[:space:]]*Z' "/proc/$early/status"
does early use 1M
ok 'its memory counts' [ "$(stat_of 2001 usage)" -ge $((41 * mib)) ]
is 'it is a process' "$(stat_of 2001 procs)" 1
dies early use 40M
is 'it is killed' "$(event_count "event=kill uid=2001 pid=$early ")" 1
ok_soon 'its memory is gone' stat_is 2001 usage -eq 0

puppet late 2002
late=$pid
does late use 40M
does late exit-leader
ok_soon 'the first thread of another has ended' grep -q '^State:[[:space:]]*Z' "/proc/$late/status"
limits '2002 max=64M'
ok 'it counts for a limit set then' [ "$(stat_of 2002 usage)" -ge $((40 * mib)) ]
dies late use 40M
is 'it is killed too' "$(event_count "event=kill uid=2002 pid=$late ")" 1
done_testing

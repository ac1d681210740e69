#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Never a victim: the global init, kernel threads, oom_score_adj -1000. Of the
# others the policy chooses.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M'
puppet rock 2001
rock=$pid
echo -1000 >"/proc/$rock/oom_score_adj"
does rock use 40M
puppet soft 2001
dies soft use 30M
ok 'the smaller one died, the larger one is exempt' alive "$rock"
is 'one kill' "$(event_count "event=kill uid=2001 pid=$pid ")" 1
echo -999 >"/proc/$rock/oom_score_adj"
dies rock use 30M
is '-999 is not exempt' "$(event_count "event=kill uid=2001 pid=$rock ")" 1
ok 'init lives' alive 1
ok 'kernel threads live' alive 2
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# All processes that share the victim's address space are killed with it. If one
# of them has oom_score_adj -1000, none is: that would give nothing back. Memory
# counts once, however many share it.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M'
puppet big 2001
big=$pid
does big sharer
sharer=$answer
does big use 40M
ok 'counted once' [ "$(stat_of 2001 usage)" -lt $((50 * mib)) ]
is 'and so do its processes' "$(stat_of 2001 procs)" 1
dies big use 40M
ok_soon 'who shared its memory is gone too' gone "$sharer" "$big"
is 'one kill' "$(event_count event=kill)" 1
ok_soon 'nothing is left' stat_is 2001 usage -eq 0

puppet big 2001
big=$pid
does big vfork-sharer
sharer=$answer
echo -1000 >"/proc/$sharer/oom_score_adj"
is 'the first is not exempt' "$(cat "/proc/$big/oom_score_adj")" 0
does big use 96M
ok_soon 'nobody can be killed for the memory they share' has_events 1 "event=unkillable uid=2001 pid=$sharer "
ok 'both live' alive "$big" "$sharer"
ok 'it still counts' [ "$(stat_of 2001 usage)" -gt $((64 * mib)) ]
echo 0 >"/proc/$sharer/oom_score_adj"
ok_soon 'exempt no more: killed' gone "$sharer" "$big"
done_testing

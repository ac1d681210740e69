#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A UID above its limit whom no kill would help: one event, not a flood, no
# endless scan, no victim that is not there; enforced as soon as one would.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M'
puppet rock 2001
rock=$pid
echo -1000 >"/proc/$rock/oom_score_adj"
does rock use 96M
ok_soon 'the event' has_events 1 "event=unkillable uid=2001 pid=$rock .* usage=[0-9]* max=67108864$"
ok 'it lives' alive "$rock"
does rock use 8M
sleep 5
ok 'told now and then only' [ "$(event_count event=unkillable)" -le 2 ]
is 'nobody was killed' "$(event_count event=kill)" 0

# The machine goes on, and so do others.
puppet other 2002
does other use 96M
# Another of the same UID can be killed, in vain.
puppet late 2001
late=$pid
sleep 2
ok 'nobody dies for what is not given back by it' alive "$late" "$rock"

echo 0 >"/proc/$rock/oom_score_adj"
ok_soon 'exempt no more: killed' gone "$rock"
is 'by the limit' "$(event_count "event=kill uid=2001 pid=$rock ")" 1
ok 'and only that one' alive "$late"
done_testing

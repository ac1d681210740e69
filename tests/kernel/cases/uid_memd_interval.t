#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# uid_memd --interval has the kernel scan all limited users, with the policy it
# was given: the original's daemon.

# shellcheck disable=SC2154,SC2317  # pid, mib; functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

uid_memd --foreground --no-restore --state /tmp/state --interval 0.002 --policy youngest 2>/tmp/messages &
daemon=$!
limits '2001 max=64M policy=worst'
# Who may not be killed is over the limit, and is looked at by the kernel itself each second, with
# the limit's policy. As soon as it may be, the scans are there first, all but always.
for round in 1 2 3 4 5; do
    puppet "rock$round" 2001
    rock=$pid
    echo -1000 >"/proc/$rock/oom_score_adj"
    tell "rock$round" use 96M
    echo 0 >"/proc/$rock/oom_score_adj"
    ok_soon "killed ($round)" gone "$rock"
done
events | sed -n 's/.*event=kill .* \(policy=[a-z_]*\) .*/\1/p' | sort | uniq -c | comment
ok 'by the policy of the scans' [ "$(event_count 'event=kill uid=2001 .* policy=youngest ')" -ge 1 ]
ok 'it goes on' alive "$daemon"
is 'with nothing to say but the events' "$(grep -vc event= /tmp/messages)" 0
puppet within 2001
does within use 48M
sleep 1
ok 'who is within the limit lives' alive "$pid"
kill "$daemon"
wait "$daemon"
is 'its status is 0' $? 0

is 'an unknown policy' "$(uid_memd --foreground --no-restore --state /tmp/state --interval 1 --policy tallest 2>&1)" \
    "uid_memd: --policy: there is no policy 'tallest'; the module has default,$(sed 's/.* policies=\([^ ]*\).*/\1/' /proc/uid_mem/features)"

# No wake-ups but for what there is to do.
switches() { awk '/ctxt_switches/ { sum += $2 } END { print sum }' "/proc/$daemon/status"; }
uid_memd --foreground --no-restore --state /tmp/state2 2>/tmp/messages &
daemon=$!
ok_soon 'without --interval' grep -q seq= /tmp/messages
sleep 1
before=$(switches)
sleep 5
is 'it sleeps' "$(switches)" "$before"
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A process that takes more and more dies; its twin of the same UID, which does
# not, lives, and so does a larger one of another UID: over and over.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M' '2002 max=256M'
puppet chill 2001
chill=$pid
does chill use 16M
puppet large 2002
large=$pid
does large use 96M
for round in 1 2 3 4 5; do
    puppet bloat 2001
    bloat=$pid
    while tell bloat use 4M; do
        :
    done
    ok_soon "bloat $round is gone" gone "$bloat"
    ok "its twin lives ($round)" alive "$chill"
    is "killed as it should be ($round)" "$(event_count "event=kill uid=2001 pid=$bloat ")" 1
done
ok 'the larger one of another UID lives' alive "$large"
is 'five kills' "$(event_count event=kill) $(stat_of 2001 kills)" '5 5'
does chill use 16M
done_testing

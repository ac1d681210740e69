#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A UID above its limit holds up nobody else: its tasks do not wait for victims
# while they hold a lock that another UID's process wants. The time is measured
# with a victim that never gives back its memory.
#
# On an idle machine it is below 10 ms, and was up to a second when they waited. A
# busy machine takes the guest's CPUs away for longer than 10 ms, so what is
# asserted lies between.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

uid=2001
allowed_us=$((250000 * FACTOR))

for way in pipe file cmdline; do
    held_us=$(hold_up "$way" "$uid" 2>/tmp/rounds)
    cat /tmp/rounds
    ok "$way: another UID is held up by no more than $allowed_us us: $held_us" \
        [ "${held_us:-$((allowed_us + 1))}" -le "$allowed_us" ]
    ok "$way: there was a victim" [ "$(stat_of "$uid" kills)" -ge 1 ]
    limits "!$uid"
done

done_testing

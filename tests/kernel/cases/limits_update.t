#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Setting a limit again changes its entry, and never makes a second one; each
# line declares the whole entry.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

for size in 64M 32M 48M 128M; do
    limits "2001 max=$size" '2002 max=1G'
done
is 'one entry each' "$(cut -d' ' -f1,2 /proc/uid_mem/limits | tr '\n' ';')" '2001 max=134217728;2002 max=1073741824;'
limits '2001 max=64M high=32M metric=anon grace_ms=5 mode=audit'
limits '2001 max=64M'
is 'keys left out take their defaults' "$(head -n 1 /proc/uid_mem/limits)" \
    '2001 max=67108864 high=max on_high=event policy=default metric=rss grace_ms=0 mode=enforce'
limits '2001 max=1M' '2001 max=64M'
is 'of two lines for one UID the last counts' "$(cut -d' ' -f1,2 /proc/uid_mem/limits | head -n 1)" '2001 max=67108864'
is 'an event for each' "$(event_count 'event=limit_set uid=2001 ')" 8

# A larger limit gives room at once.
limits '2001 max=32M'
puppet big 2001
does big use 20M
limits '2001 max=64M'
does big use 20M
dies big use 40M
done_testing

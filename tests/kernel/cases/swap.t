#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Swapped-out memory counts for metric=anon, and does not for metric=rss.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

swap_on
limits '2001 max=64M metric=anon' '2002 max=64M metric=rss'
puppet a 2001
a=$pid
puppet b 2002
b=$pid
does a use 40M
does b use 40M
does a pageout
does b pageout
ok 'the memory is swapped out' [ "$(stat_of 2001 swap)" -ge $((32 * mib)) ]
ok 'also that of the other' [ "$(stat_of 2002 swap)" -ge $((32 * mib)) ]
ok 'anon: it counts as before' [ "$(stat_of 2001 usage)" -ge $((40 * mib)) ]
ok 'rss: it counts no more' [ "$(stat_of 2002 usage)" -lt $((16 * mib)) ]
does b use 40M
ok 'rss: there is room' alive "$b"
dies a use 40M
is 'anon: there is none' "$(event_count 'event=kill uid=2001 ')" 1
ok_soon 'a swapped-out process that ends is not counted any more' stat_is 2001 swap -eq 0
is 'one kill' "$(event_count event=kill)" 1
ok 'killed it was, and not b' gone "$a"
done_testing

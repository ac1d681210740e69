#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# max_entries=N: the bounded table of the original. When it is full, the least
# recently set entry goes, with an event; setting an entry again makes it the
# most recently set. With evict=0 the new entry is refused instead.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

table() { cut -d' ' -f1 /proc/uid_mem/limits | tr '\n' ' '; }
reload max_entries=3
puppet big 2002
does big use 48M
limits '2001 max=64M'
limits '2002 max=64M'
limits '2003 max=64M'
limits '2001 max=48M'
is 'full' "$(table)" '2001 2002 2003 '
limits '2004 max=64M'
is 'the least recently set one went' "$(table)" '2001 2003 2004 '
is 'the event' "$(events | sed -n 's/.*\(event=evicted.*\)/\1/p')" 'event=evicted uid=2002 max=67108864'
does big use 48M
ok 'who has no limit any more may use what it wants' alive "$pid"

limits '2003 max=64M'
limits '2005-2009 max=64M'
is 'setting it to the same makes it the most recent' "$(table)" '2003 2004 2005-2009 '
limits '2011 max=64M' '2012 max=64M' '2013 max=64M' '2014 max=64M'
is 'a write of more than there is room for leaves its last' "$(table)" '2012 2013 2014 '
is 'an event for each that went' "$(event_count event=evicted)" 6

echo 0 >/sys/module/uid_mem/parameters/evict
refused ENOSPC '2015 max=64M'
refused ENOSPC '2012 max=32M' '2015 max=64M'
limits '2012 max=32M'
limits '!2013' '2015 max=64M'
is 'where one goes there is room for another' "$(table)" '2012 2014 2015 '
is 'nothing was evicted' "$(event_count event=evicted)" 6

# Ten, as in the original.
reload max_entries=10
for uid in 1 2 3 4 5 6 7 8 9 10 1 11; do
    limits "$uid max=64M"
done
is 'ten of them' "$(table)" '1 3 4 5 6 7 8 9 10 11 '
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# "!" removes a limit: its processes may use what they want, at once. What is
# not there cannot be removed.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M' '2000-2999 max=128M' '3000-3999 max=64M'
puppet big 2001
does big use 48M
limits '!2001'
does big use 48M
is 'it counts to the range around it now' "$(stat_of 2001 max)" 134217728
limits '!2000-2999'
does big use 96M
is 'no limit, no line' "$(grep -c '^2001 ' /proc/uid_mem/stats)" 0
is 'nobody was killed' "$(event_count event=kill)" 0
is 'the events' "$(events | sed -n 's/.*\(event=limit_removed.*\)/\1/p' | tr '\n' ';')" \
    'event=limit_removed uid=2001 max=67108864;event=limit_removed uid=2000-2999 max=134217728;'

refused ENOENT '!2001'
refused ENOENT '!3000'
refused ENOENT '!3000-3998'
limits '!3000-3999'
refused ENOENT '!3000-3999'
is 'the table is empty' "$(cat /proc/uid_mem/limits)" ''

# A limit that is removed and set in one write is as good as new.
limits '2001 max=1G'
limits '!2001' '2001 max=512M'
is 'removed and set' "$(cut -d' ' -f1,2 /proc/uid_mem/limits)" '2001 max=536870912'
done_testing

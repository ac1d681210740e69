#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# All the complete lines of one write() apply, or none: a fault in the last
# line leaves neither a limit nor an event nor a kill of the lines before it.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

puppet big 2001
does big use 32M

refused EINVAL '2001 max=1M' '2002 max=banana'
refused EINVAL '2001 max=1M' '2001-2005 max=1M' '2003-2009 max=1M'
refused ERANGE '2001 max=1M' '0 max=1M'
refused ENOENT '2001 max=1M' '!2009'
is 'no event' "$(event_count .)" 0
ok 'nobody was killed' alive "$pid"

limits '2002 max=64M'
refused EINVAL '!2002' '2003 max=64M' '2004 max=64M colour=red'
is 'the table' "$(cut -d' ' -f1 /proc/uid_mem/limits)" 2002

# Ten thousand in one write: all of them, in order.
seq 10000 19999 | sed 's/$/ max=100M/' >/tmp/many
ok 'a write of 10,000 lines' write_once /proc/uid_mem/limits </tmp/many
is 'all are there' "$(grep -c 'max=104857600' /proc/uid_mem/limits)" 10000
ok 'sorted by UID' sort -n -c /proc/uid_mem/limits
{ seq 10000 19998 | sed 's/^/!/'; echo '!9999'; } >/tmp/many
is 'one wrong removal' "$(write_once /proc/uid_mem/limits </tmp/many)" ENOENT
is 'none is gone' "$(grep -c 'max=104857600' /proc/uid_mem/limits)" 10000
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A process that changes its real UID takes its memory along, in both
# directions; a thread that is not the first one does not.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M' '2002 max=64M' '2003 max=32M'
puppet mover 0
mover=$pid
does mover use 40M
is 'root has no limit: no line' "$(cat /proc/uid_mem/stats)" ''
usage_is() { # UID MIB
    near "UID $1 uses $2 MiB" "$(stat_of "$1" usage)" $(($2 * mib)) $((2 * mib))
}
does mover setreal 2001
usage_is 2001 40
does mover setreal 2002
usage_is 2001 0
usage_is 2002 40
is 'the process went with it' "$(stat_of 2001 procs) $(stat_of 2002 procs)" '0 1'

does mover thread-setreal 2001
usage_is 2001 0
usage_is 2002 40
does mover setreal 0
usage_is 2002 0
does mover use 40M
does mover free
does mover use 40M
does mover setreal 2001
usage_is 2001 40
# What is changed by the effective UID only does not count.
is 'nobody was killed' "$(event_count 'event=(max|kill)')" 0

tell mover setreal 2003
ok_soon 'to a UID with less room: killed' gone "$mover"
is 'by the limit of that UID' "$(event_count "event=kill uid=2003 pid=$mover ")" 1
done_testing

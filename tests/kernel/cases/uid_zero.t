#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# There is no limit on UID 0, and none that takes effect on it.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

refused ERANGE '0 max=1G'
refused ERANGE '0-10 max=1G'
refused ERANGE '2001 max=64M' '0 max=1G'
refused ERANGE '!0'
refused ERANGE '4294967295 max=1G'
limits '1-4294967294 max=16M'
puppet root 0
does root use 96M
ok 'root uses what it wants' alive "$pid"
ok 'init lives' alive 1
is 'root has no line' "$(grep -c '^0 ' /proc/uid_mem/stats)" 0
is 'nobody was killed' "$(event_count event=kill)" 0
# A user who becomes root, and the other way round.
puppet user 4294967294
dies user use 32M
does root setreal 0
ok 'still' alive 1
done_testing

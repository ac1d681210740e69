#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Where the module cannot be loaded because its last step fails, nothing of it
# stays: not the limits, either, that somebody has set while its files were there.
#
# The last step is to do the work of the system calls, which somebody else does: the
# module itself, of which a copy by another name is loaded.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

uid=2001
copy=uid_mec

grep -q nr_set_mm_limits= /proc/uid_mem/features || {
    skip 'the last step fails' 'without system calls it cannot'
    done_testing
}

tried=$(init_fails /t/$copy.ko /proc/$copy/limits "$uid max=16M
" $((60 * FACTOR)))
# shellcheck disable=SC2086  # three words
set -- ${tried:-0 0 0}
echo "# loaded $1 times, refused $2 times, limits set meanwhile: $3"
is 'the copy is refused each time' "$2" "$1"
ok 'a limit was set meanwhile' [ "$3" -ge 1 ]
is 'nothing of it is there' "$(ls -d /proc/$copy /sys/module/$copy 2>/dev/null)" ''

# The kernel's accounting is free, and nobody is held to that limit.
limits "3000 max=64M"
puppet big "$uid"
does big use 48M
limits "$uid max=64M"
dies big use 48M
is 'the module that is there works' "$(event_count "event=kill uid=$uid ")" 1
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Module parameters can be given at load and changed afterwards; wrong values
# are refused both times.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

parameters=/sys/module/uid_mem/parameters
is 'defaults' "$(cat $parameters/max_entries) $(cat $parameters/evict)" '0 Y'
is 'modes' "$(cd $parameters && stat -c '%n %a' max_entries evict | tr '\n' ';')" 'max_entries 644;evict 644;'
rmmod uid_mem
for wrong in max_entries=-1 max_entries=many evict=perhaps policy=nonsense policy=default policy=; do
    not_ok "refused: $wrong" insmod /t/uid_mem.ko "$wrong" 2>/dev/null
done
insmod /t/uid_mem.ko max_entries=2 evict=0
is 'given at load' "$(cat $parameters/max_entries) $(cat $parameters/evict)" '2 N'
limits '2001 max=64M' '2002 max=64M'
refused ENOSPC '2003 max=64M'
echo 3 >$parameters/max_entries
limits '2003 max=64M'
echo 1 >$parameters/evict
limits '2004 max=64M'
is 'in force once written' "$(cut -d' ' -f1 /proc/uid_mem/limits | tr '\n' ' ')" '2002 2003 2004 '
for wrong in max_entries/-1 max_entries/x evict/7; do
    is "refused: $wrong" "$(echo "${wrong#*/}" | write_once "$parameters/${wrong%/*}")" EINVAL
done
is 'not for everybody' "$(echo 1 | as 2001 write_once $parameters/max_entries)" EACCES
done_testing

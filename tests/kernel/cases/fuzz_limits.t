#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Random lines, put together from the pieces of the grammar and damaged: each
# is accepted or refused as a whole, with one of the errors there are, the table
# stays readable, and limits work as before afterwards.
#
# cpus: one after the other

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

seconds=$((STRESS_SECONDS / 6 + 5))
seed=$(date +%s)
pids=
for number in 1 2; do
    fuzz_limits "$seconds" "$seed$number" >"/tmp/fuzz$number" &
    pids="$pids $!"
done
number=0
for fuzzer in $pids; do
    number=$((number + 1))
    wait "$fuzzer"
    is "fuzzer $number with seed $seed$number" $? 0
    comment <"/tmp/fuzz$number"
done
ok 'lines were accepted' grep -qv '^0 accepted' /tmp/fuzz1
ok 'and refused' grep -qv ' 0 refused' /tmp/fuzz1

# What the table holds is its own grammar: removed and written back it is the same.
cat /proc/uid_mem/limits >/tmp/before
ok 'the table can be removed' eval "sed 's/^\([^ ]*\) .*/!\1/' /tmp/before | write_once /proc/uid_mem/limits"
is 'all of it' "$(cat /proc/uid_mem/limits)" ''
ok 'and written back' write_once /proc/uid_mem/limits </tmp/before
ok 'as it was' cmp -s /tmp/before /proc/uid_mem/limits
sed 's/^\([^ ]*\) .*/!\1/' /tmp/before | write_once /proc/uid_mem/limits

limits '2001 max=64M'
puppet big 2001
dies big use 96M
done_testing

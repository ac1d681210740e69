#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# 10,000 processes of one UID, all killed at once, by a limit that none of them fits
# under. The kernel's log tells of no stall, and others get on. How long any task
# sleeps uninterruptibly (state D) meanwhile is printed, not asserted: it depends on
# the machine.
#
# memory: 4G

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

uid=2001
many=10000
# Debug kernels take several times the memory for a process.
[ "$FACTOR" -eq 1 ] || many=2000

blocked=$(blocked /tmp/crowd crowd limit "$uid" "$many")
is "$many processes are gone" "$?" 0
# shellcheck disable=SC2086  # four words
set -- $blocked
echo "# crowd processes=$many gone_ms=$(cut -d' ' -f1 /tmp/crowd) longest_fork_ms=$(cut -d' ' -f2 /tmp/crowd) longest_d_ms=$1 d_sleeps=$2 d_task=$3 trace=$4"
is 'the limit killed all' "$(stat_of "$uid" kills)" "$many"

limits "!$uid" "$uid max=64M"
puppet next "$uid"
does next use 48M
ok 'the next one has the whole limit' alive "$pid"
done_testing

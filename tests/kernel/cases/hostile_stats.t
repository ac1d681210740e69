#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Everybody may read stats: what that costs one without privileges does not depend
# on how many processes and limits others have.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

times=1000

limits '2001 max=64M'
puppet own 2001
does own use 4M
few=$(as 2001 read_stats "$times")

mkfifo /tmp/go
crowd keep 2002 2000 </tmp/go >/tmp/ready &
crowd=$!
exec 7>/tmp/go
ok 'another has thousands of processes' wait_for 150 grep -q ready /tmp/ready
seq 10000 14999 | sed 's/$/ max=100M/' | write_once /proc/uid_mem/limits
limits '2002 max=max'
many=$(as 2001 read_stats "$times")
echo "# $times reads: $few us alone, $many us beside 2,000 processes and 5,000 limits"
ok 'a read costs what it did before' [ "$many" -le $((2 * few + 100000)) ]
is 'and gives the own line' "$(as 2001 cut -d' ' -f1 /proc/uid_mem/stats)" 2001
exec 7>&-
wait "$crowd"
done_testing

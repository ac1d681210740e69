#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Who reads too slowly gets a line that says how many events it lost, and then
# the oldest that are kept: at least 1,024, none of them twice.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

seq 10000 14999 | sed 's/$/ max=100M/' >/tmp/lines
mkfifo /tmp/go
write_once /proc/uid_mem/limits </tmp/lines
read_events lag </tmp/go >/tmp/lag 2>/tmp/ready &
exec 7>/tmp/go
ok_soon 'a reader has read a little' grep -q ready /tmp/ready
for _ in 1 2; do
    write_once /proc/uid_mem/limits </tmp/lines
done
exec 7>&-
wait "$!"

# The line it was in the middle of when it fell behind is whole.
is 'its first line is whole' "$(head -n 1 /tmp/lag | grep -c '^seq=[0-9]* ts=[0-9]* event=limit_set uid=[0-9]* max=104857600$')" 1
is 'one line about the loss' "$(grep -c '^event=lost count=[0-9]*$' /tmp/lag)" 1
is 'it comes second' "$(sed -n 's/^event=lost count=[0-9]*$/lost/p; 2q' /tmp/lag)" lost
first=$(sed -n '1s/^seq=\([0-9]*\) .*/\1/p' /tmp/lag)
lost=$(sed -n 's/^event=lost count=//p' /tmp/lag)
next=$(sed -n '3s/^seq=\([0-9]*\) .*/\1/p' /tmp/lag)
is 'the count is that of the numbers missing' "$lost" $((next - first - 1))
kept=$(($(wc -l </tmp/lag) - 2))
ok 'at least 1,024 are kept' [ "$kept" -ge 1024 ]
is 'up to the last one' "$(tail -n 1 /tmp/lag | sed 's/^seq=\([0-9]*\) .*/\1/')" 14999
is 'each once, in order' "$(sed 1,2d /tmp/lag | sed 's/^seq=\([0-9]*\) .*/\1/' | awk 'NR > 1 && $1 != last + 1 { bad++ } { last = $1 } END { print bad + 0 }')" 0

# A reader that comes later begins with the oldest kept and has lost nothing.
is 'a new reader' "$(events | head -n 1 | sed 's/^seq=\([0-9]*\) .*/\1/')" $((15000 - $(events | wc -l)))
is 'has lost nothing' "$(event_count event=lost)" 0
done_testing

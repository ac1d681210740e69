#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sizes are bytes: whole pages of this kernel, whatever their size is.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

page=$(($(awk '/^KernelPageSize:/ { print $2; exit }' /proc/self/smaps) * 1024))
echo "# pages of $page bytes"
limits '2001 max=64M'
puppet one 2001
for key in usage peak anon file shmem swap; do
    is "$key is whole pages" $(($(stat_of 2001 "$key") % page)) 0
done
# A kernel that batches counters by thread is up to 64 pages late.
before=$(stat_of 2001 anon)
does one use 16M
near 'as many bytes as were used' $(($(stat_of 2001 anon) - before)) $((16 * mib)) $((64 * page))
dies one use 64M
for key in victim_rss usage; do
    is "$key of the event is whole pages" $(($(events | sed -n "s/.*event=kill .* $key=\([0-9]*\) .*/\1/p") % page)) 0
done
done_testing

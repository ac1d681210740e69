#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# metric=anon counts anonymous memory and swap, and neither page cache nor
# shared files; metric=rss counts them. Changing the metric counts anew.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

disk_on
dd if=/dev/zero of=/mnt/file bs=1M count=48 2>/dev/null
limits '2001 max=64M metric=anon' '2002 max=64M metric=anon'
puppet reader 2001
reader=$pid
does reader file /mnt/file
does reader share 48M
does reader use 8M
is 'files and shared memory do not count' "$(event_count 'event=(max|kill)')" 0
near 'usage is the anonymous memory' "$(stat_of 2001 usage)" "$(stat_of 2001 anon)" $((mib / 2))
ok 'the files are seen all the same' [ "$(stat_of 2001 file)" -ge $((48 * mib)) ]
ok 'and so is shared memory' [ "$(stat_of 2001 shmem)" -ge $((48 * mib)) ]

puppet writer 2002
does writer use 48M
dies writer use 24M
is 'anonymous memory does count' "$(event_count 'event=kill uid=2002 ')" 1
ok 'the reader lives' alive "$reader"

limits '2001 max=64M metric=rss'
ok_soon 'with metric=rss the same files are too much' gone "$reader"

limits '2001 max=64M metric=rss'
puppet reader 2001
does reader file /mnt/file
near 'counted as file pages' "$(stat_of 2001 usage)" $(($(stat_of 2001 file) + $(stat_of 2001 anon) + $(stat_of 2001 shmem))) $((mib / 4))
dies reader share 48M
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Who may do what: writing needs CAP_SYS_RESOURCE in the initial user
# namespace, of who opened the file and of who writes.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M'
is 'modes' "$(cd /proc/uid_mem && stat -c '%n %a' limits stats events scan features | tr '\n' ';')" \
    'limits 644;stats 444;events 400;scan 200;features 444;'
is 'owners' "$(stat -c '%u:%g' /proc/uid_mem/* | sort -u)" 0:0
ok 'anybody may read limits' as 2001 grep -q '^2001 ' /proc/uid_mem/limits
ok 'anybody may read features' as 2001 grep -q '^abi=1 engine=' /proc/uid_mem/features
is 'events: not for everybody' "$(as 2001 read_events all)" 'open: EACCES'
is 'limits: not for everybody' "$(echo '2001 max=1G' | as 2001 write_once /proc/uid_mem/limits)" EACCES
is 'scan: not for everybody' "$(echo default | as 2001 write_once /proc/uid_mem/scan)" EACCES

# A file that root opened, written by another.
as 2001 sh -c 'echo "2001 max=1G" >&8' 8>/proc/uid_mem/limits 2>/tmp/error
ok 'limits: a file that was handed over' grep -q 'Operation not permitted' /tmp/error
as 2001 sh -c 'echo default >&8' 8>/proc/uid_mem/scan 2>/tmp/error
ok 'scan: a file that was handed over' grep -q 'Operation not permitted' /tmp/error

# Root of a user namespace has all capabilities, and none that counts here.
is 'limits: root of a user namespace' \
    "$(echo '2001 max=1G' | unshare -U -r write_once /proc/uid_mem/limits)" EPERM
is 'scan: root of a user namespace' "$(echo default | unshare -U -r write_once /proc/uid_mem/scan)" EPERM
is 'nothing changed' "$(cut -d' ' -f1,2 /proc/uid_mem/limits)" '2001 max=67108864'
done_testing

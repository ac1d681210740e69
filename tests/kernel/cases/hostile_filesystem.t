#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Victims that hang in state D, because a file system does not answer: their memory
# counts until it is free, so that the UID gets no more than its limit and what one
# victim holds. The file system is a FUSE server that is silent, or one that is
# frozen; there a page fault hangs with the lock of its address space.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

uid=2001
victims=8

hang() { # WAY FILE
    limits "$uid max=100M"
    dead_filesystem hang "$1" "$2" "$uid" "$victims" >/tmp/hang &
    culprit=$!
    # The limit, and what one victim may hold: that which went above it.
    seen=$(watch_usage "$uid" $((208 * mib)) "$culprit")
    peak=${seen% *}
    longest=${seen#* }
    echo "# $1: at most $((peak / mib)) MiB, more than the limit and one victim for $longest ms; $(cat /tmp/hang) hang"
    ok "$1: there are victims that hang" [ "$(cat /tmp/hang)" -ge 1 ]
    ok "$1: usage never stays above the limit and what one victim holds" [ "$longest" -le $((200 * FACTOR)) ]
    ok "$1: nor gets far above" [ "$peak" -lt $((320 * mib)) ]
    sleep 2
    ok "$1: what hangs counts" [ "$(stat_of "$uid" usage)" -ge $((90 * mib)) ]
    uid_mem_hog "$uid" - 40M >/tmp/hog 2>&1
    is "$1: and leaves nothing for others of the UID" "$?" 3
}

is_free() { # WAY
    ok_soon "$1: all memory is free once the file system answers" stat_is "$uid" usage -eq 0
    puppet "next$1" "$uid"
    does "next$1" use 80M
    sleep 1
    ok "$1: the next one has the whole limit" alive "$pid"
    limits "!$uid"
    tell "next$1" exit
}

if grep -q 'fuse$' /proc/filesystems; then
    mkdir /tmp/dead
    dead_filesystem serve /tmp/dead >/tmp/served &
    server=$!
    ok_soon 'there is a FUSE server' grep -q ready /tmp/served
    hang look /tmp/dead/file
    kill -9 "$server"
    is_free look
    umount /tmp/dead
else
    skip 'FUSE' 'this kernel does not have it'
fi

if grep -q 'ext4$' /proc/filesystems; then
    disk_on
    echo content >/mnt/file
    chmod 666 /mnt/file
    for way in write page; do
        dead_filesystem freeze /mnt
        hang "$way" /mnt/file
        dead_filesystem thaw /mnt
        is_free "$way"
    done
else
    skip 'a frozen file system' 'this kernel has no ext4'
fi
done_testing

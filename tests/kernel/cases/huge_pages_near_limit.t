#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A process gets huge pages as long as there is room for one, whatever the number
# of CPUs, and small ones after that.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

uid=2001

huge_pages() { awk '$1 == "thp_fault_alloc" { print $2 }' /proc/vmstat; }

# mapped BYTES: how many huge pages a process of the UID gets for so much
mapped() {
    before=$(huge_pages)
    uid_mem_hog --style thp "$uid" - "$1" >/tmp/hog 2>&1
    status=$?
    echo $(($(huge_pages) - before))
    return "$status"
}

if [ ! -e /sys/kernel/mm/transparent_hugepage ]; then
    skip 'huge pages' 'this kernel has none'
    done_testing
fi
if grep -q engine=scan /proc/uid_mem/features; then
    skip 'huge pages up to the limit' 'the engine scan has to give them up earlier'
    done_testing
fi

limits "$uid max=64M"
is 'huge pages as long as there is room for one' "$(mapped 62M)" 31
is 'nobody was killed' "$(stat_of "$uid" kills)" 0
ok 'what does not fit is not taken in one piece' [ "$(mapped 72M)" -le 31 ]
is 'but page by page, until the kill' "$(stat_of "$uid" kills)" 1
done_testing

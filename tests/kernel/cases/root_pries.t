#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Root reads and writes the memory of a process that is at its limit, as a debugger
# does. That works; what is written is charged to the process, which alone is killed
# if that is too much; root is not held up. It also works where the limit is
# exceeded and nobody can be killed.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

uid=2001
start() { # KIB: sets $pid and $address
    pry start "$uid" "$1" >/tmp/address &
    # shellcheck disable=SC2034  # for "alive"
    pid=$!
    ok_soon 'a process waits' test -s /tmp/address
    address=$(cat /tmp/address)
}
pried() { # VERB OFFSET-KIB KIB
    pry "$1" "$pid" $((address + $2 * 1024)) "$3"
}

limits "$uid max=64M"
puppet other "$uid"
other=$pid
# Up to 6.1 the kernel tells of some pages of a task late.
start 57344
process=$pid
left=$(((64 * mib - $(stat_of "$uid" usage)) / 1024))
echo "# $left KiB below the limit"
is 'what it has can be read' "$(pried read 0 1024)" '1024 u'
is 'what it has not touched, too' "$(pried read 65536 1024)" '1024 0'
is 'nobody was killed for that' "$(event_count event=kill)" 0
before=$(stat_of "$uid" usage)
more=$((left / 2))
is 'root writes where there is room' "$(pried write 131072 "$more")" "$more r"
near 'the process is charged for it' "$(stat_of "$uid" usage)" $((before + more * 1024)) $((mib / 2))
ok 'and lives' alive "$process" "$other"

# Root is not told what comes of it: it finds the process gone, or got through before.
pried write 196608 65536 >/tmp/pried &
writer=$!
ok_soon 'root writes too much: the process is killed' has_events 1 "event=kill uid=$uid pid=$process "
ok_soon 'root goes on' gone "$writer"
comment </tmp/pried
ok_soon 'the process is gone' gone "$process"
ok 'no other is' alive "$other"
is 'nor was another one killed' "$(event_count event=kill)" 1

# Above the limit for good: nobody can be killed for it.
tell other exit
limits "$uid max=256M"
rm /tmp/address
start 57344
echo -1000 >"/proc/$pid/oom_score_adj"
limits "$uid max=32M"
ok_soon 'above the limit, and not to be killed' has_events 1 "event=unkillable uid=$uid "
is 'root reads all the same' "$(pried read 65536 1024)" '1024 0'
is 'and writes' "$(pried write 131072 4096)" '4096 r'
is 'what it wrote is there' "$(pried read 131072 4096)" '4096 r'
ok 'the process lives' alive "$pid"
done_testing

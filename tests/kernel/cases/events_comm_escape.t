#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A process names itself: whatever its name, it cannot forge a field or a line
# of events or of the kernel's log.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M'
number=0
for name in 'a" uid=1 x="' 'a
seq=9 ts=9 e' 'a\"b\n' "$(printf 'a\033[2J\tb')" "$(printf 'a\302\240\377b')" '        ' '%s%n%p'; do
    number=$((number + 1))
    puppet p 2001
    does p name "$name"
    dies p use 96M
    line=$(events | grep "pid=$pid ")
    is "one line, one comm, as it should be ($number)" \
        "$(echo "$line" | grep -Ec '^seq=[0-9]+ ts=[0-9]+ event=kill uid=2001 pid=[0-9]+ comm="([] !#-[^-~]|\\x[0-9a-f]{2})*" policy=[a-z_]+ victim_rss=[0-9]+ runtime_ms=[0-9]+ badness=[0-9]+ usage=[0-9]+ max=67108864$')" 1
done
is 'no line beside these' "$(event_count .)" $((1 + 2 * number))
is 'each begins with its number' "$(events | grep -vc '^seq=')" 0
is 'the name can be restored' "$(events | grep -c 'comm="a\\x0aseq=9 ts=9 e"')" 1
is 'nor in the log' "$(dmesg | grep -c '^seq=9\|^\[[^]]*\] seq=9')" 0
done_testing

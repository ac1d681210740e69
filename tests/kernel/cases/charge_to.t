#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# An entry such as "100000-165535 charge_to=2001" has all these UIDs use one
# budget, that of UID 2001, however many there are.

# shellcheck disable=SC2317  # functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

all=
use_all() { # FIRST-UID BYTES: eight puppets, each with another UID
    pids=
    for i in 0 1 2 3 4 5 6 7; do
        puppet "p$(($1 + i))" "$(($1 + i))"
        pids="$pids $pid"
        all="$all $pid"
        tell "p$(($1 + i))" use "$2" || true
    done
}
held() { # KiB that the puppets have
    for one in $pids; do
        awk '$1 == "RssAnon:" { print $2 }' "/proc/$one/status" 2>/dev/null
    done | awk '{ sum += $1 } END { print sum + 0 }'
}
lived() {
    for one in $pids; do
        ! alive "$one" || echo "$one"
    done | wc -l
}

died() { [ "$(lived)" -lt 8 ]; }

limits '1000-199999 max=64M'
use_all 150000 16M
is 'under a range, each UID has a budget of its own' "$(lived)" 8
echo "# they hold $(held) KiB under a limit of 65536 KiB"

# What runs already moves.
limits '2001 max=64M' '100000-165535 charge_to=2001'
ok_soon 'charged to one, they do not fit into its budget' died
ok_soon 'and are killed until they do' stat_is 2001 usage -le $((64 * mib))
ok 'no further' [ "$(lived)" -ge 3 ]
is 'it is one of them that dies' "$(event_count 'event=kill uid=2001 .* max=67108864')" $((8 - $(lived)))
is 'stats has no line for them' "$(grep -c '^150' /proc/uid_mem/stats)" 0
is 'but those of the UID that pays' "$(stat_of 2001 procs)" "$(lived)"

# What is started later.
before=$(event_count event=kill)
use_all 100000 16M
ok_soon 'eight more are held to the same budget' stat_is 2001 usage -le $((64 * mib))
ok 'in truth as well' [ "$(held)" -le 65536 ]
echo "# they hold $(held) KiB"
ok 'which took kills' [ "$(event_count event=kill)" -ge $((before + 5)) ]

# The UID itself is one of them.
puppet owner 2001
does owner use 8M
dies owner use 60M

# An entry within: exact before range, narrower before wider.
limits '100100 max=32M' '100200-100299 charge_to=2002' '2002 max=32M'
puppet exact 100100
exact=$pid
does exact use 24M
is 'a limit of its own counts' "$(stat_of 100100 max)" 33554432
puppet narrow 100250
does narrow use 24M
ok 'a narrower range is charged to another' [ "$(stat_of 2002 usage)" -ge $((24 * mib)) ]
narrow=$pid
dies narrow use 16M
is 'in force there' "$(event_count "event=kill uid=2002 pid=$narrow ")" 1

# The UID that pays changes, and goes.
# shellcheck disable=SC2086  # many words
kill -9 $all $exact 2>/dev/null
# shellcheck disable=SC2086
ok_soon 'they are gone' gone $all $exact
fresh_module
limits '2001 max=64M' '2002 max=64M' '100000-165535 charge_to=2001'
puppet moved 100005
does moved use 24M
ok 'one pays' [ "$(stat_of 2001 usage)" -ge $((24 * mib)) ]
limits '100000-165535 charge_to=2002'
ok 'another pays' [ "$(stat_of 2002 usage)" -ge $((24 * mib)) ]
is 'the first does not any more' "$(stat_of 2001 usage)" 0
limits '1000-199999 max=32M' '!2002'
ok 'the limit of the range around it counts for the UID that pays' [ "$(stat_of 2002 max)" = 33554432 ]
limits '!1000-199999'
does moved use 64M
is 'without any, there is no limit' "$(event_count event=kill)" 0
is 'and none is listed' "$(grep -c . /proc/uid_mem/stats)" 0
limits '100000-165535 max=256M'
ok 'a limit in place of the charge' [ "$(stat_of 100005 usage)" -ge $((88 * mib)) ]
limits '100000-165535 charge_to=2002' '2002 max=256M'
is 'and back: the UID has no line any more' "$(stat_of 100005 usage)" 0
ok 'it is charged' [ "$(stat_of 2002 usage)" -ge $((88 * mib)) ]
limits '!100000-165535'
is 'an entry that is removed' "$(stat_of 2002 usage)" 0

# A UID that is taken on later.
limits '100000-165535 charge_to=2002' '2002 max=64M'
puppet taker 0
does taker use 24M
does taker setreal 100007
ok 'a process that becomes one of them' [ "$(stat_of 2002 usage)" -ge $((24 * mib)) ]
does taker free

# What is said, and what is refused.
is 'events name the UID that pays' "$(event_count 'event=limit_set uid=100000-165535 charge_to=2002$')" 3
is 'also of one that is removed' "$(event_count 'event=limit_removed uid=100000-165535 charge_to=2002$')" 1
is 'as limits does' "$(grep -c '^100000-165535 charge_to=2002$' /proc/uid_mem/limits)" 1
refused EINVAL '2002 charge_to=2003'
refused EINVAL '5 charge_to=100005'
refused EINVAL '6 charge_to=2002 max=1M'
refused EINVAL '2000-2999 charge_to=2002'

# In a user namespace: its UIDs are such UIDs.
limits '2001 max=64M' '100000-165535 charge_to=2001'
puppet inside 2001
does inside unshare-user
echo '0 100000 65536' >"/proc/$pid/uid_map"
echo '0 100000 65536' >"/proc/$pid/gid_map"
does inside setgid 5
does inside setuid 5
does inside use 40M
ok 'a container counts to who owns its UIDs' [ "$(stat_of 2001 usage)" -ge $((40 * mib)) ]
dies inside use 40M
done_testing

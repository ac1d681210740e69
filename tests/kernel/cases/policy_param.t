#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The module parameter policy=: what policy=default means, when the module is
# loaded and from then on.

# shellcheck disable=SC2154,SC2317  # pid; functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

parameter=/sys/module/uid_mem/parameters/policy

# The name of an error, or nothing.
set_parameter() { printf '%s' "$1" | write_once "$parameter"; }

# policy_of_kill UID LIMIT: by which policy a process of the UID is killed
policy_of_kill() {
    limits "$1 max=8M $2"
    puppet "p$1" "$1"
    tell "p$1" use 16M
    events | sed -n "s/.*event=kill uid=$1 .* policy=\([^ ]*\) .*/\1/p"
}

is 'without it: highest_rss' "$(cat $parameter)" highest_rss
is 'a limit without a policy goes by it' "$(policy_of_kill 2001 '')" highest_rss

is 'another one: accepted' "$(set_parameter worst)" ''
is 'another one: shown' "$(cat $parameter)" worst
is 'another one: counts for limits there are' "$(policy_of_kill 2002 policy=default)" worst
is 'the limit still says default' "$(grep -c '^2002 .* policy=default ' /proc/uid_mem/limits)" 1
is 'a limit with a policy keeps it' "$(policy_of_kill 2003 policy=longest_run_time)" longest_run_time

limits '2004 max=64M'
puppet grown 2004
does grown use 32M
is 'a newline is fine' "$(printf 'youngest\n' | write_once $parameter)" ''
limits '2004 max=8M'
ok_soon 'the limit of what runs already is broken' gone "$pid"
is 'a limit from before goes by what the parameter says now' \
    "$(event_count 'event=kill uid=2004 .* policy=youngest ')" 1

for wrong in banana default highest HIGHEST_RSS 'highest_rss worst' highest_rss,worst; do
    is "refused: '$wrong'" "$(set_parameter "$wrong") $(cat $parameter)" 'EINVAL youngest'
done
is 'refused: an empty line' "$(echo | write_once $parameter) $(cat $parameter)" 'EINVAL youngest'

names=$(sed -n 's/.* policies=\([^ ]*\).*/\1/p' /proc/uid_mem/features)
ok 'there are at least four policies' [ "$(echo "$names" | tr ',' '\n' | wc -l)" -ge 4 ]
for name in $(echo "$names" | tr ',' ' '); do
    reload "policy=$name"
    is "loaded with policy=$name" "$(cat $parameter)" "$name"
done
reload policy=longest_run_time
is 'it counts from the start' "$(policy_of_kill 2005 '')" longest_run_time

loads() { insmod /t/uid_mem.ko "$@" 2>/dev/null; }
rmmod uid_mem
not_ok 'loading with an unknown policy fails' loads policy=banana
not_ok 'and with default' loads policy=default
ok 'nothing is left of that' [ ! -e /proc/uid_mem ]
ok 'loading works then' loads
done_testing

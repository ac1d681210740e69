#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The system calls set_mm_limits() and uid_oom_killer(): the table with ten
# entries and its eviction, as the original's test has it, and one pass of the
# killer for each policy by number.

# shellcheck disable=SC2317  # functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

if ! grep -q ' nr_set_mm_limits=' /proc/uid_mem/features; then
    skip 'set_mm_limits' 'no CONFIG_UID_MEM_SYSCALLS in this kernel'
    skip 'uid_oom_killer' 'no CONFIG_UID_MEM_SYSCALLS in this kernel'
    done_testing
fi
ok 'the numbers are those of the interface' \
    grep -q ' nr_set_mm_limits=500 nr_uid_oom_killer=501$' /proc/uid_mem/features

# Each of its points is one of this case.
test_set_mm_limits >/tmp/tap
status=$?
while read -r line; do
    case $line in
    'ok '*) ok "${line#*- }" true ;;
    'not ok '*) ok "${line#*- }" false ;;
    *) echo "# $line" ;;
    esac
done </tmp/tap
is 'test_set_mm_limits: exit status' "$status" 0
is 'an eviction is an event: three by the system call' "$(event_count 'event=evicted')" 3
is 'the first of them is of the second UID' "$(events | grep 'event=evicted' | head -n 1 | grep -c 'uid=2000001 ')" 1

# Within the limit a pass changes nothing.
limits '2001 max=64M policy=youngest'
puppet small 2001
small=$pid
does small use 8M
for number in 0 1 2; do
    ok "uid_oom_killer $number: done" uid_oom_killer "$number"
done
ok 'a policy by name: done' uid_oom_killer longest_run_time
ok 'within the limit nobody is killed' alive "$small"
is 'no kill is counted' "$(event_count 'event=kill')" 0

# A process that is protected while it grows stays above the limit until it is
# no longer protected and somebody looks: this pass, by the policy it names, or
# the module itself after a while, by that of the limit. Whoever is first shows
# in the event, so there are some attempts.
killed_by_pass() { # NUMBER POLICY
    for attempt in 1 2 3 4 5; do
        puppet "large$1$attempt" 2001
        echo -1000 >"/proc/$pid/oom_score_adj"
        tell "large$1$attempt" use 96M || return 1
        echo 0 >"/proc/$pid/oom_score_adj"
        uid_oom_killer "$1" || return 1
        wait_for 30 gone "$pid" || return 1
        [ "$(event_count "event=kill uid=2001 pid=$pid comm=.* policy=$2 ")" = 0 ] || return 0
    done
    return 1
}
protect_small() { echo -1000 >"/proc/$small/oom_score_adj"; }
ok 'the small process is protected' protect_small
ok 'uid_oom_killer 0 kills by highest_rss' killed_by_pass 0 highest_rss
ok 'uid_oom_killer 1 kills by longest_run_time' killed_by_pass 1 longest_run_time
ok 'uid_oom_killer 2 kills by worst' killed_by_pass 2 worst
ok 'the small process lives' alive "$small"

# refused_by ERROR-TEXT STATUS PROGRAM...: what the program says of the refusal
refused_by() {
    refusal=$1
    want=$2
    shift 2
    said=$("$@" 2>&1)
    is "refused, $refusal: $*" "$? $(echo "$said" | grep -c "$refusal")" "$want 1"
}
refused_by 'Invalid argument' 1 uid_oom_killer 3
refused_by 'Invalid argument' 1 uid_oom_killer 2147483647
refused_by 'Operation not permitted' 1 as 2001 uid_oom_killer 0
done_testing

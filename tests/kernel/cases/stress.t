#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Everything at once for STRESS_SECONDS: memory used in all styles, UIDs that
# change, limits that are written, right and wrong, all files read, scans,
# processes that exit while they are killed, and the module reloaded. On a debug
# kernel its log says what that did; on every kernel nobody outside of a limit
# is killed, and everything works afterwards.
#
# cpus: one after the other

# All of it is called, by start.
# shellcheck disable=SC2317
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

styles=$(uid_mem_hog --help | sed '1,/^styles:/d; /^$/,$d' | awk '{ print $1 }')
end=$(($(date +%s) + STRESS_SECONDS))
running() { [ "$(date +%s)" -lt "$end" ]; }

hogs() { # UID
    while running; do
        for style in $styles; do
            uid_mem_hog --style "$style" "$1" - 24M 24M
        done
    done
}
writers() {
    while running; do
        for text in '2001 max=32M' '2002 max=40M metric=anon policy=default' '2000-2999 max=48M high=16M' \
            '2001 max=40M grace_ms=50 high=1M' '2002 max=32M mode=audit' '!2002' '2003 max=24M' '2001-2004 max=30M' \
            '!2003' '!2001-2004' '2002 max=32M'; do
            echo "$text" | write_once /proc/uid_mem/limits
        done
    done
}
readers() {
    while running; do
        cat /proc/uid_mem/stats /proc/uid_mem/limits /proc/uid_mem/features
        as 2001 cat /proc/uid_mem/stats
        read_events all
        read_events bytes 100
        read_events poll 10
        for policy in default $(sed 's/.* policies=\([^ ]*\).*/\1/; s/,/ /g' /proc/uid_mem/features); do
            echo "$policy" | write_once /proc/uid_mem/scan
        done
    done
}

puppet bystander 0
bystander=$pid
does bystander use 64M
jobs=
start() {
    "$@" >/dev/null 2>&1 &
    jobs="$jobs $!"
}
start hogs 2001
start hogs 2002
start writers
start readers
start uid_churn 2001 2004 8388608 "$STRESS_SECONDS"
seed=$(date +%s)
echo "# seed $seed"
fuzz_limits "$STRESS_SECONDS" "$seed" >/tmp/fuzz &
fuzzer=$!
exits() {
    while running; do
        exit_race 2003 4 12582912 2
    done
}
start exits

reloads=0
: >/tmp/kills
while running; do
    sleep 3
    events | grep event=kill >>/tmp/kills
    if wait_for 60 rmmod uid_mem 2>/dev/null && insmod /t/uid_mem.ko; then
        reloads=$((reloads + 1))
    else
        break
    fi
done
for job in $jobs; do
    wait "$job"
done
wait "$fuzzer"
fuzzed=$?
events | grep event=kill >>/tmp/kills
is 'the fuzzer found nothing' "$fuzzed" 0
comment </tmp/fuzz
ok 'the module was reloaded' [ "$reloads" -gt 0 ]
echo "# $reloads reloads, $(wc -l </tmp/kills) kills"
ok 'there were kills' [ -s /tmp/kills ]
is 'each of a process whose UID was above its limit' "$(awk '{ for (i = 1; i <= NF; i++) { split($i, part, "="); value[part[1]] = part[2] }
    if (value["usage"] + 0 <= value["max"] + 0) print }' /tmp/kills)" ''
ok 'root, which has no limit, lives' alive "$bystander"

fresh_module
is 'freshly loaded it knows nothing' "$(cat /proc/uid_mem/limits /proc/uid_mem/stats)" ''
limits '2001 max=64M'
puppet big 2001
dies big use 96M
ok_soon 'usage is nothing at the end' stat_is 2001 usage -eq 0
done_testing

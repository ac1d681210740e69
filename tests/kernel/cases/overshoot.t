#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# How far a UID gets above its limit before the kill takes effect: for every
# way to use memory, one process alone and two on both CPUs at once. The
# allowance is behaviour, not time, and so the same on a slow machine.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

uid=2001
max_mib=64
allowed_kib=1024
batch_pages=64
huge_kib=2048
# Engine scan: the same for every style. Where huge pages are for everybody, a
# thread may have one that it still clears when others have used up the rest.
scan_kib=4096
clearing_kib=0

page_kib=$(awk '/^KernelPageSize:/ { print $2; exit }' /proc/self/smaps)
: "${page_kib:=4}"

# Kernels before 6.2 learn of a task's pages 64 at a time (SPLIT_RSS_COUNTING).
batches() {
    case $(uname -r) in
    5.* | 6.[01] | 6.[01].* | 6.[01]-*) true ;;
    *) false ;;
    esac
}

engine=$(sed 's/.* engine=\([a-z]*\) .*/\1/' /proc/uid_mem/features)

huge_pages_mapped() { awk '$1 == "thp_fault_alloc" { print $2 }' /proc/vmstat; }

# The limit set anew: usage, peak and kills begin at nothing.
limit_anew() {
    echo "!$uid" >/proc/uid_mem/limits 2>/dev/null
    limits "$uid max=${max_mib}M"
}

# bar STYLE WRITERS: KiB above the limit that are allowed when so many tasks
# write at once
bar() {
    if [ "$engine" = scan ]; then
        echo $((scan_kib + $2 * clearing_kib))
        return
    fi
    bar_kib=$allowed_kib
    if batches; then
        bar_kib=$((bar_kib + $2 * batch_pages * page_kib))
    fi
    if [ "$1" = thp ]; then
        bar_kib=$((bar_kib + huge_kib))
    fi
    echo "$bar_kib"
}

# overshoot STYLE WRITERS THREADS BYTES...: run the workload, compare
overshoot() {
    style=$1
    writers=$2
    threads=$3
    shift 3
    name="$style, $# at once, $threads threads"
    limit_anew
    uid_mem_hog --together --style "$style" --threads "$threads" "$uid" - "$@" >/tmp/hog 2>&1
    is "$name: some were killed" $? 3
    ok "$name: a kill is counted" [ "$(stat_of "$uid" kills)" -ge 1 ]
    allowed=$(bar "$style" "$writers")
    over=$((($(stat_of "$uid" peak) - max_mib * 1048576) / 1024))
    echo "# overshoot style=$style kib=$over bar_kib=$allowed processes=$# threads=$threads"
    ok "$name: above the limit by no more than $allowed KiB" [ "$over" -le "$allowed" ]
}

for style in touch populate read memfd mremap; do
    overshoot "$style" 1 1 96M
    overshoot "$style" 2 1 48M 48M
done

overshoot threads 4 4 96M
overshoot threads 4 2 48M 48M

# A fork counts for all that the parent has: few large ones, many small ones,
# and two parents at once.
overshoot fork 1 1 96M
overshoot fork 1 4 96M
overshoot fork 1 127 96M
overshoot fork 2 2 48M 48M
overshoot fork 2 127 48M 48M

# Parents and children write, all at once.
overshoot cow 5 4 96M
overshoot cow 6 2 48M 48M

if [ -e /sys/kernel/mm/transparent_hugepage ]; then
    before=$(huge_pages_mapped)
    overshoot thp 1 1 96M
    overshoot thp 2 1 48M 48M
    ok 'thp: huge pages were mapped' [ "$(huge_pages_mapped)" -gt "$before" ]

    # Where the system gives them to all. Many threads that each clear one
    # when there is room for few.
    setting=$(sed 's/.*\[\(.*\)\].*/\1/' /sys/kernel/mm/transparent_hugepage/enabled)
    echo always >/sys/kernel/mm/transparent_hugepage/enabled
    allowed_kib=$((allowed_kib + huge_kib))
    clearing_kib=$huge_kib
    before=$(huge_pages_mapped)
    overshoot touch 2 1 48M 48M
    overshoot threads 4 4 96M
    overshoot threads 4 2 48M 48M
    for threads_at_once in 16 32 64 64 64; do
        overshoot threads "$threads_at_once" "$threads_at_once" 96M
    done
    ok 'always huge pages: they were mapped' [ "$(huge_pages_mapped)" -gt "$before" ]
    echo "$setting" >/sys/kernel/mm/transparent_hugepage/enabled
else
    skip 'thp: overshoot' 'this kernel has no transparent huge pages'
fi

is 'nobody else was killed' "$(event_count 'event=kill')" "$(event_count "event=kill uid=$uid ")"
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# cpus: one after the other
#
# Functions that every process calls cost no trap: what the engine scan does at
# their beginning is called by ftrace where the kernel has the function tracer.

# shellcheck disable=SC2317  # functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

functions=/sys/kernel/tracing/enabled_functions
kprobes=/sys/kernel/debug/kprobes/list

grep -q ' engine=scan ' /proc/uid_mem/features || {
    skip 'probes' 'the engine hooks has none'
    done_testing
}
[ -r $functions ] || {
    skip 'probes' 'this kernel has no function tracer'
    done_testing
}

traced() { grep -Eq "^$1 " "$functions"; }
has_trap() { grep -E " $1\+0x0" "$kprobes"; }
all_gone() { ! grep -Eq '^(pte_alloc_one|__pte_alloc|do_huge_pmd_anonymous_page) ' "$functions"; }

ok 'without a limit nothing is called' all_gone
for round in first second; do
    limits '2001 max=64M'
    ok "$round time: ftrace calls us for a page table" traced '(pte_alloc_one|__pte_alloc)'
    ok 'and for a huge page' traced do_huge_pmd_anonymous_page
    not_ok 'there is no breakpoint' has_trap '(pte_alloc_one|__pte_alloc|do_huge_pmd_anonymous_page)'
    limits '!2001'
    ok_soon 'without a limit nothing is called' all_gone
done
done_testing

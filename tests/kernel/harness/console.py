# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel complains about in its log."""

from __future__ import annotations

import re

# Any of these is a failure, wherever it comes from.
BAD = re.compile(
    r"BUG|WARNING|Oops|\bpanic\b|Internal error|Unable to handle|general protection fault|stack-protector"
    r"|possible (recursive|circular|irq lock inversion)|inconsistent lock state|bad unlock balance|held lock freed"
    r"|suspicious RCU|scheduling while atomic|sleeping function called|blocked for more than|soft lockup|hard LOCKUP"
    r"|rcu.*(stall|starved)|self-detected stall|KASAN:|KCSAN:|UBSAN|ODEBUG|refcount_t|kmemleak: .*suspected"
    r"|unreferenced object|Bad page|Bad rss-counter|list_(add|del) corruption|workqueue lockup|Out of memory"
    r"|oom-kill|segfault|traps:|disagrees about version|Unknown symbol|trap invalid opcode|invalid opcode"
)
# What a kernel prints that is in order.
GOOD = re.compile(
    r"kcsan: (selftest|enabled)|Kernel command line|Command line:|kasan: KernelAddressSanitizer|debug:bug"
)
# A report of KCSAN goes on to a line of these.
REPORT_END = re.compile(r"={20,}")
CONTEXT_LINES = 30


def _is_foreign_race(block: list[str]) -> bool:
    """Whether a report of KCSAN is about a race of the kernel's own, where no code of ours is on either side."""
    return "KCSAN" in block[0] and not any("uid_mem" in line for line in block)


def complaints(log: str) -> tuple[list[str], int]:
    """Find what is wrong in a log.

    Returns one text per complaint, with the lines that follow it, and the number of data races that KCSAN found in
    the kernel outside of what is tested; these are the only ones that are passed over.
    """
    lines = [re.sub(r"[^\x20-\x7e\t]", "", line) for line in log.splitlines()]
    found: list[str] = []
    foreign = at = 0
    while at < len(lines):
        if not BAD.search(lines[at]) or GOOD.search(lines[at]):
            at += 1
            continue
        end = at + 1
        while end < min(len(lines), at + (3 * CONTEXT_LINES if "KCSAN" in lines[at] else CONTEXT_LINES)):
            if REPORT_END.search(lines[end]):
                break
            end += 1
        if _is_foreign_race(lines[at:end]):
            foreign += 1
        else:
            found.append("\n".join(lines[at:end]))
        at = end
    return found, foreign

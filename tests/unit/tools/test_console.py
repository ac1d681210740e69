# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""tests/kernel: what counts as a complaint of the kernel, and what does not."""

from __future__ import annotations

import pytest

from ansible_collections.devfleet.uid_mem.tests.unit.tools.loading import load

console = load("tests/kernel/harness/console.py")
COMPLAINTS = (
    "[    9.0] BUG: KASAN: slab-use-after-free in uid_mem_enforce+0x1/0x2 [uid_mem]",
    "[    9.0] WARNING: possible circular locking dependency detected",
    "[    9.0] BUG: sleeping function called from invalid context at mm/slab.h:1",
    "[    9.0] rcu: INFO: rcu_sched self-detected stall on CPU",
    "[    9.0] Oops: int3: 0000 [#1] SMP",
    "[    9.0] kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
    "[    9.0] unreferenced object 0xffff888001234567 (size 64):",
    "[    9.0] Kernel panic - not syncing: Fatal exception",
)
IN_ORDER = (
    "[    0.0] Kernel command line: panic=-1 kasan.fault=report",
    "[    0.1] kmemleak: Kernel memory leak detector initialized (mem pool available: 35331)",
    "[    0.1] kasan: KernelAddressSanitizer initialized",
    "[    1.0] rcu: \tRCU lockdep checking is enabled.",
    '[    9.0] uid_mem: event=kill uid=2001 pid=68 comm="puppet" policy=highest_rss usage=67112960 max=67108864',
)


@pytest.mark.parametrize("line", COMPLAINTS)
def test_complaint_is_found_among_what_is_in_order(line: str) -> None:
    found, foreign = console.complaints("\n".join([*IN_ORDER, line, *IN_ORDER]))
    assert len(found) == 1
    assert found[0].startswith(line)
    assert foreign == 0


def test_nothing_is_found_where_all_is_in_order() -> None:
    assert console.complaints("\n".join(IN_ORDER)) == ([], 0)


def test_data_race_of_the_kernel_alone_is_counted_and_passed_over() -> None:
    race = "BUG: KCSAN: data-race in {} / vfs_read\n\nread-write to 0x1 by task 2\n" + "=" * 60
    assert console.complaints(race.format("sys_write")) == ([], 1)
    found, foreign = console.complaints(race.format("uid_mem_enforce"))
    assert len(found) == 1
    assert foreign == 0

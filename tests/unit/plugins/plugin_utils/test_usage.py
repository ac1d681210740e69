# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who uses how much, and whom a new limit would hit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import Limit, Table, Uids
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._usage import (
    Usage,
    describe_excess,
    exceeding,
    parse_processes,
    parse_stats,
    usage_of,
    within,
)
from ansible_collections.devfleet.uid_mem.tests.unit.plugins.plugin_utils.test_diff import TABLES

MIB = 1 << 20
PROCESSES = """\
Uid 0
Uid 1000
RssAnon:\t    1024 kB
RssFile:\t    2048 kB
RssShmem:\t       0 kB
VmSwap:\t      10 kB
Uid 1001
RssAnon:\t    1024 kB
RssFile:\t       0 kB
RssShmem:\t    4096 kB
VmSwap:\t       0 kB
Uid 1000
RssAnon:\t    1024 kB
"""


def test_stats() -> None:
    assert parse_stats("10070 usage=5 max=max\n10071 usage=6\n") == [
        {"uid": "10070", "uid_first": 10070, "uid_last": 10070, "usage": 5, "max": "max"},
        {"uid": "10071", "uid_first": 10071, "uid_last": 10071, "usage": 6},
    ]


def test_processes_are_added_up() -> None:
    assert parse_processes(PROCESSES) == {
        1000: Usage(4 * MIB, 2 * MIB + 10240),
        1001: Usage(5 * MIB, MIB),
    }


def test_what_the_kernel_counts_is_preferred() -> None:
    stats = parse_stats("1000 usage=1 anon=10 file=20 shmem=30 swap=40 procs=1\n")
    usage = usage_of(stats, PROCESSES)
    assert usage[1000] == Usage(60, 50, 1)
    assert (usage[1000].of("rss"), usage[1000].of("anon")) == (60, 50)
    assert (usage[1000].of("footprint"), usage[1000].of("footprint", "footprint")) == (50, 1)
    assert usage[1001] == Usage(5 * MIB, MIB)


def narrowest(table: Table, uid: int) -> Limit | None:
    around = [limit for limit in table if limit.uids.first <= uid <= limit.uids.last]
    return min(around, key=lambda limit: limit.uids.last - limit.uids.first, default=None)


@given(TABLES, st.sets(st.integers(0, 14)))
def test_effective_limit_is_the_narrowest(table: Table, uids: set[int]) -> None:
    assert list(table.effective(uids)) == [(uid, narrowest(table, uid)) for uid in sorted(uids)]


def over(before: str, after: str, used: int = 150, anon: int = 50, counted: int = 0) -> list[int]:
    usage = {5: Usage(used * MIB, anon * MIB, counted * MIB)}
    return [excess.uid for excess in exceeding(Table.parse(before), Table.parse(after), usage)]


def test_who_is_above_a_new_limit() -> None:
    assert over("", "5 max=100M") == [5]
    assert over("", "1-9 max=100M") == [5]
    assert over("5 max=200M", "5 max=100M") == [5]
    assert over("5 max=100M metric=anon", "5 max=100M") == [5]
    assert over("5 max=100M mode=audit", "5 max=100M") == [5]
    assert over("5 max=max\n1-9 max=100M", "1-9 max=100M") == [5]


def test_who_is_not() -> None:
    assert over("", "5 max=150M") == []
    assert over("", "5 max=100M metric=anon") == []
    assert over("", "5 max=100M mode=audit") == []
    assert over("", "5 max=max") == []
    assert over("", "6 max=100M") == []
    assert over("1-9 max=100M", "5 max=max\n1-9 max=100M") == []
    assert over("5 max=100M", "") == []
    # It stays what it was, even where another entry says so.
    assert over("5 max=100M", "5 max=100M\n6 max=1M") == []
    assert over("1-9 max=100M", "5 max=100M high=1M\n1-9 max=200M") == []


def test_a_footprint_is_what_the_kernel_counts() -> None:
    now, new = "5 max=300M metric=footprint", "5 max=100M metric=footprint"
    assert over(now, new, anon=150, counted=90) == []
    assert over(now, new, anon=150, counted=110) == [5]


def test_a_footprint_that_is_not_counted_yet_is_at_most_all_of_anon() -> None:
    new = Table.parse("5 max=100M metric=footprint")
    assert over("", "5 max=100M metric=footprint", anon=90) == []
    # By another metric, the kernel's number says nothing of it.
    assert over("5 max=200M", "5 max=100M metric=footprint", anon=110, counted=90) == [5]
    [excess] = exceeding(Table(), new, {5: Usage(150 * MIB, 110 * MIB, 90 * MIB)})
    assert str(excess) == "UID 5 with up to 110 MiB of 100 MiB (footprint)"
    [excess] = exceeding(Table.parse("5 max=101M metric=footprint"), new, {5: Usage(0, 0, 110 * MIB)})
    assert str(excess) == "UID 5 with 110 MiB of 100 MiB (footprint)"


def test_what_is_charged_to_a_footprint_is_at_most_all_of_anon() -> None:
    limit = "5 max=100M metric=footprint\n"
    usage = {5: Usage(200 * MIB, 200 * MIB, 60 * MIB), 100: Usage(50 * MIB, 45 * MIB)}
    [excess] = exceeding(Table.parse(limit), Table.parse(f"{limit}100 charge_to=5"), usage)
    assert str(excess) == "UID 5 with up to 105 MiB of 100 MiB (footprint)"


def test_what_is_charged_is_added() -> None:
    usage = {5: Usage(60 * MIB), 100: Usage(30 * MIB), 101: Usage(30 * MIB)}

    def above(before: str, after: str) -> list[tuple[int, int]]:
        found = exceeding(Table.parse(before), Table.parse(after), usage)
        return [(excess.uid, excess.usage // MIB) for excess in found]

    charge = "100-199 charge_to=5\n"
    assert above("", f"{charge}5 max=100M") == [(5, 120)]
    assert above("", "5 max=100M") == []
    # The limit stays what it was, but others come.
    assert above("5 max=100M", f"{charge}5 max=100M") == [(5, 120)]
    assert above("5 max=100M", f"{charge}5 max=120M") == []
    # The kernel's number for 5 has them already.
    assert above(f"{charge}5 max=100M", f"{charge}5 max=70M") == []
    assert above(f"{charge}5 max=100M", f"{charge}5 max=50M") == [(5, 60)]
    # One that has no process of its own.
    assert above("", "100-199 charge_to=7\n7 max=50M") == [(7, 60)]


def test_excess_in_words() -> None:
    table = Table.parse("1-20 max=100M")
    found = exceeding(Table(), table, {uid: Usage(uid * 20 * MIB) for uid in range(1, 18)})
    assert describe_excess(found[:1]) == "UID 6 with 120 MiB of 100 MiB (rss)"
    assert describe_excess(found).startswith(
        "UID 6 with 120 MiB of 100 MiB (rss), UID 7 with 140 MiB of 100 MiB (rss), "
    )
    assert describe_excess(found).endswith("UID 15 with 300 MiB of 100 MiB (rss), and 2 more")


@given(st.lists(st.integers(1, 30), unique=True).map(sorted), st.sets(st.integers(1, 9)))
def test_rows_within_ranges(uids: list[int], tens: set[int]) -> None:
    ranges = [Uids(ten * 3, ten * 3 + 1) for ten in sorted(tens)]
    rows: list[dict[str, object]] = [{"uid": uid} for uid in uids]
    assert [row["uid"] for row in within(rows, ranges)] == [uid for uid in uids if any(uid in r for r in ranges)]

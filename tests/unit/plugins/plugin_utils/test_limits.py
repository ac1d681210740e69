# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the grammar cases leave out: messages, round trip, printing."""

from __future__ import annotations

import errno
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import (
    KNOWN,
    MAX_UID,
    Limit,
    LimitsError,
    Table,
    Uids,
    Vocabulary,
    parse_line,
    split_lines,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._sizes import MAX_GRACE_MS, MAX_SIZE, MIN_LIMIT

UIDS = st.integers(1, 40) | st.integers(1, MAX_UID)
RANGES = st.tuples(UIDS, UIDS).map(lambda ends: Uids(min(ends), max(ends))) | UIDS.map(lambda uid: Uids(uid, uid))
SIZES = st.integers(MIN_LIMIT, MAX_SIZE) | st.integers(1, 100).map(lambda mib: mib << 20) | st.none()


@st.composite
def limits(draw: st.DrawFn) -> Limit:
    size = draw(SIZES)
    high = draw(st.none() | st.integers(1, MAX_SIZE if size is None else size))
    return Limit(
        uids=draw(RANGES),
        max=size,
        high=high,
        on_high="event" if high is None else draw(st.sampled_from(KNOWN.on_high)),
        policy=draw(st.sampled_from(KNOWN.policies)),
        metric=draw(st.sampled_from(["rss", "anon", "footprint"])),
        grace_ms=draw(st.just(0) | st.integers(0, MAX_GRACE_MS)),
        mode=draw(st.sampled_from(["enforce", "audit"])),
    )


CHARGES = (
    st.tuples(RANGES, UIDS)
    .filter(lambda pair: pair[1] not in pair[0])
    .map(lambda pair: Limit(pair[0], None, charge_to=pair[1]))
)


@given(limits() | CHARGES)
def test_line_round_trip(limit: Limit) -> None:
    assert parse_line(limit.line()) == limit
    assert parse_line(limit.short_line()) == limit


@given(
    st.text(st.sampled_from("15-!#=maxhigroupl0MK \t\r\\\xe9")) | st.integers().map(lambda uid: f"5 charge_to={uid}")
)
def test_any_line_is_parsed_or_refused(line: str) -> None:
    with suppress(LimitsError):
        declared = parse_line(line)
        assert not isinstance(declared, Limit) or parse_line(declared.line()) == declared


def _cross(one: Uids, two: Uids) -> bool:
    low, high = sorted((one, two), key=lambda uids: uids.order)
    return low.first < high.first <= low.last < high.last


@given(st.lists(limits(), max_size=12))
def test_overlap_is_found(declared: list[Limit]) -> None:
    table = Table({limit.uids: limit for limit in declared})
    crossing = [(one, two) for one in table.entries for two in table.entries if _cross(one, two)]
    pair = table.overlap()
    assert (pair is not None) == bool(crossing)
    if pair is None:
        assert Table.parse(table.text()) == table
    else:
        assert pair in crossing
        with pytest.raises(LimitsError, match=f"{pair[0]} and {pair[1]} overlap"):
            Table.parse(table.text())


@given(st.lists(limits() | CHARGES, max_size=8))
def test_chains_are_found(declared: list[Limit]) -> None:
    table = Table({limit.uids: limit for limit in declared})
    assume(not table.overlap())
    chains = []
    for limit in table:
        around = [other for other in table if limit.charge_to is not None and limit.charge_to in other.uids]
        narrowest = min(around, key=lambda other: other.uids.last - other.uids.first, default=None)
        if narrowest and narrowest.charge_to is not None:
            chains.append((limit.uids, narrowest.uids))
    pair = table.chain()
    assert (pair is not None) == bool(chains)
    if pair is None:
        assert Table.parse(table.text()) == table
    else:
        assert pair in chains
        with pytest.raises(LimitsError, match="form a chain"):
            Table.parse(table.text())


def test_short_line_has_what_differs() -> None:
    assert Limit(Uids(5, 5), 104857600).short_line() == "5 max=100M"
    limit = Limit(Uids(5, 9), None, 1024, "term", "highest_rss", "anon", 5, "audit")
    assert limit.short_line() == "5-9 max=max high=1K on_high=term policy=highest_rss metric=anon grace_ms=5 mode=audit"
    assert limit.as_dict() == {
        "uid": "5-9",
        "uid_first": 5,
        "uid_last": 9,
        "max": "max",
        "high": 1024,
        "on_high": "term",
        "policy": "highest_rss",
        "metric": "anon",
        "grace": "5ms",
        "mode": "audit",
    }


def test_a_charge_stands_alone() -> None:
    charge = Limit(Uids(100000, 165535), None, charge_to=2001)
    assert parse_line("100000-165535 charge_to=2001") == charge
    assert charge.short_line() == charge.line() == "100000-165535 charge_to=2001"
    assert charge.as_dict() == {**Uids(100000, 165535).as_dict(), "charge_to": "2001"}


@pytest.mark.parametrize(
    ("text", "code", "line", "message"),
    [
        ("nobody max=1M", "EINVAL", 1, "'nobody' is neither a UID (10070) nor a range of UIDs (10000-19999)"),
        ("9-5 max=1M", "EINVAL", 1, "the range 9-5 ends before it starts; did you mean 5-9?"),
        ("0 max=1M", "ERANGE", 1, "UID 0 (root) cannot be limited; UIDs go from 1 to 4294967294"),
        ("4294967295 max=1M", "ERANGE", 1, "UID 4294967295 does not exist; UIDs go from 1 to 4294967294"),
        ("#\n5 max=1", "ERANGE", 2, "max=1 is below the minimum of 1 MiB"),
        ("5 max=16777216T", "ERANGE", 1, "max=16777216T does not fit into 64 bits"),
        ("5 max=999999999999999999999", "ERANGE", 1, "max=999999999999999999999 is too large"),
        (
            "5 max=1.5G",
            "EINVAL",
            1,
            "max='1.5G' is not a size; the kernel reads bytes, a whole number with K, M, G or T, or max",
        ),
        ("5 max=2M high=3M", "EINVAL", 1, "high (3 MiB) is above max (2 MiB); it may be at most max"),
        ("5 max=2M max=3M", "EINVAL", 1, "max= is given twice"),
        ("5 mode=audit", "EINVAL", 1, "max= is missing for 5"),
        (
            "5 max=2M color=red",
            "EINVAL",
            1,
            "'color=red' is not one of max=, high=, on_high=, policy=, metric=, grace_ms=, mode=, charge_to=",
        ),
        (
            "5 max=2M policy=random",
            "EINVAL",
            1,
            "policy='random' is unknown; known are default, highest_rss, longest_run_time, worst, youngest",
        ),
        ("5 max=2M grace_ms=1s", "EINVAL", 1, "grace_ms='1s' is not a number of milliseconds"),
        ("5 max=2M grace_ms=3600001", "ERANGE", 1, "grace_ms=3600001 is too large"),
        ("5 charge_to=6-7", "EINVAL", 1, "charge_to='6-7' is not a UID (10070)"),
        ("5 charge_to=0", "ERANGE", 1, "UID 0 (root) cannot be limited; UIDs go from 1 to 4294967294"),
        (
            "5 mode=audit max=1M charge_to=6",
            "EINVAL",
            1,
            "mode= and max= beside charge_to=, which stands alone: what counts is the limit of that UID",
        ),
        ("5 charge_to=5", "EINVAL", 1, "5 is charged to itself; name another UID in charge_to"),
        ("5-9 charge_to=7", "EINVAL", 1, "5-9 is charged to one of its own UIDs; name another UID in charge_to"),
        (
            "9 charge_to=5\n1-8 charge_to=20\n30 max=1M",
            "EINVAL",
            2,
            "9 charge_to=5 and 1-8 charge_to=20 form a chain; charge 9 to the UID that pays in the end",
        ),
        ("!5", "ENOENT", 1, "there is no limit for 5 to remove"),
        ("!5 max=1M", "EINVAL", 1, "'max=1M' after the removal !5; a removal has no keys"),
        ("#" + "x" * 256, "EINVAL", 1, "the line is longer than 256 bytes"),
        (
            "5 max=2M\r",
            "EINVAL",
            1,
            "the line ends with a carriage return, as in files from DOS and Windows; save it with Unix line ends",
        ),
        (
            "1-9 max=2M\n5-15 max=1M",
            "EINVAL",
            2,
            "1-9 and 5-15 overlap and neither lies within the other;"
            " remove one of them, or choose a range inside or around the other",
        ),
    ],
)
def test_messages(text: str, code: str, line: int, message: str) -> None:
    with pytest.raises(LimitsError) as caught:
        Table.parse(text)
    assert (caught.value.name, caught.value.line, str(caught.value)) == (code, line, message)


def test_long_numbers_are_out_of_range() -> None:
    with pytest.raises(LimitsError) as caught:
        Uids.parse("9" * 5000)
    assert caught.value.code == errno.ERANGE


def test_names_come_from_the_kernel() -> None:
    names = Vocabulary(("default", "worst"), ("rss",))
    assert parse_line("5 max=1M policy=worst", names) == Limit(Uids(5, 5), 1 << 20, policy="worst")
    with pytest.raises(LimitsError, match="known are rss"):
        parse_line("5 max=1M metric=anon", names)


def test_a_kernel_that_counts_no_footprint() -> None:
    names = Vocabulary(metrics=("rss", "anon"), module_version="0.0.9")
    with pytest.raises(LimitsError, match=r"metric=footprint is not counted by the module uid_mem 0\.0\.9") as caught:
        parse_line("5 max=1M metric=footprint", names)
    assert caught.value.code == errno.EINVAL
    with pytest.raises(LimitsError, match=r"module uid_mem \(of unknown version\) of this host"):
        parse_line("5 max=1M metric=footprint", Vocabulary(metrics=()))


def test_a_module_that_is_older_than_on_high() -> None:
    names = Vocabulary(on_high=(), module_version="0.0.9")
    with pytest.raises(LimitsError, match=r"on_high= is unknown to the module uid_mem 0\.0\.9 of this host") as caught:
        parse_line("5 max=1M on_high=event", names)
    assert caught.value.code == errno.EINVAL
    with pytest.raises(LimitsError, match=r"uid_mem \(of unknown version\) of this host"):
        parse_line("5 max=1M on_high=event", Vocabulary(on_high=()))
    assert Table.parse("5 max=1M", names).text(names) == (
        "5 max=1048576 high=max policy=default metric=rss grace_ms=0 mode=enforce\n"
    )


def test_split_lines_at_newlines_only() -> None:
    assert split_lines("") == []
    assert split_lines("a\n") == ["a"]
    assert split_lines("a\n\nb\r\x0b") == ["a", "", "b\r\x0b"]


def test_table_is_ordered_and_counts() -> None:
    table = Table.parse("9 max=1M\n5-9 max=1M\n5 max=1M")
    assert [str(limit.uids) for limit in table] == ["5-9", "5", "9"]
    assert len(table) == 3
    assert 7 in Uids(5, 9)

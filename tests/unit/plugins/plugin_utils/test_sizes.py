# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Sizes and times as a task gives them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import Limit, Table, Uids
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._sizes import (
    MAX_SIZE,
    MIN_LIMIT,
    SizeError,
    describe_size,
    format_size,
    parse_grace,
    parse_size,
)

GIB = 1 << 30


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (104857600, 104857600),
        ("104857600", 104857600),
        ("100M", 104857600),
        ("100m", 104857600),
        (" 100 M ", 104857600),
        ("1024K", 1 << 20),
        ("1.5G", 3 * GIB // 2),
        ("0.001G", 1073741),
        ("2T", 2 << 40),
        ("max", None),
        (str(MAX_SIZE), MAX_SIZE),
    ],
)
def test_size(value: object, size: int | None) -> None:
    assert parse_size(value).resolve(None) == size


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (100, "max: 100 bytes is below the minimum of 1 MiB; did you mean 100M?"),
        ("100", "max: 100 bytes is below the minimum of 1 MiB; did you mean 100M?"),
        (0, "max: 0 bytes is below the minimum of 1 MiB"),
        ("1023K", "max: 1023K (1047552 bytes) is below the minimum of 1 MiB"),
        ("100MB", "max: '100MB' is not a size; did you mean 100M?"),
        ("1.5GiB", "max: '1.5GiB' is not a size; did you mean 1.5G?"),
        ("1.5", "max: 1.5 bytes is not a whole number; did you mean 1.5M or 1.5G?"),
        (1.5, "max: 1.5 bytes is not a whole number; did you mean 1.5M or 1.5G?"),
        ("0%", "max: 0% is not a share of the device's RAM; write more than 0% and at most 100%"),
        ("101%", "max: 101% is not a share of the device's RAM; write more than 0% and at most 100%"),
        ("16777216T", "max: 16777216T does not fit into 64 bits; write max for no limit"),
        (1 << 64, "max: 18446744073709551616 does not fit into 64 bits; write max for no limit"),
    ],
)
def test_size_refused(value: object, message: str) -> None:
    with pytest.raises(SizeError) as caught:
        parse_size(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "value", ["banana", "", "-1M", "+1M", "1P", "0x10", "1,5G", "%", "1e9", True, None, [1], "\u0661\u0660\u0660M"]
)
def test_size_refused_names_the_forms(value: object) -> None:
    with pytest.raises(SizeError) as caught:
        parse_size(value)
    assert f"max: {value!r} is not a size" in str(caught.value)
    for form in ("104857600", "100M", "1.5G", "25%", "max for no limit"):
        assert form in str(caught.value)


def test_share_is_rounded_down_to_mib() -> None:
    assert parse_size("25%").resolve(4 * GIB + 5000) == GIB
    assert parse_size("12.5%").resolve(4 * GIB - 1) == GIB // 2 - MIN_LIMIT
    assert parse_size("100%").resolve(GIB) == GIB


def test_share_of_unknown_ram() -> None:
    with pytest.raises(SizeError, match="does not tell how much it has"):
        parse_size("25%").resolve(None)


def test_share_too_small() -> None:
    with pytest.raises(
        SizeError, match=r"0\.0001% of this device's RAM \(1 GiB\) is 1073 bytes, below the minimum of 1 MiB"
    ):
        parse_size("0.0001%").resolve(GIB)


@pytest.mark.parametrize(
    ("value", "ms"), [(0, 0), ("0", 0), ("500ms", 500), ("2s", 2000), ("1 m", 60000), ("60m", 3600000)]
)
def test_grace(value: object, ms: int) -> None:
    assert parse_grace(value) == ms


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (500, "grace: 500 has no unit; did you mean 500ms or 500s?"),
        ("61m", "grace: 61m is longer than the longest grace period, one hour (60m)"),
        ("1h", "grace: '1h' is not a time; write 0, or a number with its unit: 500ms, 2s or 1m"),
        (-1, "grace: -1 is not a time; write 0, or a number with its unit: 500ms, 2s or 1m"),
        (False, "grace: False is not a time; write 0, or a number with its unit: 500ms, 2s or 1m"),
        (None, "grace: None is not a time; write 0, or a number with its unit: 500ms, 2s or 1m"),
    ],
)
def test_grace_refused(value: object, message: str) -> None:
    with pytest.raises(SizeError) as caught:
        parse_grace(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("size", "short", "words"),
    [
        (None, "max", "no limit"),
        (104857600, "100M", "100 MiB"),
        (104857601, "104857601", "100 MiB"),
        (3 * GIB // 2, "1536M", "1.5 GiB"),
        (1 << 40, "1T", "1 TiB"),
        (1000, "1000", "1000 bytes"),
    ],
)
def test_format(size: int | None, short: str, words: str) -> None:
    assert format_size(size) == short
    assert describe_size(size) == words


@given(st.integers(MIN_LIMIT, MAX_SIZE) | st.integers(1, 1 << 24).map(lambda mib: mib << 20) | st.none())
def test_formatted_size_is_exact(size: int | None) -> None:
    text = format_size(size)
    assert parse_size(text).resolve(None) == size
    assert Table.parse(f"1 max={text}").get(Uids(1, 1)) == Limit(Uids(1, 1), size)

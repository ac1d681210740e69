# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The filter limit_in_force: the precedence of limits, compared with the one the table of limits has."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.devfleet.uid_mem.plugins.filter.limit_in_force import FilterModule
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import LimitsError, Table

limit_in_force = FilterModule().filters()["limit_in_force"]
LIMITS = [
    limit.as_dict()
    for limit in Table.parse(
        "10000-19999 max=1G\n10000-10999 max=2G\n10070 max=3G\n10071 max=max\n"
        "100000-165535 charge_to=10070\n200000-265535 charge_to=10500\n300000 charge_to=5\n"
    )
]
GIB = 1 << 30


@pytest.mark.parametrize(
    ("uid", "uids", "size"),
    [
        (10070, "10070", 3 * GIB),
        ("10070", "10070", 3 * GIB),
        (10071, "10071", "max"),
        (10999, "10000-10999", 2 * GIB),
        (11000, "10000-19999", GIB),
    ],
)
def test_precedence(uid: Any, uids: str, size: Any) -> None:
    found = limit_in_force(LIMITS, uid)
    assert (found["uid"], found["max"]) == (uids, size)
    assert "charge_to" not in found


def test_who_pays_for_it() -> None:
    found = limit_in_force(LIMITS, 100000)
    assert (found["uid"], found["max"], found["charge_to"]) == ("10070", 3 * GIB, "10070")
    found = limit_in_force(LIMITS, 200000)
    assert (found["uid"], found["max"], found["charge_to"]) == ("10000-10999", 2 * GIB, "10500")


def test_no_limit() -> None:
    assert limit_in_force(LIMITS, 5) is None
    assert limit_in_force([], 5) is None
    assert limit_in_force(LIMITS, 300000) is None


def test_limits_as_a_task_has_them() -> None:
    assert limit_in_force([{"uid": 5, "max": "1M"}, {"uid": "1-9", "max": "2M"}], 5) == {"uid": 5, "max": "1M"}


@pytest.mark.parametrize(
    ("limits", "uid", "message"),
    [
        (LIMITS, 0, "UID 0 (root) cannot be limited"),
        (LIMITS, "alice", "'alice' is neither a UID (10070) nor a range of UIDs (10000-19999)."),
        (LIMITS, "5-9", "5-9 is a range; one UID is wanted."),
        ({"uid": 5}, 5, "the input is no list of dictionaries with uid"),
        ([{"user": "alice"}], 5, "the input is no list of dictionaries with uid"),
        ([{"uid": "x"}], 5, "'x' is neither"),
    ],
)
def test_wrong_arguments(limits: Any, uid: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        limit_in_force(limits, uid)
    assert message in str(caught.value)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 9)), max_size=8), st.integers(1, 40))
def test_as_the_table_of_limits(ranges: list[tuple[int, int]], uid: int) -> None:
    lines = [f"{first}-{first + more} max={place + 1}M" for place, (first, more) in enumerate(ranges)]
    table = Table()
    for line in lines:
        try:
            table.apply([line])
        except LimitsError:
            continue
    ((_uid, expected),) = table.effective([uid])
    found = limit_in_force([limit.as_dict() for limit in table], uid)
    assert found == (expected.as_dict() if expected else None)

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Names of users, and the UIDs that Android computes of them."""

from __future__ import annotations

import pytest

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import MAX_UID, Uids
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._users import (
    HostUsers,
    UserError,
    android_name,
    android_uid,
    parse_members,
    parse_names,
    parse_subordinate,
    parse_user,
    user_id,
)


@pytest.mark.parametrize(
    ("name", "uid"),
    [
        ("u0_a70", 10070),
        ("u0_a0", 10000),
        ("u0_a9999", 19999),
        ("u10_a70", 1010070),
        ("u1000_a1", 100010001),
        ("u0_i7", 90007),
        ("u2_i1000", 291000),
        ("u1001_a1", None),
        ("u0_a10000", None),
        ("u0_a", None),
        ("u_a1", None),
        ("u0_a70_cache", None),
        ("u10_system", None),
        ("all_a1", None),
        ("u0_a٣", None),
        ("alice", None),
    ],
)
def test_android_uid(name: str, uid: int | None) -> None:
    assert android_uid(name) == uid


def test_the_device_is_right() -> None:
    assert user_id("alice", 1000) == 1000
    assert user_id("u0_a70", None) == 10070
    assert user_id("u0_a70", 501) == 501
    assert user_id("u0_i7", 99007) == 99007


def test_subordinate_uids() -> None:
    text = "1000:100000:65536\n1001:165536:65536\n1000:300000:1\n2000:2147483647:2147483648\n"
    found = parse_subordinate(text)
    assert found == {
        1000: (Uids(100000, 165535), Uids(300000, 300000)),
        1001: (Uids(165536, 231071),),
        2000: (Uids(2147483647, MAX_UID),),
    }
    users = HostUsers({}, found)
    assert users.subordinate_of(Uids(1001, 1001)) == [(1001, Uids(165536, 231071))]
    assert users.subordinate_of(Uids(1002, 1002)) == []
    assert [uid for uid, _uids in users.subordinate_of(Uids(1000, 1999))] == [1000, 1000, 1001]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "1000",
        "1000:5",
        "1000:5:0",
        "1000:0:5",
        "1000:5:x",
        "1000:5:6:7",
        "x:5:6",
        "1000:-5:6",
        "1000:99999999999:1",
    ],
)
def test_a_line_that_is_none_does_not_count(line: str) -> None:
    assert parse_subordinate(f"{line}\n1:5:6\n") == {1: (Uids(5, 10),)}


def test_unknown_user() -> None:
    with pytest.raises(UserError, match="user: 'alice' is unknown to this host; create the user first, or give the nu"):
        user_id("alice", None)


def test_root() -> None:
    with pytest.raises(UserError, match=r"user: 'toor' has UID 0 \(root\) on this host, which cannot be limited"):
        user_id("toor", 0)


@pytest.mark.parametrize(
    "name", ["alice", "u0_a70", "DOMAIN\\bob", "bob@example.org", "müller", "x$", "1st", "a-b.c_d"]
)
def test_names(name: str) -> None:
    assert parse_user(name) == name


@pytest.mark.parametrize("name", ["", "-u", "+5", "a b", "a:b", "a/b", "a,b", "a\nb", " a", "a\x1bb"])
def test_no_names(name: str) -> None:
    with pytest.raises(UserError, match="is not the name of a user"):
        parse_user(name)


def test_number() -> None:
    with pytest.raises(UserError, match="user: 1000 is a number; write uid: 1000"):
        parse_user("1000")


def test_android_names() -> None:
    for name in ("u0_a70", "u0_a0", "u0_a9999", "u10_a70", "u0_i7", "u2_i1000"):
        uid = android_uid(name)
        assert uid is not None
        assert android_name(uid) == name
    assert [android_name(uid) for uid in (0, 1000, 20000, 1001 * 100_000 + 10_000)] == [""] * 4


def test_members() -> None:
    text = "lost\n5\ngroup\n1000\n\nx\n1001\nunknown\n7\ngroup\n"
    assert parse_members(text, ("a", "b", "c")) == {"a": (1000, 1001), "b": None, "c": ()}


def test_names_of_uids() -> None:
    assert parse_names("1000 alice\nx y\n1000 alias\n1001 bob\n") == {1000: "alice", 1001: "bob"}

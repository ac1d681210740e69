# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Limits for the members of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ansible_collections.devfleet.uid_mem.tests.unit.host import Host

MIB = 1 << 20
PASSWD = """\
root:x:0:0:root:/root:/bin/bash
alice:x:1000:500:Alice:/home/alice:/bin/bash
bob:x:1001:100::/home/bob:/bin/bash
carol:x:1002:100::/home/carol:/bin/bash
"""
GROUPS = """\
users:x:100:
students:x:500:bob,root,gone
staff:x:501:bob
domain users:x:502:carol
empty:x:503:
"""
# As of a directory service: found by name, and by getent only.
GETENT = """\
case $1 in
passwd) [ $# -gt 1 ] || exec cat "$DEVICE/etc/passwd"; shift; for n do grep "^$n:" "$DEVICE/etc/passwd"; done ;;
group) grep "^$2:" "$DEVICE/ldap" ;;
esac
"""
ID = """\
for name do :; done
sed -n "s/^$name:[^:]*:\\([0-9]*\\):.*/\\1/p" "$DEVICE/etc/passwd" | grep . || exec {id} "$@"
"""


@pytest.fixture(params=["getent", "files"])
def school(request: pytest.FixtureRequest, host: Host) -> Host:
    """A host with these users and groups."""
    (host.device.root / "etc" / "passwd").write_text(PASSWD)
    by_getent = request.param == "getent"
    (host.device.root / ("ldap" if by_getent else "etc/group")).write_text(GROUPS)
    host.device.set_program("getent", GETENT if by_getent else "exit 127")
    host.device.set_program("id", ID.format(id=host.device.program("id")))
    return host


def kernel(host: Host) -> list[str]:
    return [line.partition(" high=")[0] for line in host.device.limits.read_text().splitlines()]


def test_every_member(school: Host) -> None:
    """Those whose primary group it is, and those it lists; not root, and nobody that does not exist."""
    predicted = school.limit(check=True, group="students", max="64M")
    result = school.limit(group="students", max="64M")
    assert result == predicted
    assert kernel(school) == [f"1000 max={64 * MIB}", f"1001 max={64 * MIB}"]
    assert len(school.connection.calls) == 2
    assert not school.limit(group=["students"], max="64M")["changed"]
    assert len(school.connection.calls) == 1
    assert school.limit(group="students", state="absent")["changed"]
    assert kernel(school) == []


def test_who_counts(school: Host) -> None:
    """An entry for a user beats one for a group; of two groups the last one counts."""
    items: list[dict[str, Any]] = [
        {"user": "alice", "max": "1M"},
        {"group": ["users", "students"], "max": "2M"},
        {"group": ["staff", "domain users"], "max": "3M"},
    ]
    school.limit(limits=items)
    assert kernel(school) == [f"1000 max={MIB}", f"1001 max={3 * MIB}", f"1002 max={3 * MIB}"]
    assert school.info(desired=items)["desired_drift"] == []
    school.limit(uid=1001, max="9M")
    school.limit(uid=1000, state="absent")
    drift = school.info(desired=items)["desired_drift"]
    assert [(row["item"], row["user"], row["group"], row["uid_first"]) for row in drift] == [
        (1, "alice", "", 1000),
        (3, "", "staff", 1001),
    ]


def test_members_with_subordinate_uids(school: Host) -> None:
    """Unlike a single user, a member may have none."""
    (school.device.root / "etc" / "subuid").write_text("bob:100000:65536\n")
    school.limit(group="students", max="64M", subordinate=True)
    assert kernel(school) == [f"1000 max={64 * MIB}", f"1001 max={64 * MIB}", "100000-165535 charge_to=1001"]
    assert not school.limit(group="students", max="64M", subordinate=True)["changed"]
    school.limit(group="students", state="absent", subordinate=True)
    assert kernel(school) == []


def test_file_drift_leaves_out_members(school: Host) -> None:
    items: list[dict[str, Any]] = [{"group": "students", "max": "64M", "persist": False}]
    school.limit(group="students", max="64M", persist=False)
    assert school.info(desired=items)["drift"] == []


def test_no_members(school: Host) -> None:
    result = school.limit(group="empty", max="64M")
    assert result["warnings"] == ["The group 'empty' has no members on this host, so that nobody is limited."]
    assert not result["changed"]


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("teachers", "group: 'teachers' is unknown to this host; create the group first."),
        ("500", "group: 500 is a number; write the name of the group."),
        (["students", "-x"], "group: '-x' is not the name of a group."),
        ("a/b", "group: 'a/b' is not the name of a group."),
    ],
)
def test_bad_groups(school: Host, group: Any, message: str) -> None:
    assert school.refused(group=group, max="64M") == message
    drift = school.info(desired=[{"group": "teachers", "max": "1M"}])["desired_drift"]
    assert drift[0]["problem"] == "group: 'teachers' is unknown to this host; create the group first"


def test_group_and_user(school: Host) -> None:
    assert "user and group exclude each other." in school.refused(limits=[{"user": "bob", "group": "staff", "max": 1}])
    assert "user and group exclude each other; give one" in school.refused(user="bob", group="staff", max="1M")

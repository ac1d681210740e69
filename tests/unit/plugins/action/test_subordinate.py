# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One budget for a UID and others: subordinate UIDs from /etc/subuid, and second accounts."""

from __future__ import annotations

import pwd
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import Uids

if TYPE_CHECKING:
    from ansible_collections.devfleet.uid_mem.tests.unit.host import Host

DEFAULTS = "high=max on_high=event policy=default metric=rss grace_ms=0 mode=enforce"
MIB = 1 << 20
NOBODY = pwd.getpwnam("nobody").pw_uid


def write_subuid(host: Host, *lines: str) -> None:
    (host.device.root / "etc" / "subuid").write_text("".join(f"{line}\n" for line in lines))


def kernel(host: Host) -> list[str]:
    return host.device.limits.read_text().replace(f" {DEFAULTS}", "").splitlines()


def file(host: Host) -> list[str]:
    return [line for line in host.device.read_file().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(
    ("whose", "uid"), [({"user": "nobody"}, NOBODY), ({"uid": NOBODY}, NOBODY), ({"uid": 1000}, 1000)]
)
def test_subordinate_uids_use_the_budget(host: Host, whose: dict[str, Any], uid: int) -> None:
    write_subuid(host, "1000:300000:65536", "nobody:100000:65536", f"{NOBODY}:200000:10", "1000:400000:1")
    task = {**whose, "max": "64M", "subordinate": True}
    ranges = {NOBODY: ["100000-165535", "200000-200009"], 1000: ["300000-365535", "400000"]}[uid]
    lines = [*(f"{uids} charge_to={uid}" for uids in ranges)]

    predicted = host.limit(**task, check=True)
    assert host.state() == ("", None)
    result = host.limit(**task)
    assert result == predicted
    assert sorted(kernel(host)) == sorted([f"{uid} max={64 * MIB}", *lines])
    assert sorted(file(host)) == sorted([f"{uid} max=64M", *lines])
    assert len(host.connection.calls) == 2
    assert {**Uids.parse(ranges[0]).as_dict(), "charge_to": str(uid)} in result["after"]
    assert f"{ranges[0]} charge_to={uid}\n" in result["diff"][0]["after"]
    again = host.limit(**task)
    assert (again["changed"], again["after"], len(host.connection.calls)) == (False, result["after"], 1)


def test_a_range_has_those_of_each_of_its_uids(host: Host) -> None:
    write_subuid(host, "1000:100000:65536", "1001:200000:65536", "999:300000:65536", "root:400000:65536")
    items: list[dict[str, Any]] = [
        {"uid": "1000-1999", "max": "64M", "subordinate": True},
        {"uid": 1001, "max": "1G", "subordinate": True},
    ]
    host.limit(limits=items)
    assert kernel(host) == [
        f"1000-1999 max={64 * MIB}",
        f"1001 max={1024 * MIB}",
        "100000-165535 charge_to=1000",
        "200000-265535 charge_to=1001",
    ]
    assert not host.limit(limits=items, purge=True)["changed"]
    # None is no error.
    write_subuid(host)
    assert host.limit(limits=[{"uid": "1000-1999", "max": "64M", "subordinate": True}])["changed"]
    assert kernel(host) == [f"1000-1999 max={64 * MIB}", f"1001 max={1024 * MIB}"]


def test_what_subuid_has_no_more_goes(host: Host) -> None:
    write_subuid(host, "1000:100000:65536")
    task: dict[str, Any] = {"uid": 1000, "max": "64M", "subordinate": True}
    host.limit(**task)
    host.limit(limits=[{"uid": 2000, "charge_to": 1000}, {"uid": "300-399", "charge_to": 1001}])
    write_subuid(host, "1000:120000:65536")
    result = host.limit(**task)
    # A second account stays, as does what is charged to another UID.
    assert kernel(host) == [
        "300-399 charge_to=1001",
        f"1000 max={64 * MIB}",
        "2000 charge_to=1000",
        "120000-185535 charge_to=1000",
    ]
    assert [entry["uid"] for entry in result["before"]] == ["1000", "100000-165535"]
    assert [entry["uid"] for entry in result["after"]] == ["1000", "120000-185535"]
    assert sorted(file(host)) == [
        "1000 max=64M",
        "120000-185535 charge_to=1000",
        "2000 charge_to=1000",
        "300-399 charge_to=1001",
    ]
    # Without the option they are nobody's business.
    assert not host.limit(uid=1000, max="64M")["changed"]


def test_absent(host: Host) -> None:
    """What is to go is found in the table: /etc/subuid may have forgotten the user."""
    write_subuid(host, "1000:100000:65536")
    host.limit(uid=1000, max="64M", subordinate=True)
    (host.device.root / "etc" / "subuid").unlink()
    result = host.limit(uid=1000, state="absent", subordinate=True)
    assert (kernel(host), file(host), result["after"]) == ([], [], [])
    assert [entry["uid"] for entry in result["before"]] == ["1000", "100000-165535"]
    assert not host.limit(uid=1000, state="absent", subordinate=True)["changed"]


def test_kernel_or_file_only(host: Host) -> None:
    write_subuid(host, "1000:100000:65536")
    host.limit(uid=1000, max="64M", subordinate=True, persist=False)
    assert kernel(host) == [f"1000 max={64 * MIB}", "100000-165535 charge_to=1000"]
    assert not host.device.file.exists()
    host.limit(limits=[], purge=True)
    host.limit(uid=1000, max="64M", subordinate=True, runtime=False)
    assert (kernel(host), file(host)) == ([], ["1000 max=64M", "100000-165535 charge_to=1000"])


@pytest.mark.parametrize(
    ("lines", "args", "message"),
    [
        (
            [],
            {"uid": 1000},
            "uid: 1000 has no subordinate UIDs in /etc/subuid on this host; add some with 'usermod --add-subuids"
            " FIRST-LAST NAME', or leave out subordinate.",
        ),
        (
            ["1000:100000:65536"],
            {"user": "nobody"},
            f"user: 'nobody' (UID {NOBODY}) has no subordinate UIDs in /etc/subuid on this host; add some with"
            " 'usermod --add-subuids FIRST-LAST NAME', or leave out subordinate.",
        ),
        (
            ["1000:900:200"],
            {"uid": 1000},
            "900-1099 is charged to one of its own UIDs; name another UID in charge_to.",
        ),
    ],
)
def test_bad_subordinate_uids(host: Host, lines: list[str], args: dict[str, Any], message: str) -> None:
    write_subuid(host, *lines)
    assert host.refused(**args, max="64M", subordinate=True) == message
    listed = host.refused(limits=[{**args, "max": "64M", "subordinate": True}])
    assert listed.startswith("item 1 of limits (")
    assert listed.endswith(f"): {message}")


@pytest.mark.parametrize(
    "other",
    [
        {"uid": 1001, "max": "64M", "subordinate": True},
        {"uid": "100000-165535", "max": "1M"},
        {"uid": "100000-165535", "state": "absent"},
    ],
)
def test_the_same_uids_twice(host: Host, other: dict[str, Any]) -> None:
    write_subuid(host, "1000:100000:65536", "1001:100000:65536")
    message = host.refused(limits=[{"uid": 1000, "max": "64M", "subordinate": True}, other])
    assert "/etc/subuid on this host has 100000-165535 for UID 100" in message
    assert "these are the UIDs of another limit of the task, or also another user's." in message


def test_usage_of_what_is_charged(host: Host) -> None:
    write_subuid(host, "1000:100000:65536")
    host.device.add_process(7, 1000, RssAnon=40 * 1024)
    host.device.add_process(8, 100005, RssAnon=40 * 1024)
    result = host.limit(uid=1000, max="64M", subordinate=True, check=True)
    assert "UID 1000 with 80 MiB of 64 MiB (rss)" in result["warnings"][0]
    assert "UID 1000 with" in host.refused(uid=1000, max="64M", subordinate=True, below_usage="refuse")
    assert "warnings" not in host.limit(uid=1000, max="64M")


def test_second_account(host: Host) -> None:
    task: dict[str, Any] = {"user": "nobody", "charge_to": 1000}
    assert host.limit(**task)["after"] == [{**Uids(NOBODY, NOBODY).as_dict(), "charge_to": "1000"}]
    assert (kernel(host), file(host)) == ([f"{NOBODY} charge_to=1000"], [f"{NOBODY} charge_to=1000"])
    assert not host.limit(**task)["changed"]
    assert host.limit(user="nobody", max="1M")["changed"]
    assert host.limit(**task, state="absent")["changed"]
    assert (kernel(host), file(host)) == ([], [])


def test_drift(host: Host) -> None:
    write_subuid(host, "1000:100000:65536")
    desired: list[dict[str, Any]] = [{"uid": 1000, "max": "64M", "subordinate": True}]
    missing = {**Uids(100000, 165535).as_dict(), "charge_to": "1000"}

    def drift(items: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        rows = host.info(desired=items)["desired_drift"]
        return [(row["uid"], row["kernel"], row["desired"], row["problem"]) for row in rows]

    host.limit(uid=1000, max="64M", persist=False)
    assert drift(desired) == [("100000-165535", None, missing, "")]
    host.limit(limits=desired, persist=False)
    assert drift(desired) == []
    # One that is for the kernel only is not missing in the file.
    assert host.info(desired=[{**desired[0], "persist": False}])["drift"] == []
    assert [row["uid"] for row in host.info()["drift"]] == ["1000", "100000-165535"]
    # What should be gone, and what cannot be.
    assert [row[0] for row in drift([{**desired[0], "state": "absent"}])] == ["1000", "100000-165535"]
    write_subuid(host, "1000:200000:65536")
    assert [(uid, bool(now), bool(then)) for uid, now, then, _problem in drift(desired)] == [
        ("200000-265535", False, True),
        ("100000-165535", True, False),
    ]
    write_subuid(host)
    assert "has no subordinate UIDs in /etc/subuid" in drift(desired)[0][3]
    assert host.info(desired=[{**desired[0], "persist": False}])["drift"] != []

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a task returns: counts in place of long lists, UIDs as numbers; and errors in long lists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ansible_collections.devfleet.uid_mem.tests.unit.host import Host

MANY = [{"uid": 100000 + number, "max": "100M"} for number in range(10000)]


def size_of(result: dict[str, Any]) -> int:
    return len(json.dumps(result))


def test_unchanged_limits_are_counted(host: Host) -> None:
    host.limit(limits=MANY, diff=False)
    stats = host.device.proc / "stats"
    stats.write_text("".join(f"{item['uid']} usage=4096 peak=8192 procs=1 max=104857600 kills=0\n" for item in MANY))
    result = host.limit(limits=MANY)
    assert not result["changed"]
    assert result["counts"] == {
        **{"before": 10000, "after": 10000, "unchanged": 10000},
        **{"added": 0, "changed": 0, "removed": 0},
    }
    assert (result["before"], result["after"], result["usage"], result["returned_all"]) == ([], [], [], False)
    assert size_of(result) < 10_000
    assert len(host.connection.calls) == 1


def test_changed_limits_are_listed(host: Host) -> None:
    limits = MANY[:200]
    host.limit(limits=limits, diff=False)
    (host.device.proc / "stats").write_text("100001 usage=1\n100002 usage=2\n100003 usage=3\n")
    changed = [{"uid": 100001, "state": "absent"}, {"uid": 100002, "max": "1G"}, {"uid": 5, "max": "1M"}, *limits[3:]]
    result = host.limit(limits=changed, diff=False)
    assert [row["uid_first"] for row in result["before"]] == [100001, 100002]
    assert [row["uid_first"] for row in result["after"]] == [5, 100002]
    assert [row["uid_first"] for row in result["usage"]] == [100001, 100002]
    assert result["counts"] == {"before": 199, "after": 199, "added": 1, "removed": 1, "changed": 1, "unchanged": 197}
    assert not result["returned_all"]


def test_all_on_request(host: Host) -> None:
    host.limit(limits=MANY[:200], diff=False)
    result = host.limit(limits=MANY[:200], return_all=True)
    assert (len(result["before"]), len(result["after"]), result["returned_all"]) == (200, 200, True)


def test_uids_are_numbers_too(host: Host) -> None:
    host.limit(limits=[{"uid": 10070, "max": "1M"}, {"uid": "20-29", "max": "1M"}])
    (host.device.proc / "stats").write_text("10070 usage=1\n")
    (host.device.proc / "events").write_text("seq=0 ts=1 event=limit_set uid=20-29 max=1\n")
    info = host.info()
    ends = [[(row["uid_first"], row["uid_last"]) for row in info[name]] for name in ("limits", "file_limits")]
    assert ends == [[(20, 29), (10070, 10070)]] * 2
    assert [(row["uid_first"], row["uid_last"]) for row in info["stats"]] == [(10070, 10070)]
    assert [(row["uid_first"], row["uid_last"]) for row in info["events"]] == [(20, 29)]
    # A returned entry can be declared as it is.
    assert not host.limit(**info["limits"][0])["changed"]


# --- errors


def test_every_bad_item_is_named(host: Host) -> None:
    message = host.refused(limits=[{"uid": 5}, {"uid": 6, "max": "1M"}, {"uid": 7, "max": "1X"}, {"user": "a b"}])
    assert message.startswith("item 1 of limits (uid 5): max is missing; write the limit (100M), or state: absent. ")
    assert " item 3 of limits (uid 7): max: '1X' is not a size; write" in message
    assert " item 4 of limits (user a b): max is missing" in message
    assert "item 2" not in message
    assert host.connection.calls == []


def test_every_unknown_user_is_named(host: Host) -> None:
    message = host.refused(limits=[{"user": f"uid-mem-nobody{number}", "max": "1M"} for number in range(3)])
    assert [f"(user uid-mem-nobody{number})" in message for number in range(3)] == [True] * 3


def test_not_too_many_of_them(host: Host) -> None:
    message = host.refused(limits=["this is no dictionary, but a very long text that says nothing at all"] * 20000)
    assert message.startswith("item 1 of limits: 'this is no dictionary, but a very")
    assert "item 20 of limits" in message
    assert "item 21 of limits" not in message
    assert message.endswith(" And 19980 more like these.")
    assert len(message) < 5000


@pytest.mark.parametrize(
    ("size", "hint"),
    [
        ("100Mi", "'100Mi' is not a size; did you mean 100M?"),
        ("1.5gib", "'1.5gib' is not a size; did you mean 1.5G?"),
        ("infinity", "'infinity' is not a size; did you mean max, for no limit?"),
        ("none", "'none' is not a size; did you mean max, for no limit?"),
        (-1, "-1 is not a size; did you mean max, for no limit?"),
        ("100I", "'100I' is not a size; write a number of bytes"),
    ],
)
def test_hints(host: Host, size: object, hint: str) -> None:
    assert f"max: {hint}" in host.refused(uid=5, max=size)


# --- logins


@pytest.fixture
def lab(host: Host) -> Host:
    """A host with two people, a service and root."""
    (host.device.root / "etc" / "passwd").write_text(
        "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000:Alice:/home/alice:/bin/bash\nbob:x:1001:100::/home/bob:/bin/sh\n"
        "www:x:33:33::/var/www:/usr/sbin/nologin\n"
    )
    host.device.set_program("getent", 'exec grep "^${2-}" "$DEVICE/etc/$1"')
    return host


def test_limit_that_is_too_small_to_log_in(lab: Host) -> None:
    result = lab.limit(uid="1000-1999", max=2048000)
    assert result["warnings"] == [
        "alice (UID 1000) and 1 more can hardly log in with 2 MiB: a shell and its session take up to 32 MiB by the"
        " metric rss. Is a unit missing, as in 2048000K?"
    ]
    assert "warnings" not in lab.limit(uid="1000-1999", max=2048000)
    assert lab.limit(user="root-or-nobody", max="1M").get("failed")


@pytest.mark.parametrize(
    "task",
    [
        {"uid": 33, "max": 2048000},
        {"uid": 1000, "max": 2048000, "mode": "audit"},
        {"uid": 1000, "max": "32M"},
        {"uid": 1000, "max": "16M", "metric": "anon"},
        {"uid": 1000, "max": "max"},
        {"uid": 1000, "charge_to": 1001},
        {"uid": 1000, "state": "absent", "max": "1M"},
    ],
)
def test_limit_that_is_not(lab: Host, task: dict[str, Any]) -> None:
    assert "warnings" not in lab.limit(**task)

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A row of the status: from what is registered for a host to its values and findings; and the table on a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status import (
    KEPT_DRIFT,
    KEPT_TEXT,
    KEPT_USERS,
    Row,
    describe_age,
    make_row,
    sort_rows,
    summarize,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status_table import table_lines
from ansible_collections.devfleet.uid_mem.tests.unit.status_fleet import (
    MIB,
    OLDER,
    OURS,
    STOCK,
    UNREACHABLE,
    info,
    kill,
    limit,
    made_up,
    survey,
    usage,
)

ESC = "\x1b[2J"
RIGHT_TO_LEFT = "\u202e"


def findings(row: Row) -> list[tuple[str, str]]:
    return [(found["severity"], found["text"]) for found in row["findings"]]


def row_of(asked: Any = None, read: Any = None) -> Row:
    return make_row("d1", survey() if asked is None else asked, info() if read is None else read)


def test_a_host_that_is_well() -> None:
    assert row_of() == {
        "host": "d1",
        "reachable": True,
        "severity": "ok",
        "findings": [],
        "kernel": OURS,
        "arch": "x86_64",
        "os": "debian 12",
        "engine": "hooks",
        "default": OURS,
        "previous": STOCK,
        "trial": "",
        "waiting": "",
        "reboot_required": False,
        "loaded": True,
        "limits": 1,
        "users": [
            {
                **{"uid": "10070", "usage": 70 * MIB, "max": 100 * MIB},
                **{"share": 0.7, "processes": 1 + 10070 % 7, "kills": 0},
            }
        ],
        "users_omitted": 0,
        "users_near_limit": 0,
        "fullest": 0.7,
        "file_drift": 0,
        "inventory_drift": 0,
        "drift": [],
        "drift_omitted": 0,
        "kills": 0,
        "kills_at_least": False,
        "unkillable": 0,
        "last_kills": [],
        "last_rollout": {"age_seconds": 728600, "outcome": "committed", "release": OURS},
        "uptime_seconds": 864000,
        "lock_owner": "",
        "lock_age_seconds": None,
    }


@pytest.mark.parametrize(
    ("asked", "read", "text"),
    [
        (UNREACHABLE, {"skipped": True}, "Failed to connect to the host via ssh: No route to host"),
        (UNREACHABLE, None, "Failed to connect to the host via ssh: No route to host"),
        (survey(), {"unreachable": True, "msg": "Task failed: timed out\n"}, "timed out"),
        (None, None, "no answer"),
    ],
)
def test_a_host_that_is_off(asked: Any, read: Any, text: str) -> None:
    row = make_row("d1", asked, read)
    assert not row["reachable"]
    assert findings(row) == [("error", text)]
    assert (row["limits"], row["kills"], row["file_drift"], row["fullest"]) == (None, None, None, None)


def test_one_of_the_two_has_failed() -> None:
    row = row_of({"failed": True, "msg": "sh: not found"})
    assert findings(row) == [("error", "kernels cannot be read: sh: not found")]
    assert (row["kernel"], row["limits"]) == (OURS, 1)
    row = row_of(None, {"failed": True})
    assert findings(row) == [("error", "limits cannot be read: no answer")]
    assert (row["kernel"], row["engine"], row["limits"]) == (OURS, "hooks", None)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"last_rollout": f"1795000000 failed {OURS}"}, [("error", f"last rollout failed: {OURS}")]),
        ({"last_rollout": f"1795000000 rolled_back {OURS}"}, [("note", f"last rollout was rolled back: {OURS}")]),
        ({"trial_release": OURS, "running": STOCK}, [("warning", f"{OURS} is to be tried at the next boot")]),
        ({"trial_release": OURS, "default_release": STOCK}, [("warning", f"{OURS} runs on trial")]),
        ({"running": STOCK}, [("warning", f"runs {STOCK}, the default is {OURS}")]),
        ({"reboot_required": "yes"}, [("warning", "waits for a reboot")]),
        ({"failed": f"{OLDER}:77aa 6.1.9-x:1"}, [("note", f"failed a trial here: {OLDER}, 6.1.9-x")]),
        ({"lock_owner": "ops@host", "lock_age_seconds": "90"}, [("note", "locked by ops@host for 1 min")]),
        ({"lock_owner": "ops@host", "lock_age_seconds": "7200"}, [("warning", "locked by ops@host for 2 h")]),
        (
            {"newest_distribution_release": "6.1.0-42-amd64"},
            [("note", "newer distribution kernel waits: 6.1.0-42-amd64")],
        ),
    ],
)
def test_what_is_found_of_kernels(said: dict[str, str], expected: list[tuple[str, str]]) -> None:
    row = row_of(survey(**said))
    assert findings(row) == expected
    assert row["severity"] == expected[0][0]


@pytest.mark.parametrize(
    ("said", "waiting"),
    [
        ({"newest_distribution_release": ""}, ""),
        ({"newest_distribution_release": STOCK}, ""),  # the one to return to
        ({"newest_distribution_release": "6.1.0-42-amd64"}, "6.1.0-42-amd64"),
        ({"running": STOCK, "kernels": "", "newest_distribution_release": "6.1.0-9-amd64", "previous_release": ""}, ""),
        (
            {"running": STOCK, "kernels": "", "newest_distribution_release": "6.1.0-42-amd64"},
            "6.1.0-42-amd64",
        ),
    ],
)
def test_a_distribution_kernel_that_waits(said: dict[str, str], waiting: str) -> None:
    assert row_of(survey(**said))["waiting"] == waiting


def test_what_is_found_of_limits() -> None:
    stats = [usage(1, 10, 100), usage(2, 95, 100), {"uid": "3", "usage": 7, "max": "max"}]
    row = row_of(None, info(stats=stats, drift=[{"uid": "5", "kernel": None, "file": limit(5, MIB)}]))
    assert findings(row) == [
        ("warning", "1 entry differs from the limits file"),
        ("note", "1 user is at 90% of the limit or above"),
    ]
    assert [user["uid"] for user in row["users"]] == ["2", "1", "3"]
    assert row["users"][2]["max"] is row["users"][2]["share"] is None
    assert row["fullest"] == 0.95
    events = [{**kill(1, 5), "event": "unkillable"}]
    row = row_of(None, info(events=events, file_error="line 3 is wrong", stats=stats[1:2] * 2))
    assert findings(row) == [
        ("warning", "line 3 is wrong"),
        ("warning", "a user was above the limit and had no process that may be killed"),
        ("note", "2 users are at 90% of the limit or above"),
    ]


def test_a_host_without_the_module() -> None:
    read = info(loaded=False, features={}, limits=[], stats=[])
    del read["events"]
    row = row_of(None, read)
    assert findings(row) == [("warning", "module uid_mem is not loaded, no limit can be enforced")]
    assert (row["engine"], row["kills"], row["limits"]) == ("none", 0, 0)
    read["desired_drift"] = [{"uid": "5", "user": "", "kernel": None, "desired": limit(5, MIB), "problem": ""}]
    assert findings(row_of(None, read)) == [
        ("error", "module uid_mem is not loaded, declared limits are not enforced"),
    ]


def test_drift_is_described() -> None:
    other = {**limit(5, MIB), "policy": "youngest"}
    charge = {"uid": "100-199", "charge_to": "7"}
    unknown = {"uid": "", "user": "alise", "kernel": None, "desired": None, "problem": "user: 'alise' is unknown"}
    desired = [
        {"uid": "7", "user": "bob", "kernel": limit(7, 2 * MIB), "desired": None, "problem": ""},
        {"uid": "5", "user": "", "kernel": other, "desired": limit(5, MIB), "problem": ""},
        unknown,
        {"uid": "100-199", "user": "", "kernel": limit("100-199", MIB), "desired": charge, "problem": ""},
    ]
    from_file = [{"uid": "10-19", "kernel": None, "file": limit("10-19", 3 * MIB)}]
    row = row_of(None, info(drift=from_file, desired_drift=desired))
    others = "high max, on_high event, policy {}, metric rss, grace 0, mode enforce"
    assert row["drift"] == [
        "UID 10-19: nothing in force, 3 MiB in the file",
        "bob: 2 MiB in force, nothing in the inventory",
        f"UID 5: 1 MiB ({others.format('youngest')}) in force, 1 MiB ({others.format('default')}) in the inventory",
        "alise: in the inventory, but user: 'alise' is unknown",
        "UID 100-199: 1 MiB in force, charged to UID 7 in the inventory",
    ]
    assert (row["file_drift"], row["inventory_drift"]) == (1, 4)
    row = row_of(None, info(drift=from_file * 30))
    assert (row["file_drift"], len(row["drift"]), row["drift_omitted"]) == (30, KEPT_DRIFT, 30 - KEPT_DRIFT)
    read = info()
    del read["drift"]
    assert row_of(None, read)["file_drift"] is None


def test_kills_of_the_last_day() -> None:
    clock = 864000
    events = [kill(10000 + age, (clock - age) * 10**9, f"c{age}") for age in range(90, 0, -10)]
    row = row_of(None, info(events=events))
    assert (row["kills"], row["kills_at_least"]) == (9, False)
    assert [(each["age_seconds"], each["uid"], each["comm"]) for each in row["last_kills"]] == [
        (age, str(10000 + age), f"c{age}") for age in (10, 20, 30, 40, 50)
    ]
    assert row_of(None, info(events=events, events_lost=2))["kills_at_least"]
    assert row_of(None, info(events=events, events_omitted=1))["kills_at_least"]
    assert row["severity"] == "ok"


def test_what_a_device_says_is_printable_and_short() -> None:
    asked = survey(running=f"6.1{ESC}", default_release=f"6.1{ESC}", previous_release=f"a{RIGHT_TO_LEFT}b\udcff")
    asked["said"]["last_rollout"] = f"x{ESC} y\u2028z"
    row = make_row(
        f"h{ESC}", asked, info(events=[kill(5, 1, f"c{ESC}\r\n")], stats=[{"uid": ESC, "usage": "9" * 30, "max": True}])
    )
    assert row["host"] == "h\\x1b[2J"
    assert row["kernel"] == "6.1\\x1b[2J"
    assert row["previous"] == "a\\x202eb\\xff"
    assert row["last_kills"][0]["comm"] == "c\\x1b[2J "
    assert row["last_rollout"] == {"age_seconds": None, "outcome": "y\\x2028z", "release": ""}
    assert row["users"][0]["usage"] == 0
    assert row["users"][0]["max"] is None

    def texts(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [text for item in value.values() for text in texts(item)]
        if isinstance(value, list):
            return [text for item in value for text in texts(item)]
        return [value] if isinstance(value, str) else []

    assert all(text.isprintable() for text in texts(row))
    assert all(line.isprintable() for line in table_lines([row]))
    long = row_of(None, {"failed": True, "msg": "x" * 5000})
    assert len(long["findings"][0]["text"]) <= KEPT_TEXT


def test_nothing_of_the_expected_form() -> None:
    """Whatever is registered, a row comes of it."""
    values: list[Any] = [None, [], "text", 5, {"said": "x"}, {"said": {"last_rollout": "5"}, "failed": True}]
    reads: list[Any] = [None, [], {"limits": "x", "stats": ["y"], "events": 7, "drift": "z", "features": []}]
    for value in values:
        for read in reads:
            row = make_row("d1", value, read)
            assert row["host"] == "d1"
            assert len(table_lines([row])) >= 4


def test_many_users() -> None:
    row = row_of(None, info(stats=[usage(uid, uid, 10_000) for uid in range(1, 5001)]))
    assert (len(row["users"]), row["users_omitted"]) == (KEPT_USERS, 5000 - KEPT_USERS)
    assert row["users"][0]["uid"] == "5000"


def test_the_order_of_hosts() -> None:
    rows = [make_row(host, survey(), info()) for host in ("d10", "d9", "a")]
    rows.append(make_row("z", UNREACHABLE, None))
    assert [row["host"] for row in sort_rows(rows)] == ["z", "a", "d9", "d10"]


def test_sums() -> None:
    rows = made_up(1000)
    sums = summarize(rows)
    assert sums["hosts"] == 1000
    assert sums["reachable"] + sums["unreachable"] == 1000
    assert sums["unreachable"] == sum(not row["reachable"] for row in rows) > 0
    assert sums["attention"] == sum(row["severity"] in ("error", "warning") for row in rows) > sums["errors"] > 0
    assert sums["kills"] == sum(row["kills"] or 0 for row in rows) > 0
    assert sums["limits"] == sum(row["limits"] or 0 for row in rows) > 1000
    assert sums["drifted"] == sum(bool(row["drift"]) for row in rows) > 0
    assert sums["waiting"] == sum(bool(row["waiting"]) for row in rows) > 0
    assert sum(count for _kernel, count in sums["kernels"]) == sums["reachable"]
    assert sums["kernels"][0][0] == OURS


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "unknown time"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172800, "2 d"),
    ],
)
def test_ages(seconds: int | None, text: str) -> None:
    assert describe_age(seconds) == text


# --- the table


def test_table() -> None:
    rows = sort_rows(
        [
            make_row("d2", survey(), info(events=[kill(5, 1)], events_lost=1)),
            make_row("d1", UNREACHABLE, None),
            make_row("d10", survey(running=STOCK, last_rollout="", newest_distribution_release=""), info(drift=None)),
            make_row("漢字", survey(), info(drift=[{"uid": "5", "kernel": None, "file": limit(5, MIB)}])),
        ]
    )
    assert table_lines(rows) == [
        "HOST  STATE        KERNEL                   ENGINE  DEFAULT                  PREVIOUS        WAITING"
        "  LIMITS  FULLEST  DRIFT   KILLS 24H  LAST ROLLOUT",
        "d1    unreachable  -                        -       -                        -               -      "
        "       -        -  -               -  -",
        "d10   warning      6.1.0-41-amd64           hooks   6.1.158-uidmem-0a1b2c3d  6.1.0-41-amd64  -      "
        "       1      70%  no              0  -",
        "漢字  warning      6.1.158-uidmem-0a1b2c3d  hooks   =                        6.1.0-41-amd64  -      "
        "       1      70%  file 1          0  committed, 8 d",
        "d2    ok           6.1.158-uidmem-0a1b2c3d  hooks   =                        6.1.0-41-amd64  -      "
        "       1      70%  no             1+  committed, 8 d",
        "",
        "d1: unreachable: Failed to connect to the host via ssh: No route to host",
        f"d10: warning: runs {STOCK}, the default is {OURS}",
        "漢字: warning: 1 entry differs from the limits file",
        "",
        "4 hosts, 3 reachable, 3 need attention, 3 limits in force, 1 host with drift, 1 kill in 24 h",
    ]


def test_table_of_hosts_that_are_well() -> None:
    lines = table_lines([row_of()])
    assert lines[2:] == [
        "",
        "1 host, 1 reachable, 0 need attention, 1 limit in force, 0 hosts with drift, 0 kills in 24 h",
    ]

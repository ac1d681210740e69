# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""uid_mem_limit with a list of limits, users, purge, and what is there already."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._diff import FILE_HEADER

if TYPE_CHECKING:
    from ansible_collections.devfleet.uid_mem.tests.unit.host import Host

DEFAULTS = "high=max on_high=event policy=default metric=rss grace_ms=0 mode=enforce"
MIB = 1 << 20


def uids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["uid"] for row in rows]


# --- limits


def test_list(host: Host) -> None:
    host.limit(uid=10071, max="1M")
    result = host.limit(
        limits=[
            {"uid": "10000-19999", "max": "25%"},
            {"uid": 10070, "max": "100M", "high": "50M", "grace": "2s"},
            {"uid": 10071, "state": "absent"},
        ]
    )
    assert (uids(result["before"]), uids(result["after"])) == (["10071"], ["10000-19999", "10070"])
    assert host.state()[0] == (
        f"10000-19999 max={1000 * MIB} {DEFAULTS}\n"
        f"10070 max={100 * MIB} high={50 * MIB} on_high=event policy=default metric=rss grace_ms=2000 mode=enforce\n"
    )
    assert host.state()[1] == FILE_HEADER + "10000-19999 max=1000M\n10070 max=100M high=50M grace_ms=2000\n"
    assert len(host.connection.calls) == 2


def test_returned_limits_can_be_declared(host: Host) -> None:
    host.limit(
        limits=[
            {"uid": "5-9", "max": "1G", "high": 5, "grace": "1m"},
            {"uid": 6, "max": "max", "mode": "audit"},
            {"uid": "100-199", "charge_to": 6},
        ]
    )
    again = host.limit(limits=host.info()["limits"], purge=True)
    assert not again["changed"]
    assert len(again["after"]) == 3


def test_empty_list_does_nothing(host: Host) -> None:
    host.limit(uid=5, max="1M")
    result = host.limit(limits=[])
    assert (result["changed"], result["before"], result["after"]) == (False, [], [])


@pytest.mark.parametrize("count", [1000, 10000])
def test_many_limits_are_two_calls(host: Host, count: int) -> None:
    """And the data goes by standard input, so that no argument is too long."""
    limits = [{"uid": 100000 + number, "max": f"{100 + number}M"} for number in range(count)]
    result = host.limit(limits=limits)
    assert result["changed"]
    assert len(result["after"]) == count
    assert len(host.connection.calls) == 2
    assert all(len(command) < 16384 for command, _data in host.connection.calls)
    assert not host.limit(limits=limits, purge=True)["changed"]
    assert len(host.connection.calls) == 1


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (
            [{"uid": 5, "max": "1M"}, {"uid": 6, "max": "1M", "colour": "red"}],
            "item 2 of limits (uid 6): unknown argument colour;"
            " an item takes charge_to, grace, group, high, max, metric, mode, on_high, policy, state, subordinate, uid,"
            " user.",
        ),
        (
            [{"uid": 5, "max": 100}],
            "item 1 of limits (uid 5): max: 100 bytes is below the minimum of 1 MiB; did you mean 100M?",
        ),
        ([{"uid": 5}], "item 1 of limits (uid 5): max is missing; write the limit (100M), or state: absent."),
        (
            [{"uid": 5, "charge_to": 6, "max": "1M", "subordinate": True}],
            "item 1 of limits (uid 5): max, subordinate cannot be given beside charge_to; what counts is the limit of"
            " that UID.",
        ),
        ([{"uid": 5, "charge_to": "alice"}], "item 1 of limits (uid 5): charge_to: 'alice' is not a UID (10070)."),
        ([{"uid": 5, "charge_to": True}], "item 1 of limits (uid 5): charge_to: True is not a UID (10070)."),
        ([{"uid": 5, "charge_to": 0}], "item 1 of limits (uid 5): charge_to: UID 0 (root) cannot be limited; UIDs go"),
        (
            [{"uid": "5-9", "charge_to": 7}],
            "item 1 of limits (uid 5-9): 5-9 is charged to one of its own UIDs; name another UID in charge_to.",
        ),
        (
            [{"uid": 5, "charge_to": 6}, {"uid": 6, "charge_to": 7}],
            "5 charge_to=6 and 6 charge_to=7 form a chain; charge 5 to the UID that pays in the end",
        ),
        ([{"max": "1M"}], "item 1 of limits: one of uid, user and group is required."),
        ([{"uid": 5, "user": "nobody", "max": "1M"}], "item 1 of limits (uid 5): uid and user exclude each other."),
        ([{"user": "a b", "max": "1M"}], "item 1 of limits (user a b): user: 'a b' is not the name of a user."),
        (
            [{"uid": 5, "max": "1M", "mode": "kill"}],
            "item 1 of limits (uid 5): value of mode must be one of: enforce, audit, got: kill.",
        ),
        (
            [{"uid": 5, "max": "2M", "high": "3M"}],
            "item 1 of limits (uid 5): high (3 MiB) is above max (2 MiB); it may be at most max.",
        ),
        (
            [{"uid": 5, "max": "1M"}, {"uid": 7, "max": "1M"}, {"uid": "5-5", "state": "absent"}],
            "items 1 and 3 of limits are both for UID 5.",
        ),
        (
            [{"uid": 65534, "max": "1M"}, {"user": "nobody", "max": "1M"}],
            "items 1 and 2 of limits are both for UID 65534.",
        ),
        (
            [{"uid": 5, "max": "1M"}, {"user": "uid-mem-nobody", "max": "1M"}],
            "item 2 of limits (user uid-mem-nobody): user: 'uid-mem-nobody' is unknown to this host; create the user"
            " first, or give the number as uid.",
        ),
        (
            [{"uid": 5, "max": "1M", "policy": "rnd"}],
            "item 1 of limits (uid 5): policy: 'rnd' is unknown to the kernel of this host; it knows default,",
        ),
        (
            [{"uid": "10-20", "max": "1M"}, {"uid": "15-25", "max": "1M"}],
            "10-20 and 15-25 overlap and neither lies within the other",
        ),
        ([5], "item 1 of limits: 5 is no dictionary; write one like {uid: 1000, max: 2G}."),
        ({"uid": 5, "max": "1M"}, "limits"),
    ],
)
def test_bad_items(host: Host, limits: Any, message: str) -> None:
    refusal = host.refused(limits=limits)
    assert message in refusal
    assert refusal[-1] in ".?"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"uid": 5, "user": "nobody", "max": "1M"}, "uid and user exclude each other; give one of them."),
        ({"uid": 5, "limits": []}, "uid and limits exclude each other; give one of them."),
        ({"limits": None}, "limits is null, no list. Is the variable empty? An empty list is written []."),
        ({"uid": 5, "max": "1M", "purge": True}, "purge: true needs limits, the list of all limits that shall be ther"),
        ({"uid": 5, "max": "1M", "persist": False, "runtime": False}, "persist: false and runtime: false leave nothin"),
        ({"uid": 5, "max": "1M", "below_usage": "kill"}, "value of below_usage must be one of: warn, refuse, ignore,"),
        ({"user": 1000, "max": "1M"}, "user: 1000 is a number; write uid: 1000."),
        ({"user": "root", "max": "1M"}, "user: 'root' has UID 0 (root) on this host, which cannot be limited."),
    ],
)
def test_bad_combinations(host: Host, args: dict[str, Any], message: str) -> None:
    assert message in host.refused(**args)


def test_none_is_left_out(host: Host) -> None:
    host.limit(uid=5, user=None, max="1M", limits=None, path=None)
    host.limit(limits=[{"uid": 6, "user": None, "max": "1M", "high": None}])
    assert host.state()[0] == f"5 max={MIB} {DEFAULTS}\n6 max={MIB} {DEFAULTS}\n"


# --- user


def test_user(host: Host) -> None:
    uid = pwd.getpwnam("nobody").pw_uid
    result = host.limit(user="nobody", max="1M")
    assert uids(result["after"]) == [str(uid)]
    assert not host.limit(uid=uid, max="1M")["changed"]
    assert host.limit(user="nobody", state="absent")["changed"]


def test_android_user(host: Host) -> None:
    host.limit(limits=[{"user": "u0_a70", "max": "1M"}, {"user": "u10_a70", "max": "1M"}])
    assert uids(host.info()["limits"]) == ["10070", "1010070"]


def test_too_many_names(host: Host) -> None:
    limits = [{"user": f"somebody-with-a-long-name-{number}", "max": "1M"} for number in range(4000)]
    message = host.refused(limits=limits)
    assert "So many names of users at once (" in message
    assert host.connection.calls == []


# --- purge


def test_purge(host: Host) -> None:
    host.device.limits.write_text(f"5 max={MIB} {DEFAULTS}\n7 max={MIB} {DEFAULTS}\n")
    host.device.write_file("# five\n5 max=1M\n\n# six\n6 max=1M\n")
    result = host.limit(limits=[{"uid": 5, "max": "1M"}], purge=True)
    assert (uids(result["before"]), uids(result["after"])) == (["5", "7"], ["5"])
    assert host.state() == (f"5 max={MIB} {DEFAULTS}\n", "# five\n5 max=1M\n\n# six\n")
    assert not host.limit(limits=[{"uid": 5, "max": "1M"}], purge=True)["changed"]


def test_purge_all(host: Host) -> None:
    host.limit(limits=[{"uid": uid, "max": "1M"} for uid in range(1, 9)])
    (host.device.proc / "stats").write_text("5 usage=1 procs=1\n4294967294 usage=1\n")
    result = host.limit(limits=[], purge=True)
    assert result["changed"]
    assert len(result["usage"]) == 2
    assert host.state() == ("", FILE_HEADER)


def test_purge_of_the_kernel_only(host: Host) -> None:
    host.limit(uid=5, max="1M")
    host.limit(limits=[], purge=True, persist=False)
    assert host.state() == ("", FILE_HEADER + "5 max=1M\n")


# --- runtime


def test_file_only(host: Host) -> None:
    host.device.limits.write_text(f"6 max={MIB} {DEFAULTS}\n")
    result = host.limit(uid=5, max="1M", runtime=False)
    assert (result["changed"], result["kernel_changed"], result["file_changed"]) == (True, False, True)
    assert (uids(result["before"]), uids(result["after"])) == ([], ["5"])
    assert [part["before_header"] for part in result["diff"]] == ["/etc/uid_mem/limits"]
    assert host.state() == (f"6 max={MIB} {DEFAULTS}\n", FILE_HEADER + "5 max=1M\n")
    again = host.limit(uid=5, max="1M", runtime=False)
    assert (again["changed"], uids(again["before"])) == (False, ["5"])


def test_file_only_without_the_module(bare_host: Host) -> None:
    result = bare_host.limit(uid=5, max="25%", policy="worst", runtime=False)
    assert (result["changed"], result["engine"]) == (True, "")
    assert bare_host.state() == (None, FILE_HEADER + "5 max=1000M policy=worst\n")
    assert not bare_host.limit(uid=5, max="25%", policy="worst", runtime=False)["changed"]
    assert "it knows default, highest_rss" in bare_host.refused(uid=5, max="1M", policy="mine", runtime=False)


# --- below_usage

BUSY = "1000 usage=157286400 anon=104857600 file=52428800 shmem=0 swap=0 procs=1 max=max\n"


def test_new_limit_below_usage_warns(host: Host) -> None:
    (host.device.proc / "stats").write_text(BUSY)
    predicted = host.limit(check=True, uid=1000, max="100M")
    result = host.limit(uid=1000, max="100M")
    assert result["warnings"] == [
        "Above the new limit already, so that processes are killed: UID 1000 with 150 MiB of 100 MiB (rss)."
    ]
    assert result == predicted
    assert "warnings" not in host.limit(uid=1000, max="100M")


def test_metric_decides_what_is_above(host: Host) -> None:
    (host.device.proc / "stats").write_text(BUSY)
    assert "warnings" not in host.limit(uid=1000, max="100M", metric="anon")
    assert "of 90 MiB (anon)" in host.limit(uid=1000, max="90M", metric="anon")["warnings"][0]


def test_a_footprint_that_is_not_counted_yet_may_be_above(host: Host) -> None:
    (host.device.proc / "stats").write_text(BUSY)
    assert host.limit(uid=1000, max="90M", metric="footprint")["warnings"] == [
        "Above the new limit already, so that processes may be killed: UID 1000 with up to 100 MiB of 90 MiB"
        " (footprint)."
    ]
    # What the kernel counts is what decides from then on.
    warning = host.limit(uid=1000, max="80M", metric="footprint")["warnings"][0]
    assert "are killed: UID 1000 with 150 MiB of 80 MiB (footprint)" in warning


def test_usage_of_users_without_a_limit_so_far(host: Host) -> None:
    host.device.add_process(7, 1001, RssAnon=102400, RssFile=1024, VmSwap=5)
    assert "UID 1001 with 101 MiB of 100 MiB (rss)" in host.limit(uid="1000-1999", max="100M")["warnings"][0]
    assert len(host.connection.calls) == 2


@pytest.mark.parametrize("check", [True, False])
def test_new_limit_below_usage_refused(host: Host, check: bool) -> None:
    (host.device.proc / "stats").write_text(BUSY)
    message = host.refused(check=check, uid=1000, max="100M", below_usage="refuse")
    assert message == (
        "Above the new limit already: UID 1000 with 150 MiB of 100 MiB (rss). Nothing was changed."
        " Raise max, end some of their processes, or let them be killed with 'below_usage: warn'."
    )
    assert host.limit(check=check, uid=1000, max="150M", below_usage="refuse")["changed"]


@pytest.mark.parametrize(
    "args",
    [{"below_usage": "ignore"}, {"mode": "audit"}, {"runtime": False}, {"max": "max"}],
    ids=["ignore", "audit", "file only", "no limit"],
)
def test_new_limit_below_usage_does_not_matter(host: Host, args: dict[str, Any]) -> None:
    (host.device.proc / "stats").write_text(BUSY)
    assert "warnings" not in host.limit(**{"uid": 1000, "max": "100M", **args})


# --- room in the kernel


@pytest.mark.parametrize("check", [True, False])
def test_no_room(host: Host, check: bool) -> None:
    host.limit(uid=5, max="1M", persist=False)
    host.device.set_room(1, evict=False)
    message = host.refused(check=check, uid=6, max="1M")
    assert message == (
        "The kernel of this host has room for 1 limits (module parameter max_entries), and these would be 2."
        " Remove some, or raise max_entries."
    )
    assert host.limit(check=check, limits=[{"uid": 6, "max": "1M"}], purge=True)["changed"]


def test_eviction_is_foretold(host: Host) -> None:
    host.limit(limits=[{"uid": 5, "max": "1M"}, {"uid": 6, "max": "1M"}], persist=False)
    host.device.set_room(2, evict=True)
    warning = (
        "The kernel of this host has room for 2 limits (module parameter max_entries):"
        " it evicts the 1 that were set longest ago."
    )
    predicted = host.limit(check=True, uid=7, max="1M", persist=False)
    result = host.limit(uid=7, max="1M", persist=False)
    # Which one it drops, the kernel knows.
    (foretold,), (seen,) = predicted.pop("diff"), result.pop("diff")
    assert [line.split()[0] for line in foretold["after"].splitlines()] == ["5", "6", "7"]
    assert seen == foretold | {"after": host.device.limits.read_text()}
    assert result == predicted
    assert result["warnings"] == [warning]
    assert uids(host.info()["limits"]) == ["6", "7"]
    assert "and the task declares 3. Declare fewer" in host.refused(
        limits=[{"uid": uid, "max": "1M"} for uid in (1, 2, 3)]
    )


def test_what_is_declared_is_not_dropped(host: Host) -> None:
    """The limit set longest ago is one that the task declares, too, and that need not be changed."""
    host.limit(limits=[{"uid": 5, "max": "1M"}, {"uid": 6, "max": "1M"}])
    host.device.set_room(2, evict=True)
    limits = [{"uid": 5, "max": "1M"}, {"uid": 7, "max": "1M"}]
    assert host.limit(limits=limits)["changed"]
    assert uids(host.info()["limits"]) == ["5", "7"]
    assert not host.limit(limits=limits)["changed"]


def test_what_was_dropped_comes_back_where_the_file_fails(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.limit(limits=[{"uid": 5, "max": "1M"}, {"uid": 6, "max": "1M"}])
    host.device.set_room(2, evict=True)
    run = host.device.run

    def run_without_mv(command: str, data: bytes | None = None) -> Any:
        return run(command.replace("LC_ALL=C\n", "LC_ALL=C\nmv() { echo broken; return 1; }\n", 1), data)

    monkeypatch.setattr(host.device, "run", run_without_mv)
    assert "broken" in host.refused(uid=7, max="1M")


# --- somebody else


def test_conflict_is_looked_at_again(host: Host) -> None:
    """Somebody adds a limit to kernel and file between the read and the write: both are there in the end."""
    host.limit(uid=5, max="1M")

    def add() -> None:
        host.connection.after_call = lambda: None
        host.device.limits.write_text(host.device.limits.read_text() + f"6 max={MIB} {DEFAULTS}\n")
        host.device.write_file(host.device.read_file() + "6 max=1M\n")

    host.connection.after_call = add
    result = host.limit(uid=7, max="1M")
    assert len(host.connection.calls) == 4
    assert result["changed"]
    assert uids(host.info()["limits"]) == ["5", "6", "7"]
    assert host.state()[1] == FILE_HEADER + "5 max=1M\n6 max=1M\n7 max=1M\n"


def test_conflict_without_end(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.devfleet.uid_mem.plugins.action.uid_mem_limit.ATTEMPTS", 3)
    host.device.write_file("")
    host.connection.after_call = lambda: host.device.write_file(f"# {len(host.connection.calls)}\n")
    result = host.limit(uid=7, max="1M")
    assert result["msg"] == (
        "/etc/uid_mem/limits keeps being changed by another process. Nothing was changed; run the task again."
    )
    assert len(host.connection.calls) == 6
    assert host.state()[0] == ""


# --- uid_mem_info


def test_info_of_everything(host: Host) -> None:
    (host.device.proc / "events").write_text('seq=0 ts=5 event=kill uid=10070 pid=8 comm="x" max=9\n')
    result = host.info()
    assert result["events"] == [
        {
            **{"seq": 0, "ts": 5, "event": "kill", "pid": 8, "comm": "x", "max": 9},
            **{"uid": "10070", "uid_first": 10070, "uid_last": 10070, "user": "", "time": result["events"][0]["time"]},
        },
    ]
    assert (result["events_omitted"], result["events_lost"]) == (0, 0)
    assert set(result) == {
        *("changed", "kernel", "features", "limits", "stats"),
        *("events", "events_omitted", "events_lost", "uptime_ns"),
        *("loaded", "not_loaded_because", "file_path", "file_error", "file_limits", "drift"),
    }
    assert len(host.connection.calls) == 1


def test_info_of_a_part(host: Host) -> None:
    always = {"changed", "kernel", "loaded", "not_loaded_because"}
    assert set(host.info(gather="features")) == {*always, "features"}
    assert set(host.info(gather=["stats", "limits"])) == {*always, "stats", "limits"}


def test_info_of_events_that_cannot_be_read(host: Host) -> None:
    """They are left out where nobody asks for them."""
    assert "events" not in host.info()
    message = host.info(gather="events")["msg"]
    assert f"UID {os.geteuid()} may not read /proc/uid_mem/events on this host. Set 'become: true'" in message
    assert "Set 'become: true'" in host.info(since=5)["msg"]

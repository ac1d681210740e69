# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The action plugins from the task's arguments to its result, with real shells and only the transport replaced."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ansible_collections.devfleet.uid_mem.plugins.action import uid_mem_info, uid_mem_limit
from ansible_collections.devfleet.uid_mem.plugins.module_utils import _argument_specs
from ansible_collections.devfleet.uid_mem.plugins.modules import device_program as program_doc
from ansible_collections.devfleet.uid_mem.plugins.modules import uid_mem_info as info_doc
from ansible_collections.devfleet.uid_mem.plugins.modules import uid_mem_limit as limit_doc
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import Query, read_command
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._diff import FILE_HEADER
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import Table, Uids

if TYPE_CHECKING:
    from ansible_collections.devfleet.uid_mem.tests.unit.host import Host

DEFAULTS = "high=max on_high=event policy=default metric=rss grace_ms=0 mode=enforce"
MIB = 1 << 20
RANGE = Uids(10000, 19999)


def uid(number: int) -> dict[str, object]:
    return Uids(number, number).as_dict()


# --- what a task does


def test_new_limit(host: Host) -> None:
    result = host.limit(uid=10070, max="100M")
    assert result == {
        "changed": True,
        "kernel_changed": True,
        "file_changed": True,
        "before": [],
        "after": [
            {
                "uid": "10070",
                "uid_first": 10070,
                "uid_last": 10070,
                "max": 100 * MIB,
                "high": "max",
                "on_high": "event",
                "policy": "default",
                "metric": "rss",
                "grace": "0",
                "mode": "enforce",
            }
        ],
        "usage": [],
        "counts": {"before": 0, "after": 1, "added": 1, "removed": 0, "changed": 0, "unchanged": 0},
        "returned_all": True,
        "engine": "hooks",
        "kernel": host.device.release,
        "diff": [
            {
                "before_header": "/proc/uid_mem/limits",
                "after_header": "/proc/uid_mem/limits",
                "before": "",
                "after": f"10070 max=104857600 {DEFAULTS}\n",
            },
            {
                "before_header": "/etc/uid_mem/limits",
                "after_header": "/etc/uid_mem/limits",
                "before": "",
                "after": FILE_HEADER + "10070 max=100M\n",
            },
        ],
    }
    assert host.state() == (f"10070 max=104857600 {DEFAULTS}\n", FILE_HEADER + "10070 max=100M\n")
    assert len(host.connection.calls) == 2


def test_second_run_changes_nothing(host: Host) -> None:
    host.limit(uid=10070, max="100M")
    result = host.limit(uid="10070", max=104857600)
    assert (result["changed"], result["kernel_changed"], result["file_changed"], result["diff"]) == (
        False,
        False,
        False,
        [],
    )
    assert result["before"] == result["after"] != []
    assert len(host.connection.calls) == 1


def test_every_key(host: Host) -> None:
    args: dict[str, Any] = {
        "max": "2G",
        "high": "1.5G",
        "on_high": "term",
        "policy": "highest_rss",
        "metric": "anon",
        "grace": "2s",
        "mode": "audit",
    }
    result = host.limit(uid="10000-19999", **args)
    assert host.state()[0] == (
        "10000-19999 max=2147483648 high=1610612736 on_high=term policy=highest_rss metric=anon grace_ms=2000"
        " mode=audit\n"
    )
    assert result["after"][0] == {**args, **RANGE.as_dict(), "max": 2 << 30, "high": 3 << 29, "grace": "2000ms"}
    assert not host.limit(**result["after"][0])["changed"]


OLD_FEATURES = "abi=1 engine=hooks policies=highest_rss,worst metrics=rss,anon\n"
OLD_DEFAULTS = DEFAULTS.replace(" on_high=event", "")


@pytest.fixture
def old_host(host: Host) -> Host:
    """A host whose module does not know on_high."""
    (host.device.proc / "features").write_text(OLD_FEATURES)
    (host.device.parameters.parent / "version").write_text("0.0.9\n")
    host.device.limits.write_text(f"10070 max=209715200 {OLD_DEFAULTS}\n")
    return host


def test_a_module_without_on_high_gets_lines_without_it(old_host: Host) -> None:
    result = old_host.limit(uid=10071, max="100M", high="50M", on_high="event", persist=False, check=True)
    assert result["changed"]
    assert [limit["on_high"] for limit in result["after"]] == ["event"]
    assert "on_high" not in result["diff"][0]["after"]


def test_the_diff_of_a_module_without_on_high_is_what_it_prints(old_host: Host) -> None:
    diff = old_host.limit(uid=10071, max="100M", check=True)["diff"]
    assert diff[0]["before"] == f"10070 max=209715200 {OLD_DEFAULTS}\n"
    assert diff[0]["after"] == diff[0]["before"] + f"10071 max=104857600 {OLD_DEFAULTS}\n"


@pytest.mark.parametrize("check", [False, True])
def test_a_module_without_on_high_is_named(old_host: Host, check: bool) -> None:
    before = old_host.state()
    message = old_host.refused(uid=10070, max="100M", high="50M", on_high="term", check=check)
    assert message == (
        "on_high: 'term' is unknown to the module uid_mem 0.0.9 of this host, which is older than this collection;"
        " bring it to the version of this collection with the role devfleet.uid_mem.uid_mem, or leave out on_high."
    )
    assert old_host.state() == before


def test_a_file_with_on_high_for_a_module_without(old_host: Host) -> None:
    old_host.device.write_file("10070 max=100M high=50M on_high=term\n")
    """It refuses that line at boot, as any line that it does not understand."""
    [warning] = old_host.limit(uid=10071, max="100M", check=True)["warnings"]
    assert "line 1: on_high= is unknown to the module uid_mem 0.0.9 of this host" in warning
    assert "At boot the kernel refuses that" in warning


def test_footprint(host: Host) -> None:
    args: dict[str, Any] = {"uid": 10070, "max": "100M", "metric": "footprint"}
    foretold = host.limit(**args, check=True)
    done = host.limit(**args)
    assert done == foretold
    assert done["after"][0]["metric"] == "footprint"
    assert host.state() == (
        f"10070 max=104857600 {DEFAULTS}\n".replace("rss", "footprint"),
        FILE_HEADER + "10070 max=100M metric=footprint\n",
    )
    assert not host.limit(**args)["changed"]


@pytest.mark.parametrize("check", [False, True])
def test_a_module_without_footprint_is_named(old_host: Host, check: bool) -> None:
    old_host.device.write_file("# mine\n")
    message = old_host.refused(uid=10070, max="100M", metric="footprint", check=check)
    assert message == (
        "metric: 'footprint' is not counted by the module uid_mem 0.0.9 of this host: the module is older than this"
        " collection, or the kernel has no kprobes (CONFIG_KPROBES); bring the module to the version of this collection"
        " with the role devfleet.uid_mem.uid_mem, or, on a kernel without kprobes, use the metric anon."
    )


def test_an_item_with_footprint_for_a_module_without(old_host: Host) -> None:
    message = old_host.refused(limits=[{"uid": 5, "max": "1M"}, {"uid": 6, "max": "1M", "metric": "footprint"}])
    assert "metric: 'footprint' is not counted by the module uid_mem 0.0.9 of this host" in message
    assert "6" in message.partition("metric:")[0]


def test_a_file_with_footprint_for_a_module_without(old_host: Host) -> None:
    """It refuses that line at boot, and the task may not touch it."""
    old_host.device.write_file("10070 max=100M metric=footprint\n")
    result = old_host.limit(uid=10071, max="100M", check=True)
    [warning] = result["warnings"]
    assert "line 1: metric=footprint is not counted by the module uid_mem 0.0.9 of this host" in warning
    assert "At boot the kernel refuses that" in warning
    assert result["diff"][1]["after"] == "10070 max=100M metric=footprint\n10071 max=100M\n"


def test_a_kernel_that_says_no_to_footprint_after_all(host: Host) -> None:
    """Its module was replaced after it was asked for its features."""
    dd = host.device.program("dd")
    host.device.set_program(
        "dd",
        f'case "$*" in *of={host.device.limits}*) echo "dd: x: Operation not supported" >&2; exit 1 ;; esac\n'
        f'exec {dd} "$@"',
    )
    (host.device.parameters.parent / "version").write_text("0.2.0\n")
    host.device.write_file("5 max=1M\n")
    message = host.refused(uid=10070, max="100M", metric="footprint")
    assert "Operation not supported. Nothing was changed. metric=footprint is not counted by" in message
    assert "module uid_mem 0.2.0 of this host" in message
    assert host.device.files() == ["limits"]


def test_on_high_changes_and_is_in_step(host: Host) -> None:
    host.limit(uid=10070, max="2G", high="1G")
    args: dict[str, Any] = {"uid": 10070, "max": "2G", "high": "1G", "on_high": "reclaim"}
    foretold = host.limit(**args, check=True)
    done = host.limit(**args)
    assert foretold["changed"]
    assert done["changed"]
    assert foretold["after"] == done["after"]
    assert done["before"][0]["on_high"] == "event"
    assert done["after"][0]["on_high"] == "reclaim"
    assert (host.state()[1] or "").endswith("10070 max=2G high=1G on_high=reclaim\n")
    assert not host.limit(**args)["changed"]


def test_left_out_keys_take_their_defaults(host: Host) -> None:
    host.limit(uid=10070, max="2G", mode="audit", grace="1s")
    result = host.limit(uid=10070, max="2G")
    assert result["changed"]
    assert host.state()[0] == f"10070 max=2147483648 {DEFAULTS}\n"


def test_share_of_the_ram(host: Host) -> None:
    result = host.limit(uid=10070, max="25%", high="12.5%")
    assert (result["after"][0]["max"], result["after"][0]["high"]) == (1000 * MIB, 500 * MIB)


def test_no_limit_as_exception(host: Host) -> None:
    host.limit(uid="10000-19999", max="100M")
    host.limit(uid=10070, max="max")
    assert host.state()[0] == f"10000-19999 max=104857600 {DEFAULTS}\n10070 max=max {DEFAULTS}\n"


def test_changed_by_hand_in_the_kernel_is_put_back(host: Host) -> None:
    host.limit(uid=10070, max="100M")
    host.device.limits.write_text(f"10070 max=209715200 {DEFAULTS}\n")
    result = host.limit(uid=10070, max="100M")
    assert (result["changed"], result["kernel_changed"], result["file_changed"]) == (True, True, False)
    assert result["before"][0]["max"] == 200 * MIB
    assert [part["before_header"] for part in result["diff"]] == ["/proc/uid_mem/limits"]
    assert not host.limit(uid=10070, max="100M")["changed"]


def test_changed_by_hand_in_the_file_is_put_back(host: Host) -> None:
    host.limit(uid=10070, max="100M")
    host.device.write_file("# mine\n10070   max=200M # no\n".replace(" # no", ""))
    result = host.limit(uid=10070, max="100M")
    assert (result["changed"], result["kernel_changed"], result["file_changed"]) == (True, False, True)
    assert host.state()[1] == "# mine\n10070 max=100M\n"


def test_file_without_final_newline_gets_one(host: Host) -> None:
    """So that a line which someone appends does not join the last one."""
    host.limit(uid=10070, max="100M")
    host.device.write_file("10070 max=100M")
    result = host.limit(uid=10070, max="100M")
    assert (result["kernel_changed"], result["file_changed"]) == (False, True)
    assert host.state()[1] == "10070 max=100M\n"


def test_absent(host: Host) -> None:
    host.limit(uid=10070, max="100M")
    host.limit(uid=10071, max="100M")
    result = host.limit(uid=10070, state="absent")
    assert (result["changed"], result["kernel_changed"], result["file_changed"]) == (True, True, True)
    assert (len(result["before"]), result["after"]) == (1, [])
    assert host.state() == (f"10071 max=104857600 {DEFAULTS}\n", FILE_HEADER + "10071 max=100M\n")
    assert not host.limit(uid=10070, state="absent")["changed"]


def test_absent_where_there_is_no_file(host: Host) -> None:
    assert not host.limit(uid=10070, state="absent")["changed"]
    assert host.state() == ("", None)


def test_absent_leaves_the_range_around(host: Host) -> None:
    host.limit(uid="10000-19999", max="100M")
    assert not host.limit(uid=10070, state="absent")["changed"]


def test_not_persistent(host: Host) -> None:
    host.device.write_file("this is no limits file\n")
    result = host.limit(uid=10070, max="100M", persist=False)
    assert (result["changed"], result["file_changed"]) == (True, False)
    assert host.state() == (f"10070 max=104857600 {DEFAULTS}\n", "this is no limits file\n")
    assert host.limit(uid=10070, state="absent", persist="no")["changed"]
    assert host.state() == ("", "this is no limits file\n")


def test_other_path(host: Host) -> None:
    (host.device.root / "data").mkdir()
    assert host.limit(uid=10070, max="100M", path="/data/it's $HOME")["changed"]
    assert (host.device.root / "data" / "it's $HOME").read_text() == FILE_HEADER + "10070 max=100M\n"


def test_path_of_an_android_device(host: Host) -> None:
    (host.device.root / "data/local").mkdir(parents=True)
    (host.device.root / "system/bin").mkdir(parents=True)
    (host.device.root / "system/bin/sh").touch()
    assert host.limit(uid=10070, max="100M")["changed"]
    assert (host.device.root / "data/local/uid_mem/limits").read_text() == FILE_HEADER + "10070 max=100M\n"
    assert not host.device.file.exists()
    assert not host.limit(uid=10070, max="100M")["changed"]


def test_file_keeps_bytes_that_are_not_utf8(host: Host) -> None:
    host.device.write_file("# caf\udce9\n")
    host.limit(uid=10070, max="100M")
    assert host.device.file.read_bytes() == b"# caf\xe9\n10070 max=100M\n"


def test_usage(host: Host) -> None:
    (host.device.proc / "stats").write_text("10069 usage=1\n10070 usage=2 procs=1\n10071 usage=3\n")
    assert host.limit(uid=10070, max="100M")["usage"] == [{**uid(10070), "usage": 2, "procs": 1}]
    assert [row["uid"] for row in host.limit(uid="10070-10075", max="100M")["usage"]] == ["10070", "10071"]


def test_usage_is_known_once_there_is_a_limit(host: Host) -> None:
    """The kernel counts a UID from its first limit on, and not any more without one."""
    stats = host.device.proc / "stats"
    stats.write_text("10071 usage=3\n")
    host.device.limits.write_text(f"10071 max=1048576 {DEFAULTS}\n")

    def count_another() -> None:
        stats.write_text("10070 usage=2\n")

    host.connection.after_call = count_another
    limits = [{"uid": 10070, "max": "100M"}, {"uid": 10071, "state": "absent"}]
    assert host.limit(limits=limits)["usage"] == [{**uid(10070), "usage": 2}, {**uid(10071), "usage": 3}]


@pytest.mark.parametrize("diff", [True, False])
def test_check_mode_says_what_would_be(host: Host, diff: bool) -> None:
    host.device.write_file("# mine\n10070 max=1M\n")
    before = host.state()
    predicted = host.limit(check=True, diff=diff, uid=10070, max="100M")
    assert host.state() == before
    assert len(host.connection.calls) == 1
    assert host.limit(diff=diff, uid=10070, max="100M") == predicted
    assert ("diff" in predicted) == diff
    if diff:
        assert [part["after"] for part in predicted["diff"]] == list(host.state())
        assert [part["before"] for part in predicted["diff"]] == list(before)


# --- bad input


def test_max_100(host: Host) -> None:
    assert host.refused(uid=10070, max=100) == "max: 100 bytes is below the minimum of 1 MiB; did you mean 100M?"
    assert host.connection.calls == []


def test_max_banana(host: Host) -> None:
    message = host.refused(uid=10070, max="banana")
    assert message.startswith(
        "max: 'banana' is not a size; write a number of bytes (104857600), a number with K, M, G or T"
    )


def test_uid_0(host: Host) -> None:
    assert host.refused(uid=0, max="100M") == "uid: UID 0 (root) cannot be limited; UIDs go from 1 to 4294967294."


def test_uid_minus_5(host: Host) -> None:
    assert host.refused(uid=-5, max="100M") == "uid: -5 is negative; UIDs go from 1 to 4294967294."
    assert host.refused(uid="-5", max="100M") == "uid: -5 is negative; UIDs go from 1 to 4294967294."


def test_module_missing(bare_host: Host) -> None:
    message = bare_host.refused(uid=10070, max="100M")
    assert f"The running kernel {bare_host.device.release} has no /proc/uid_mem and no module uid_mem" in message
    assert "devfleet.uid_mem.kernel_install" in message


def test_module_not_loaded(bare_host: Host) -> None:
    updates = bare_host.device.root / "lib" / "modules" / bare_host.device.release / "updates"
    updates.mkdir(parents=True)
    (updates / "uid_mem.ko").touch()
    assert "Load it with 'modprobe uid_mem'" in bare_host.refused(uid=10070, max="100M")


@pytest.mark.parametrize("check", [True, False])
def test_no_permission(host: Host, monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    query = Query("/etc/uid_mem/limits", ("limits", "stats"))
    answer = host.device.run(read_command(query, str(host.device.root))).stdout.decode()
    answer = answer.replace("kernel_writable=yes", "kernel_writable=no").replace(f"euid={os.geteuid()}", "euid=1000")
    host.connection.answer = answer
    assert "UID 1000 may not change /proc/uid_mem/limits on this host. Set 'become: true'" in host.refused(
        check=check, uid=10070, max="100M"
    )
    assert not host.limit(uid=10070, state="absent")["changed"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"uid": 10070}, "max is missing; write the limit (100M), or state: absent."),
        ({"max": "1M"}, "one of uid, user, group and limits is required."),
        ({"uid": True, "max": "1M"}, "uid: True is neither a UID (10070) nor a range of UIDs (10000-19999)."),
        ({"uid": 10070.0, "max": "1M"}, "uid: 10070.0 is neither a UID (10070) nor a range of UIDs (10000-19999)."),
        ({"uid": [1], "max": "1M"}, "uid: [1] is neither a UID (10070) nor a range of UIDs (10000-19999)."),
        (
            {"uid": "alice", "max": "1M"},
            "uid: 'alice' is neither a UID (10070) nor a range of UIDs (10000-19999); did you mean user: alice?",
        ),
        ({"uid": "9-5", "max": "1M"}, "uid: the range 9-5 ends before it starts; did you mean 5-9?"),
        ({"uid": 1 << 32, "max": "1M"}, "uid: UID 4294967296 does not exist; UIDs go from 1 to 4294967294."),
        ({"uid": 5, "max": "1M", "high": "2M"}, "high (2 MiB) is above max (1 MiB); it may be at most max."),
        ({"uid": 5, "max": "1M", "on_high": "term"}, "on_high=term needs high, the usage above which it happens;"),
        ({"uid": 5, "max": "9%", "high": "max", "on_high": "reclaim"}, "on_high=reclaim needs high, the usage above"),
        (
            {"uid": 5, "max": "1M", "on_high": "kill"},
            "value of on_high must be one of: event, term, reclaim, got: kill",
        ),
        ({"uid": 5, "charge_to": 6, "on_high": "term"}, "on_high cannot be given beside charge_to; what counts is"),
        ({"uid": 5, "max": "1M", "high": "0"}, "high: 0 bytes is below the minimum of 1 byte."),
        ({"uid": 5, "max": "50%", "high": "60%"}, "high (2.3 GiB) is above max (2 GiB); it may be at most max"),
        (
            {"uid": 5, "max": "0.0001%"},
            "max: 0.0001% of this device's RAM (3.9 GiB) is 4194 bytes, below",
        ),
        (
            {"uid": 5, "max": "1M", "grace": "61m"},
            "grace: 61m is longer than the longest grace period, one hour (60m).",
        ),
        ({"uid": 5, "max": "1M", "mode": "kill"}, "value of mode must be one of: enforce, audit, got: kill."),
        (
            {"uid": 5, "max": "1M", "policy": "rnd"},
            "policy: 'rnd' is unknown to the kernel of this host; it knows default, highest_rss, longest_run_time, "
            "worst, youngest.",
        ),
        ({"uid": 5, "max": "1M", "path": "limits"}, "path: 'limits' is not the absolute path of a file"),
        ({"uid": 5, "max": "1M", "path": "/etc/"}, "path: '/etc/' is not the absolute path of a file"),
        ({"uid": 5, "max": "1M", "path": "/e\n"}, "path: '/e\\n' is not the absolute path of a file"),
        ({"uid": 5, "max": "1M", "persist": "maybe"}, "persist"),
        (
            {"uid": 5, "max": "1M", "color": "red"},
            "unknown argument color;"
            " this module takes below_usage, charge_to, for, grace, group, high, limits, max, metric, mode, on_high,"
            " path, persist, policy, purge, return_all, runtime, state, subordinate, uid, user.",
        ),
    ],
)
def test_other_bad_arguments(host: Host, args: dict[str, Any], message: str) -> None:
    refusal = host.refused(**args)
    assert message in refusal
    assert refusal[-1] in ".?"


def test_metric_the_kernel_does_not_know(host: Host) -> None:
    (host.device.proc / "features").write_text("abi=1 engine=hooks policies=default metrics=rss\n")
    assert "metric: 'anon' is unknown to the kernel of this host; it knows rss." in host.refused(
        uid=5, max="1M", metric="anon"
    )


def test_overlap_in_the_kernel(host: Host) -> None:
    host.limit(uid="10-20", max="1M", persist=False)
    message = host.refused(uid="15-25", max="1M")
    assert "10-20 and 15-25 overlap and neither lies within the other" in message
    assert "(in /proc/uid_mem/limits on this host)" in message


def test_overlap_in_the_file(host: Host) -> None:
    host.device.write_file("10-20 max=1M\n")
    assert "(in /etc/uid_mem/limits on this host)" in host.refused(uid="15-25", max="1M")


def test_kernel_of_another_version(host: Host) -> None:
    host.device.limits.write_text("5 max=1048576 colour=red\n")
    assert "do not fit together" in host.refused(uid=10070, max="100M")


def test_evicted_at_once(host: Host) -> None:
    host.connection.change_answer = lambda output: output.replace(b"|10070 max=104857600", b"|10071 max=104857600")
    result = host.limit(uid=10070, max="100M")
    assert "does not list them now" in result["msg"]


def test_host_that_says_nothing(host: Host) -> None:
    host.connection.answer = ""
    assert "did not answer the read script (exit status 1): no such thing" in host.refused(uid=10070, max="100M")


@pytest.mark.parametrize("action", [uid_mem_limit, uid_mem_info])
def test_async(host: Host, action: Any) -> None:
    result = host.run(action, {"uid": 10070, "max": "100M"}, job=10)
    assert "does not support async: " in result["msg"]
    assert "Take async and poll off the task." in result["msg"]
    assert host.connection.calls == []


def test_windows(host: Host) -> None:
    host.connection._shell._IS_WINDOWS = True
    assert "Windows shell" in host.refused(uid=10070, max="100M")


# --- the way to the device


def become(name: str, *, prompts: bool) -> Any:
    return SimpleNamespace(name=name, expect_prompt=lambda: prompts)


@pytest.mark.parametrize(
    ("pipelining", "method", "on_stdin"),
    [
        (True, None, True),
        (True, become("sudo", prompts=True), True),
        (True, become("su", prompts=False), False),
        (False, None, False),
        (False, become("sudo", prompts=False), False),
    ],
)
def test_small_write_follows_pipelining(
    host: Host, monkeypatch: pytest.MonkeyPatch, pipelining: bool, method: Any, on_stdin: bool
) -> None:
    plugin_without_become(monkeypatch)
    host.connection.pipelining = pipelining
    host.connection.become = method
    assert host.limit(uid=10070, max="100M")["changed"]
    assert [data is not None for _command, data in host.connection.calls] == [False, on_stdin]
    assert host.state()[1] == FILE_HEADER + "10070 max=100M\n"


def plugin_without_become(monkeypatch: pytest.MonkeyPatch) -> None:
    """Become methods are looked at, but commands are run as they are."""

    def execute(self: Any, command: str, in_data: bytes | None = None, **options: Any) -> dict[str, Any]:
        status, out, err = self._connection.exec_command(command, in_data)
        return {"rc": status, "stdout": out.decode("utf-8", "surrogateescape"), "stderr": err.decode()}

    monkeypatch.setattr(uid_mem_limit.ActionModule, "_low_level_execute_command", execute)


@pytest.mark.parametrize(
    ("transport", "method", "capable", "works"),
    [
        ("ssh", None, True, True),
        ("ssh", become("sudo", prompts=False), True, True),
        ("ssh", become("sudo", prompts=True), True, True),
        ("local", become("sudo", prompts=False), True, True),
        ("local", become("sudo", prompts=True), True, False),
        ("ssh", become("su", prompts=False), True, False),
        ("ssh", None, False, False),
    ],
)
def test_large_write_without_pipelining(
    host: Host, monkeypatch: pytest.MonkeyPatch, *, transport: str, method: Any, capable: bool, works: bool
) -> None:
    plugin_without_become(monkeypatch)
    host.device.write_file("# 100 bytes of comment" + "." * 77 + "\n" + "#\n" * 70000)
    host.connection.pipelining = False
    host.connection.transport = transport
    host.connection.has_pipelining = capable
    host.connection.become = method
    if works:
        assert host.limit(uid=10070, max="100M")["changed"]
        assert host.connection.calls[1][1] is not None
    else:
        assert "Set 'ansible_pipelining: true'" in host.refused(uid=10070, max="100M")


def test_connection_without_the_option(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> bool:
        raise KeyError(name)

    monkeypatch.setattr(host.connection, "get_option", unknown)
    assert host.limit(uid=10070, max="100M")["changed"]
    assert host.connection.calls[1][1] is None


# --- uid_mem_info


def test_info(host: Host) -> None:
    host.limit(uid=10070, max="100M")
    (host.device.proc / "stats").write_text("10070 usage=2 procs=1\n")
    result = host.run(uid_mem_info, {})
    assert result == {
        "changed": False,
        "features": {
            "abi": "1",
            "engine": "hooks",
            "policies": ["highest_rss", "longest_run_time", "worst", "youngest"],
            "metrics": ["rss", "anon", "footprint"],
            "footprint": ["anon", "swap", "pgtables"],
            "on_high": ["event", "term", "reclaim"],
        },
        "limits": [limit.as_dict() for limit in Table.parse("10070 max=100M")],
        "stats": [{**uid(10070), "usage": 2, "procs": 1}],
        "kernel": host.device.release,
        "loaded": True,
        "not_loaded_because": "",
        "file_path": "/etc/uid_mem/limits",
        "file_error": "",
        "file_limits": [limit.as_dict() for limit in Table.parse("10070 max=100M")],
        "drift": [],
    }
    assert len(host.connection.calls) == 1


def test_info_takes_no_uid(host: Host) -> None:
    assert (
        host.run(uid_mem_info, {"uid": 5})["msg"]
        == "unknown argument uid; this module takes desired, event_types, gather, max_events, path, since."
    )


def test_info_without_the_module(bare_host: Host) -> None:
    """Which hosts lack it can be asked, and what the file would have them enforce."""
    bare_host.device.write_file("10070 max=100M\n")
    result = bare_host.info(desired=[{"uid": 10070, "max": "100M"}])
    assert "failed" not in result
    assert not result["loaded"]
    assert "devfleet.uid_mem.kernel_install" in result["not_loaded_because"]
    assert (result["features"], result["limits"], result["stats"]) == ({}, [], [])
    assert "events" not in result
    limit = result["file_limits"][0]
    assert (limit["uid"], limit["max"]) == ("10070", 100 * MIB)
    assert result["drift"] == [{**uid(10070), "kernel": None, "file": limit}]
    assert [(row["uid"], row["kernel"], row["desired"]) for row in result["desired_drift"]] == [("10070", None, limit)]
    assert "failed" not in bare_host.info(since="1d")
    assert len(bare_host.connection.calls) == 1


def test_info_where_kernel_and_file_differ(host: Host) -> None:
    host.limit(limits=[{"uid": 5, "max": "5M"}, {"uid": "10-19", "max": "10M"}, {"uid": 30, "max": "30M"}])
    host.limit(limits=[{"uid": 5, "max": "6M"}, {"uid": 12, "max": "12M"}], persist=False)
    host.limit(uid=30, state="absent", persist=False)
    drift = host.info(gather="file")["drift"]
    sizes = [(row["uid"], *((row[side] or {"max": None})["max"] for side in ("kernel", "file"))) for row in drift]
    assert sizes == [("5", 6 * MIB, 5 * MIB), ("12", 12 * MIB, None), ("30", None, 30 * MIB)]
    assert len(host.connection.calls) == 1
    temporary = [{"uid": 12, "max": "12M", "persist": False}, {"uid": 5, "max": "5M", "persist": False}]
    result = host.info(desired=[*temporary, {"user": "nobody-has-this-name", "max": "1M", "persist": "no"}])
    # What the file has is restored at boot, whatever the item says.
    assert [row["uid"] for row in result["drift"]] == ["5", "30"]
    assert [(row["item"], row["uid"], row["user"], row["problem"]) for row in result["desired_drift"]] == [
        (2, "5", "", ""),
        (
            3,
            "",
            "nobody-has-this-name",
            "user: 'nobody-has-this-name' is unknown to this host; create the user first, or give the number as uid",
        ),
    ]


def test_info_of_desired_limits(host: Host) -> None:
    host.limit(limits=[{"uid": 5, "max": "25%"}, {"uid": 6, "max": "1M"}])
    items = [{"uid": 5, "max": "25%"}, {"uid": 6, "state": "absent"}, {"uid": 7, "state": "absent"}]
    result = host.info(gather="features", desired=items)
    assert "drift" not in result
    assert [(row["item"], row["desired"]) for row in result["desired_drift"]] == [(2, None)]
    assert host.info(desired=[{"uid": 5, "max": "1M", "policy": "oldest"}])["desired_drift"][0]["problem"] == (
        "policy: 'oldest' is unknown to the kernel of this host;"
        " it knows default, highest_rss, longest_run_time, worst, youngest"
    )
    assert "item 1 of limits (uid 5): max is missing" in host.info(desired=[{"uid": 5}])["msg"]


def test_info_of_a_file_that_is_no_good(host: Host) -> None:
    host.device.write_file("10070 max=100M\n5 max=1k\n")
    result = host.info()
    assert result["file_error"].startswith("/etc/uid_mem/limits, line 2: max=1k is below the minimum")
    assert [row["uid"] for row in result["file_limits"]] == [row["uid"] for row in result["drift"]] == ["10070"]
    assert "line 2" in host.info(gather="file")["file_error"]
    host.device.file.unlink()
    assert host.info()["file_limits"] == []
    host.device.file.mkdir()
    assert "is not a regular file" in host.info()["file_error"]
    assert "is not a regular file" in host.info(gather=["file", "limits"])["msg"]
    assert host.info(path="/nowhere/at/all/limits")["file_limits"] == []
    assert "is not the absolute path of a file" in host.info(path="limits")["msg"]
    assert "gather leaves out file, so path cannot be given." in host.info(gather="stats", path="/x")["msg"]


# --- the documentation


def assert_documented(options: dict[str, Any], specs: Any) -> None:
    assert options.keys() == specs.keys()
    for name, spec in specs.items():
        for key in ("type", "default", "choices", "required", "elements"):
            assert options[name].get(key) == spec.get(key), (name, key)
        assert ("suboptions" in options[name]) == ("options" in spec)
        if "options" in spec:
            assert_documented(options[name]["suboptions"], spec["options"])


def test_documented_options_are_those_checked() -> None:
    assert_documented(yaml.safe_load(limit_doc.DOCUMENTATION)["options"], _argument_specs.UID_MEM_LIMIT)
    assert_documented(yaml.safe_load(info_doc.DOCUMENTATION)["options"], _argument_specs.UID_MEM_INFO)
    assert_documented(yaml.safe_load(program_doc.DOCUMENTATION)["options"], _argument_specs.DEVICE_PROGRAM)


def test_documented_results_are_those_returned(host: Host) -> None:
    result = host.limit(uid=10070, max="100M", diff=False)
    assert {*result, "reverts"} == {"changed", *yaml.safe_load(limit_doc.RETURN)}
    for_a_day: dict[str, Any] = {"for": "1d"}
    assert "reverts" in host.limit(uid=10070, max="200M", check=True, **for_a_day)
    contained = yaml.safe_load(limit_doc.RETURN)["after"]["contains"]
    assert {*result["after"][0], "charge_to"} == set(contained)
    host.device.limits.write_text("100000-165535 charge_to=10070\n")
    (charge,) = host.limit(limits=[], purge=True, check=True)["before"]
    assert charge == {**Uids(100000, 165535).as_dict(), "charge_to": "10070"}
    (host.device.proc / "events").write_text("")
    returned = yaml.safe_load(info_doc.RETURN)
    info = host.info(desired=[{"uid": 10070, "max": "1M"}])
    assert set(info) == {"changed", *returned}
    assert set(info["desired_drift"][0]) == set(returned["desired_drift"]["contains"])
    host.device.write_file("")
    assert set(host.info()["drift"][0]) == set(returned["drift"]["contains"])

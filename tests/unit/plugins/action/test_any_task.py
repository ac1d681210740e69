# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Any task on any host: check mode tells what a run does, a run leaves what was declared, a second one nothing to do.

What was declared is worked out here once more, from the task's arguments, in a way of its own: the kernel's table and
the file's are dictionaries. The shells, the file and the kernel's parser and table (in C) are real.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import Table
from ansible_collections.devfleet.uid_mem.tests.unit.plugins.plugin_utils.test_diff import TABLES, texts

if TYPE_CHECKING:
    from ansible_collections.devfleet.uid_mem.tests.unit.host import Host

Entries = dict[str, dict[str, str]]

DEFAULTS = {"high": "max", "on_high": "event", "policy": "default", "metric": "rss", "grace_ms": "0", "mode": "enforce"}
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

SMALL = st.integers(1, 12)
WHOSE = SMALL.map(str) | st.tuples(SMALL, SMALL).filter(lambda ends: ends[0] < ends[1]).map(
    lambda ends: f"{ends[0]}-{ends[1]}"
)


def without_idle_on_high(item: dict[str, Any]) -> dict[str, Any]:
    """The item without the on_high that its high does not go with."""
    return {key: item[key] for key in item if key != "on_high" or item.get("high", "max") != "max"}


LIMIT_ITEMS = st.fixed_dictionaries(
    {"uid": WHOSE, "max": st.sampled_from(["1M", "2M", "3M", "max", "25%"])},
    optional={
        "high": st.sampled_from(["max", 4096, "1M"]),
        "on_high": st.sampled_from(["event", "term", "reclaim"]),
        "policy": st.sampled_from(["default", "worst"]),
        "metric": st.sampled_from(["rss", "anon", "footprint"]),
        "grace": st.sampled_from([0, "500ms", "2s"]),
        "mode": st.sampled_from(["enforce", "audit"]),
        "subordinate": st.booleans(),
        "state": st.sampled_from(["present", "absent"]),
    },
).map(without_idle_on_high)
CHARGE_ITEMS = st.fixed_dictionaries({"uid": WHOSE, "charge_to": SMALL})
ITEMS = LIMIT_ITEMS | CHARGE_ITEMS
# Of /etc/subuid: of whom, the first of them, how many.
SUBORDINATE = st.lists(st.tuples(SMALL, SMALL, st.integers(1, 4)), max_size=3)
TASKS = st.fixed_dictionaries(
    {"limits": st.lists(ITEMS, max_size=5, unique_by=lambda item: item["uid"])},
    optional={
        "purge": st.booleans(),
        "persist": st.booleans(),
        "runtime": st.booleans(),
    },
)


def entries_of(text: str) -> Entries:
    """What a text in the kernel's grammar leaves, by a reading of it that has nothing in common with the plugins'."""
    entries: Entries = {}
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith("!"):
            del entries[words[0][1:]]
            continue
        entry = dict(word.split("=") for word in words[1:])
        entries[words[0]] = entry if "charge_to" in entry else {**DEFAULTS, **entry}
        if "charge_to" in entry:
            continue
        for key in ("max", "high"):
            entries[words[0]][key] = in_bytes(entries[words[0]][key])
    return entries


def in_bytes(size: str | int) -> str:
    text = str(size)
    if text.endswith("%"):
        return str(4096000 * 1024 * int(text[:-1]) // 100 // UNITS["M"] * UNITS["M"])
    return str(int(text[:-1]) * UNITS[text[-1]]) if text[-1] in UNITS else text


def entry_of(item: dict[str, Any]) -> dict[str, str]:
    """What an item of a task declares."""
    if "charge_to" in item:
        return {"charge_to": str(item["charge_to"])}
    grace = re.fullmatch(r"(\d+)(ms|s)?", str(item.get("grace", 0)))
    assert grace
    return {
        "max": in_bytes(item["max"]),
        "high": in_bytes(item.get("high", "max")),
        "on_high": item.get("on_high", "event"),
        "policy": item.get("policy", "default"),
        "metric": item.get("metric", "rss"),
        "grace_ms": str(int(grace[1]) * (1000 if grace[2] == "s" else 1)),
        "mode": item.get("mode", "enforce"),
    }


def ends(uids: str) -> tuple[int, int]:
    first, _dash, last = uids.partition("-")
    return int(first), int(last or first)


def holds(uids: str, uid: int | str) -> bool:
    first, last = ends(uids)
    return first <= int(uid) <= last


def charges_of(task: dict[str, Any], subordinate: list[tuple[int, int, int]]) -> list[tuple[str, dict[str, str]]]:
    """The entries for subordinate UIDs, which may have the same UIDs."""
    return [
        (str(first) if count == 1 else f"{first}-{first + count - 1}", {"charge_to": str(owner)})
        for item in task["limits"]
        for owner, first, count in subordinate
        if item.get("subordinate") and item.get("state") != "absent" and holds(item["uid"], owner)
    ]


def cannot_be_meant(task: dict[str, Any], subordinate: list[tuple[int, int, int]]) -> bool:
    """Whether the task is refused whatever limits there are."""
    named: dict[str, Any] = {
        item["uid"]: None if item.get("state") == "absent" else entry_of(item) for item in task["limits"]
    }
    for uids, charge in charges_of(task, subordinate):
        if named.setdefault(uids, charge) != charge:
            return True
    owners = {owner for owner, _first, _count in subordinate}
    return any(
        "charge_to" in (entry or {}) and holds(uids, entry["charge_to"]) for uids, entry in named.items()
    ) or any(
        item.get("subordinate")
        and item.get("state") != "absent"
        and "-" not in item["uid"]
        and int(item["uid"]) not in owners
        for item in task["limits"]
    )


def expected(before: Entries, task: dict[str, Any], subordinate: list[tuple[int, int, int]]) -> Entries:
    """What a task leaves of the entries there were."""
    after = {} if task.get("purge") else dict(before)
    owners = [item["uid"] for item in task["limits"] if item.get("subordinate")]
    for uids, entry in before.items():
        if "-" in uids and any(holds(owner, entry.get("charge_to", 0)) for owner in owners):
            after.pop(uids, None)
    for item in task["limits"]:
        after.pop(item["uid"], None)
        if item.get("state") != "absent":
            after[item["uid"]] = entry_of(item)
    after.update(charges_of(task, subordinate))
    return after


def crosses(entries: Entries) -> bool:
    """Whether two of them overlap while neither lies within the other."""
    ranges = [ends(uids) for uids in entries]
    return any(one[0] < two[0] <= one[1] < two[1] for one in ranges for two in ranges)


def chains(entries: Entries) -> bool:
    """Whether UIDs are charged to one that is charged to another."""
    for entry in entries.values():
        around = [uids for uids in entries if "charge_to" in entry and holds(uids, entry["charge_to"])]
        narrowest = min(around, key=lambda uids: ends(uids)[1] - ends(uids)[0], default="")
        if narrowest and "charge_to" in entries[narrowest]:
            return True
    return False


def remarks(text: str | None) -> list[str]:
    """The lines that declare nothing, in their order."""
    lines = (text or "").removesuffix("\n").split("\n") if text else []
    return [line for line in lines if not line.strip() or line.strip().startswith("#")]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kernel=TABLES, file=st.none() | texts(), task=TASKS, subordinate=SUBORDINATE)
def test_any_task_on_any_host(
    host: Host, kernel: Table, file: str | None, task: dict[str, Any], subordinate: list[tuple[int, int, int]]
) -> None:
    assume(task.get("persist", True) or task.get("runtime", True))
    host.device.limits.write_text(kernel.text())
    host.device.file.unlink(missing_ok=True)
    if file is not None:
        host.device.write_file(file)
    lines = (":".join(map(str, line)) for line in subordinate)
    (host.device.root / "etc" / "subuid").write_text("".join(f"{line}\n" for line in lines))
    before = host.state()
    in_kernel, in_file = entries_of(before[0] or ""), entries_of(before[1] or "")
    runtime, persist = task.get("runtime", True), task.get("persist", True)
    kernel_after = expected(in_kernel, task, subordinate) if runtime else in_kernel
    file_after = expected(in_file, task, subordinate) if persist else in_file

    predicted = host.limit(check=True, **task)
    assert host.state() == before
    result = host.limit(**task)
    assert result == predicted
    after = host.state()
    if cannot_be_meant(task, subordinate):
        assert result["failed"]
        assert after == before
        return
    written = [*([kernel_after] if runtime else []), *([file_after] if persist else [])]
    if any(crosses(entries) or chains(entries) for entries in written):
        assert re.search("overlap|form a chain", result["msg"])
        assert after == before
        return

    assert not result.get("failed")
    assert entries_of(after[0] or "") == kernel_after
    assert entries_of(after[1] or "") == file_after
    assert result["kernel_changed"] == (kernel_after != in_kernel)
    assert result["file_changed"] == (after[1] != before[1])
    if before[1] is not None:
        assert remarks(after[1]) == remarks(before[1])
    diff = {part["before_header"]: (part["before"], part["after"]) for part in result["diff"]}
    if result["kernel_changed"]:
        assert diff.pop("/proc/uid_mem/limits") == (before[0], after[0])
    if result["file_changed"]:
        assert diff.pop("/etc/uid_mem/limits") == (before[1] or "", after[1])
    assert diff == {}

    again = host.limit(**task)
    assert not again["changed"]
    assert len(host.connection.calls) == 1
    assert again["before"] == again["after"] == result["after"]
    assert host.state() == after

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who uses how much, and whom a new limit would hit at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import Limit, Table, Uids
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._sizes import describe_size

# A message names so many users, and the number of the others.
NAMED = 10


@dataclass(frozen=True)
class Usage:
    """The memory of a UID's processes together, in bytes, by each metric.

    C(counted) is by the metric of the limit in force; only the kernel knows a footprint, and only where it counts it.
    """

    rss: int = 0
    anon: int = 0
    counted: int = 0

    def of(self, metric: str, in_force: str = "") -> int:
        """What counts for a limit with that metric. I(in_force) is the metric of the one that there is.

        A footprint that is not counted yet is taken to be all of C(anon), as if no page were shared.
        """
        if metric == "footprint" == in_force:
            return self.counted
        return self.rss if metric == "rss" else self.anon


def parse_stats(text: str) -> list[dict[str, object]]:
    """The lines of C(stats) as dictionaries: numbers as numbers, the UID as it is everywhere."""
    rows: list[dict[str, object]] = []
    for line in text.splitlines():
        uid, *words = line.split()
        row = Uids(int(uid), int(uid)).as_dict()
        for key, _equals, value in (word.partition("=") for word in words):
            row[key] = int(value) if value.isdigit() else value
        rows.append(row)
    return rows


def usage_of(stats: Iterable[dict[str, object]], processes: str) -> dict[int, Usage]:
    """The usage of each UID: as the kernel counts it, and of UIDs it does not count, the sum of their processes.

    The sum counts memory that two processes share (C(vfork()), C(CLONE_VM)) twice.
    """
    usage = parse_processes(processes)
    for row in stats:
        part = {name: int(str(row.get(name, 0))) for name in ("anon", "file", "shmem", "swap")}
        usage[int(str(row["uid"]))] = Usage(
            part["anon"] + part["file"] + part["shmem"], part["anon"] + part["swap"], int(str(row.get("usage", 0)))
        )
    return usage


def parse_processes(text: str) -> dict[int, Usage]:
    """The sum over the processes of each real UID, from lines of their C(/proc/PID/status)."""
    usage: dict[int, Usage] = {}
    uid = 0
    for line in text.splitlines():
        name, _blank, rest = line.partition(" ") if line.startswith("Uid ") else line.partition(":")
        if name == "Uid":
            uid = int(rest)
            continue
        size = int(rest.split()[0]) * 1024  # "kB" are KiB
        now = usage.get(uid, Usage())
        rss = now.rss + size * (name != "VmSwap")
        usage[uid] = Usage(rss, now.anon + size * (name in ("RssAnon", "VmSwap")))
    return usage


@dataclass(frozen=True)
class Excess:
    """A UID that uses more than the limit that is to come; with C(is_bound) it may use less."""

    uid: int
    usage: int
    limit: Limit
    is_bound: bool = False

    def __str__(self) -> str:
        used = f"{'up to ' if self.is_bound else ''}{describe_size(self.usage)}"
        return f"UID {self.uid} with {used} of {describe_size(self.limit.max)} ({self.limit.metric})"


def exceeding(before: Table, after: Table, usage: dict[int, Usage]) -> list[Excess]:
    """The UIDs whose limit changes, is enforced, and is below what they use."""
    found: list[Excess] = []
    usage, joined = charged(before, after, usage)
    limits = zip(before.effective(usage), after.effective(usage), strict=True)
    for (uid, old), (_uid, new) in limits:
        if new is None or new.max is None or new.mode != "enforce":
            continue
        changed = old is None or _force(old) != _force(new) or uid in joined
        in_force = old.metric if old else ""
        used = usage[uid].of(new.metric, in_force)
        if changed and used > new.max:
            is_bound = new.metric == "footprint" and (new.metric != in_force or uid in joined)
            found.append(Excess(uid, used, new, is_bound))
    return found


def charged(before: Table, after: Table, usage: Mapping[int, Usage]) -> tuple[dict[int, Usage], set[int]]:
    """The same with what other UIDs use added to the UID they are to be charged to, and the UIDs that got such.

    What is charged to a UID already is in the usage that the kernel counts for it.
    """
    total = dict(usage)
    joined: set[int] = set()
    for (uid, old), (_uid, new) in zip(before.effective(usage), after.effective(usage), strict=True):
        payer = new.charge_to if new else None
        if payer is None or (old and old.charge_to == payer):
            continue
        now, more = total.get(payer, Usage()), usage[uid]
        total[payer] = Usage(now.rss + more.rss, now.anon + more.anon, now.counted + more.anon)
        joined.add(payer)
    return total, joined


def _force(limit: Limit) -> tuple[object, ...]:
    return (limit.max, limit.metric, limit.mode)


def describe_excess(found: list[Excess]) -> str:
    """The first of them, and how many there are besides."""
    others = f", and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return ", ".join(map(str, found[:NAMED])) + others


def within(rows: Iterable[dict[str, object]], ranges: list[Uids]) -> list[dict[str, object]]:
    """The rows, which are in the order of their C(uid), whose UID lies in one of the ranges, in the same order."""
    kept = []
    place = 0
    for row in rows:
        uid = int(str(row["uid"]))
        while place < len(ranges) and ranges[place].last < uid:
            place += 1
        if place < len(ranges) and uid in ranges[place]:
            kept.append(row)
    return kept

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What has to change on a device: desired table, from what the kernel and the file have, and the one write it takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import Orders, TaskError, Wish
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import (
    OWN_PATH,
    PROC_LIMITS,
    Change,
    Query,
    Reading,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._diff import LimitsFile, changes
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import KNOWN, LimitsError, Table, Vocabulary
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._usage import (
    describe_excess,
    exceeding,
    parse_stats,
    usage_of,
    within,
)


@dataclass(frozen=True)
class Plan:
    """What kernel and file have, and what they shall have.

    C(before) and C(after) are the kernel's tables; without C(runtime) they are the file's, and the kernel stays as it
    is. The file's text is None where there is no file, or where it stays out of it. The kernel knows those C(names).
    Where it is C(crowded), it drops the limits that were set longest ago.
    """

    orders: Orders
    before: Table
    after: Table
    runtime: bool
    kernel_text: str
    kernel_sum: str
    path: str
    file_before: str | None
    file_after: str | None
    file_sum: str
    stats: list[dict[str, object]]
    names: Vocabulary = KNOWN
    crowded: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def kernel_changed(self) -> bool:
        """Whether the kernel's table is another afterwards."""
        return self.runtime and self.before != self.after

    @property
    def file_changed(self) -> bool:
        """Whether the file is another afterwards."""
        return self.file_before != self.file_after

    @property
    def changed(self) -> bool:
        """Whether anything is to be written."""
        return self.kernel_changed or self.file_changed

    def change(self) -> Change:
        """The one write that carries it out."""
        return Change(
            path=self.path,
            file_sum=self.file_sum,
            kernel_sum=self.kernel_sum,
            file_text=self.file_after if self.file_changed else None,
            set_lines=self._set_lines(),
            undo_lines=self._undo_lines() if self.file_changed else [],
        )

    def _set_lines(self) -> list[str]:
        if not self.kernel_changed:
            return []
        # Those that are declared are all set, so that the kernel drops others.
        return changes(self.before, self.after, self.orders.declared if self.crowded else ())

    def _undo_lines(self) -> list[str]:
        if not self.kernel_changed:
            return []
        return changes(self.after, self.before, self.before.entries if self.crowded else ())

    def entries(self, table: Table) -> list[dict[str, object]]:
        """Those entries of a table that the task speaks of."""
        return [limit.as_dict() for limit in table if self.orders.concerns(limit)]

    def usage(self, stats: Iterable[dict[str, object]]) -> list[dict[str, object]]:
        """What the kernel counts for the UIDs that the task speaks of, from its stats after the write.

        A UID whose limit has been removed is not in them; what was read before is told of it.
        """
        rows = {int(str(row["uid"])): row for row in (*self.stats, *stats)}
        ordered = [rows[uid] for uid in sorted(rows)]
        return ordered if self.orders.purge else within(ordered, self.orders.ranges())

    def diff(self, after: Table) -> list[dict[str, str]]:
        """Before and after in the grammar of the files, for diff mode; I(after) is what the kernel has in the end."""
        parts = []
        if self.kernel_changed:
            parts.append(_diff_of(PROC_LIMITS, self.kernel_text, after.text(self.names)))
        if self.file_changed:
            parts.append(_diff_of(self.path, self.file_before or "", self.file_after or ""))
        return parts


def _diff_of(path: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def query_of(wish: Wish) -> Query:
    """What has to be read for a task."""
    weighs = wish.runtime and wish.below_usage != "ignore" and any(entry.declaration for entry in wish.entries)
    parts = ("limits", "stats", *(["processes"] if weighs else []), *(["subordinate"] if wish.subordinate else []))
    return Query(
        path=(wish.path or OWN_PATH) if wish.persist else "",
        parts=parts,
        users=wish.users,
    )


def names_of(reading: Reading) -> Vocabulary:
    """The names a device's kernel knows; those that this collection brings where it is not loaded."""
    if not reading.features:
        return KNOWN
    return Vocabulary(reading.policies, reading.metrics, reading.on_high, reading.module_version)


def kernel_table(reading: Reading) -> Table:
    """The limits of a device's kernel."""
    return parse_kernel_table(reading.limits_text or "", names_of(reading))


def parse_kernel_table(text: str, names: Vocabulary) -> Table:
    """The limits that the kernel printed."""
    try:
        return Table.parse(text, names)
    except LimitsError as exc:
        raise TaskError(
            f"{PROC_LIMITS}, line {exc.line}: {exc.reason}."
            " The module uid_mem on this host and this collection do not fit together; bring both to the same version."
        ) from None


def parse_limits_file(text: str | None, names: Vocabulary, path: str) -> LimitsFile:
    try:
        return LimitsFile.parse(text, names)
    except LimitsError as exc:
        raise TaskError(
            f"{path}, line {exc.line}: {exc.reason}."
            " The kernel would refuse the file at the next boot. Correct or delete that line."
        ) from None


def make_plan(wish: Wish, reading: Reading) -> Plan:
    """What has to change on a device that was read, or a TaskError about what cannot be."""
    names = names_of(reading)
    orders = wish.orders(reading.users, reading.ram, names)
    tables: list[tuple[Table, Table]] = []
    file_after = file_before = reading.file_text if wish.persist else None
    if wish.persist:
        file = parse_limits_file(file_before, names, reading.path)
        tables.append((file.table, _desired(orders, file.table, reading.path)))
        file_after = file.edited(tables[-1][1])
    if wish.runtime:
        kernel = kernel_table(reading)
        tables.append((kernel, _desired(orders, kernel, PROC_LIMITS)))
    # Where there are both, the kernel's is what counts.
    before, after = tables[-1]
    room = _room(after, orders, reading) if wish.runtime else []
    weight = _weigh(wish, before, after, reading) if wish.runtime else []
    return Plan(
        orders=orders,
        kernel_text=reading.limits_text or "",
        kernel_sum=reading.kernel_sum,
        before=before,
        after=after,
        runtime=wish.runtime,
        path=reading.path,
        file_before=file_before,
        file_after=file_after,
        file_sum=reading.file_sum,
        stats=parse_stats(reading.stats_text),
        names=names,
        crowded=bool(room),
        warnings=room + weight,
    )


def _desired(orders: Orders, current: Table, path: str) -> Table:
    try:
        return orders.desired(current)
    except LimitsError as exc:
        raise TaskError(f"{exc} (in {path} on this host).") from None


def _room(after: Table, orders: Orders, reading: Reading) -> list[str]:
    """A warning of limits that the kernel drops for want of room; a TaskError where it would refuse the new ones."""
    room = reading.max_entries
    if not room or len(after) <= room:
        return []
    full = f"The kernel of this host has room for {room} limits (module parameter max_entries)"
    if not reading.evicts:
        raise TaskError(f"{full}, and these would be {len(after)}. Remove some, or raise max_entries.")
    if len(orders.declared) > room:
        raise TaskError(f"{full}, and the task declares {len(orders.declared)}. Declare fewer, or raise max_entries.")
    return [f"{full}: it drops the {len(after) - room} that were set longest ago."]


def _weigh(wish: Wish, before: Table, after: Table, reading: Reading) -> list[str]:
    """A warning of users who are above their new limit; a TaskError where that is to be refused."""
    if wish.below_usage == "ignore":
        return []
    found = exceeding(before, after, usage_of(parse_stats(reading.stats_text), reading.processes_text))
    if not found:
        return []
    if wish.below_usage == "refuse":
        raise TaskError(
            f"Above the new limit already: {describe_excess(found)}. Nothing was changed."
            " Raise max, end some of their processes, or let them be killed with 'below_usage: warn'."
        )
    return [f"Above the new limit already, so that processes are killed: {describe_excess(found)}."]

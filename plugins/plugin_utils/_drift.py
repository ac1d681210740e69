# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Drift: where the limits in force differ from the limits file, and from those that are desired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import (
    Entry,
    Owners,
    TaskError,
    names_in,
    parse_items,
    wants_subordinate,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import (
    Limit,
    LimitsError,
    Table,
    Uids,
    Vocabulary,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._sizes import SizeError
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._users import HostUsers, UserError


@dataclass(frozen=True)
class DesiredLimits:
    """The limits that should be in force. Those of the items in I(not_in_file) need not be in the limits file."""

    entries: tuple[Entry, ...]
    not_in_file: frozenset[int] = frozenset()

    @property
    def users(self) -> tuple[str, ...]:
        """The names that the device has to look up."""
        return names_in(self.entries)

    @property
    def subordinate(self) -> bool:
        """Whether the device has to tell of subordinate UIDs."""
        return wants_subordinate(self.entries)

    def outside_file(self, users: HostUsers) -> set[Uids]:
        """The UIDs whose limit is meant for the running kernel only."""
        found = set()
        for entry in self.entries:
            if entry.item in self.not_in_file:
                try:
                    found.add(entry.uids_on(users))
                    found.update(charge.uids for charge in entry.charges_on(users))
                except UserError:
                    continue
        return found


def parse_desired(items: Iterable[Mapping[str, object]]) -> DesiredLimits:
    """The items, which are those of C(limits) with C(persist) beside, or a TaskError."""
    items = list(items)
    entries = parse_items({name: value for name, value in item.items() if name != "persist"} for item in items)
    not_in_file = {number for number, item in enumerate(items, 1) if str(item.get("persist", True)).lower() in _NO}
    return DesiredLimits(entries, frozenset(not_in_file))


_NO = ("false", "no", "off", "0")


def file_drift(kernel: Table, file: Table, outside_file: Iterable[Uids] = ()) -> list[dict[str, object]]:
    """Each entry in which the kernel differs from the file, in the order of the UIDs; None where one has no entry."""
    ignored = set(outside_file) - set(file.entries)
    uids = sorted((set(kernel.entries) | set(file.entries)) - ignored, key=lambda uids: uids.order)
    return [
        {"uid": str(who), "kernel": _as_dict(kernel.get(who)), "file": _as_dict(file.get(who))}
        for who in uids
        if kernel.get(who) != file.get(who)
    ]


def desired_drift(
    desired: DesiredLimits, kernel: Table, users: HostUsers, ram: int | None, names: Vocabulary
) -> list[dict[str, object]]:
    """Each desired entry that is not in force, in the order of the list, those for subordinate UIDs behind their own.

    An entry that cannot be on this device (an unknown user, a policy its kernel does not have) says so in C(problem).
    """
    charges = [limit for limit in kernel if limit.charge_to is not None]
    found: list[dict[str, object]] = []
    for entry in desired.entries:
        row: dict[str, object] = {"item": entry.item, "uid": str(entry.uids or ""), "user": entry.user}
        row.update(kernel=None, desired=None, problem="")
        try:
            who = entry.uids_on(users)
            wanted = {who: entry.declaration.limit(who, ram, names) if entry.declaration else None}
            wanted.update((charge.uids, charge) for charge in entry.charges_on(users))
        except (TaskError, UserError, SizeError, LimitsError) as exc:
            found.append({**row, "problem": str(exc)})
            continue
        if entry.subordinate:
            owners = Owners.of([who])
            wanted.update((limit.uids, None) for limit in charges if owners.own(limit) and limit.uids not in wanted)
        for uids, limit in wanted.items():
            current = kernel.get(uids)
            if current != limit:
                found.append({**row, "uid": str(uids), "kernel": _as_dict(current), "desired": _as_dict(limit)})
    return found


def _as_dict(limit: Limit | None) -> dict[str, object] | None:
    return limit.as_dict() if limit else None

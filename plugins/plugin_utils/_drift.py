# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Drift: where the limits in force differ from the limits file, and from those that are desired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import (
    Entry,
    Owners,
    Problems,
    find_targets,
    groups_in,
    parse_items,
    users_in,
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
        """The names of users that the device has to look up."""
        return users_in(self.entries)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups whose members the device has to look up."""
        return groups_in(self.entries)

    @property
    def subordinate(self) -> bool:
        """Whether the device has to tell of subordinate UIDs."""
        return wants_subordinate(self.entries)

    def outside_file(self, users: HostUsers) -> set[Uids]:
        """The UIDs whose limit is meant for the running kernel only."""
        found = set()
        for uids, entry in find_targets(self.entries, users, Problems()).items():
            if entry.item in self.not_in_file:
                found.add(uids)
                with suppress(UserError):
                    found.update(charge.uids for charge in entry.charges_on(uids, users))
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
        {**who.as_dict(), "kernel": _as_dict(kernel.get(who)), "file": _as_dict(file.get(who))}
        for who in uids
        if kernel.get(who) != file.get(who)
    ]


def desired_drift(
    desired: DesiredLimits, kernel: Table, users: HostUsers, ram: int | None, names: Vocabulary
) -> list[dict[str, object]]:
    """Each desired entry that is not in force, in the order of the list, those for subordinate UIDs behind their own.

    An entry that cannot be on this device (an unknown user, a policy its kernel does not have) says so in C(problem).
    """
    targets: dict[Entry, list[Uids]] = {entry: [] for entry in desired.entries}
    for uids, entry in find_targets(desired.entries, users, Problems()).items():
        targets[entry].append(uids)
    charges = [limit for limit in kernel if limit.charge_to is not None]
    found: list[dict[str, object]] = []
    for entry in desired.entries:
        row: dict[str, object] = {"item": entry.item, "user": entry.user, "group": entry.group}
        try:
            wanted = _wanted(entry, targets[entry], users, ram, names)
        except (UserError, SizeError, LimitsError) as exc:
            uids_of_none = {"uid": str(entry.uids or ""), "uid_first": None, "uid_last": None}
            found.append({**row, **uids_of_none, "kernel": None, "desired": None, "problem": str(exc)})
            continue
        if entry.subordinate:
            owners = Owners.of(targets[entry])
            wanted.update((limit.uids, None) for limit in charges if owners.own(limit) and limit.uids not in wanted)
        for uids, limit in wanted.items():
            current = kernel.get(uids)
            if current != limit:
                sides = {"kernel": _as_dict(current), "desired": _as_dict(limit)}
                found.append({**row, **uids.as_dict(), **sides, "problem": ""})
    return found


def _wanted(
    entry: Entry, targets: list[Uids], users: HostUsers, ram: int | None, names: Vocabulary
) -> dict[Uids, Limit | None]:
    """What shall be there for an entry, by UIDs; None where nothing shall."""
    entry.uids_on(users)  # for what it raises
    wanted: dict[Uids, Limit | None] = {}
    for who in targets:
        wanted[who] = entry.declaration.limit(who, ram, names) if entry.declaration else None
    for who in targets:
        wanted.update((charge.uids, charge) for charge in entry.charges_on(who, users))
    return wanted


def _as_dict(limit: Limit | None) -> dict[str, object] | None:
    return limit.as_dict() if limit else None

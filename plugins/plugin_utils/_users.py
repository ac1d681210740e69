# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Names of users, as a task gives them.

The device is asked first. Android's names of apps have no entry in a user database: bionic computes them. On a device
that does not, they are computed here, by the rules of C(getpwnam()) in bionic's C(libc/bionic/grp_pwd.cpp):

- C(u<user>_a<app>) is user * 100000 + 10000 + app
- C(u<user>_i<isolated>) is user * 100000 + 90000 + isolated; Android 9 and older count from 99000

What it knows besides (C(u10_system), C(shell), C(oem_2901)) is left to the device.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import MAX_UID, Uids

PER_USER = 100_000
LAST_USER = 1000
APP_START = {"a": 10_000, "i": 90_000}

_ANDROID = re.compile(r"u([0-9]{1,4})_([ai])([0-9]{1,4})", re.ASCII)
# What a user database may hold (also those of Active Directory), and no option of id.
_NAME = re.compile(r"[^-+\s:/,][^\s:/,]*")
# The same for a group, whose name may have blanks in it in Active Directory.
_GROUP = re.compile(r"[^-+\s:/,]([^:/,]*[^\s:/,])?")

# A line of /etc/subuid, with a UID in place of the name: of whom, the first of them, how many.
_SUBORDINATE = re.compile(r"([0-9]{1,10}):([0-9]{1,10}):([0-9]{1,10})", re.ASCII)


@dataclass(frozen=True)
class HostUsers:
    """What a device told of users: the UIDs of names, None for one it does not know; the subordinate UIDs of UIDs; the
    UIDs of the members of groups, None for one it does not know; the names of the UIDs that can log in.
    """

    uids: Mapping[str, int | None] = field(default_factory=dict)
    subordinate: Mapping[int, tuple[Uids, ...]] = field(default_factory=dict)
    members: Mapping[str, tuple[int, ...] | None] = field(default_factory=dict)
    logins: Mapping[int, str] = field(default_factory=dict)

    def members_of(self, group: str) -> list[int]:
        """The UIDs of a group's members, but for root, who cannot be limited, in their order."""
        members = self.members[group]
        if members is None:
            raise UserError(f"group: '{group}' is unknown to this host; create the group first")
        return sorted(set(members) - {0})

    def subordinate_of(self, whose: Uids) -> list[tuple[int, Uids]]:
        """The subordinate UIDs of each of these UIDs that has any, with that UID, in the order of the UIDs."""
        if whose.first == whose.last:
            owners = [whose.first] if whose.first in self.subordinate else []
        else:
            owners = sorted(uid for uid in self.subordinate if uid in whose)
        return [(uid, uids) for uid in owners for uids in self.subordinate[uid]]


def parse_subordinate(text: str) -> dict[int, tuple[Uids, ...]]:
    """The subordinate UIDs of each UID. As for C(newuidmap), a line that is none does not count."""
    found: dict[int, tuple[Uids, ...]] = {}
    for line in text.splitlines():
        match = _SUBORDINATE.fullmatch(line)
        if not match:
            continue
        owner, first, count = (int(number) for number in match.groups())
        last = min(first + count - 1, MAX_UID)
        if 0 < first <= last:
            found[owner] = (*found.get(owner, ()), Uids(first, last))
    return found


def parse_members(text: str, groups: Iterable[str]) -> dict[str, tuple[int, ...] | None]:
    """The members of each group: a line C(group) or C(unknown) for each, behind the first their UIDs."""
    told: list[list[int] | None] = []
    for line in text.splitlines():
        if line in ("group", "unknown"):
            told.append([] if line == "group" else None)
        elif line.isdigit() and told and (members := told[-1]) is not None:
            members.append(int(line))
    return {group: None if members is None else tuple(members) for group, members in zip(groups, told, strict=True)}


def parse_names(text: str) -> dict[int, str]:
    """The names of UIDs, from lines with a UID and a name. Of two names the first counts."""
    names: dict[int, str] = {}
    for line in text.splitlines():
        uid, _blank, name = line.partition(" ")
        if uid.isdigit():
            names.setdefault(int(uid), name)
    return names


class UserError(ValueError):
    """A name that cannot be meant, or that nobody has; the message says what to write instead."""


def parse_user(name: str) -> str:
    """The name, checked for what would make it something else than a name."""
    if name.isascii() and name.isdigit():
        raise UserError(f"user: {name} is a number; write uid: {name}")
    if not _NAME.fullmatch(name) or not name.isprintable():
        raise UserError(f"user: {name!r} is not the name of a user")
    return name


def parse_group(name: str) -> str:
    """The name, checked for what would make it something else than a name."""
    if name.isascii() and name.isdigit():
        raise UserError(f"group: {name} is a number; write the name of the group")
    if not _GROUP.fullmatch(name) or not name.isprintable():
        raise UserError(f"group: {name!r} is not the name of a group")
    return name


def user_id(name: str, on_device: int | None) -> int:
    """The UID of a user, whom the device knows by I(on_device) or does not know."""
    uid = android_uid(name) if on_device is None else on_device
    if uid is None:
        raise UserError(f"user: '{name}' is unknown to this host; create the user first, or give the number as uid")
    if uid == 0:
        raise UserError(f"user: '{name}' has UID 0 (root) on this host, which cannot be limited")
    return uid


def android_uid(name: str) -> int | None:
    """The UID that Android computes from the name of an app; None for any other name."""
    match = _ANDROID.fullmatch(name)
    if not match or int(match[1]) > LAST_USER:
        return None
    return int(match[1]) * PER_USER + APP_START[match[2]] + int(match[3])


def android_name(uid: int) -> str:
    """The name that Android computes for the UID of an app; empty for any other UID."""
    user, app = divmod(uid, PER_USER)
    for letter, (first, last) in {"a": (10_000, 19_999), "i": (90_000, 99_999)}.items():
        if user <= LAST_USER and first <= app <= last:
            return f"u{user}_{letter}{app - first}"
    return ""

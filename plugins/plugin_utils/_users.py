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
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import MAX_UID, Uids

PER_USER = 100_000
LAST_USER = 1000
APP_START = {"a": 10_000, "i": 90_000}

_ANDROID = re.compile(r"u([0-9]{1,4})_([ai])([0-9]{1,4})", re.ASCII)
# What a user database may hold (also those of Active Directory), and no option of id.
_NAME = re.compile(r"[^-+\s:/,][^\s:/,]*")


# A line of /etc/subuid, with a UID in place of the name: of whom, the first of them, how many.
_SUBORDINATE = re.compile(r"([0-9]{1,10}):([0-9]{1,10}):([0-9]{1,10})", re.ASCII)


@dataclass(frozen=True)
class HostUsers:
    """What a device told of users: the UIDs of names, None for one it does not know; the subordinate UIDs of UIDs."""

    uids: Mapping[str, int | None] = field(default_factory=dict)
    subordinate: Mapping[int, tuple[Uids, ...]] = field(default_factory=dict)

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


class UserError(ValueError):
    """A name that cannot be meant, or that nobody has; the message says what to write instead."""


def parse_user(name: str) -> str:
    """The name, checked for what would make it something else than a name."""
    if name.isascii() and name.isdigit():
        raise UserError(f"user: {name} is a number; write uid: {name}")
    if not _NAME.fullmatch(name) or not name.isprintable():
        raise UserError(f"user: {name!r} is not the name of a user")
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

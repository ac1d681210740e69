# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The limit that counts for a UID, of a list of limits."""

from __future__ import annotations

DOCUMENTATION = r"""
name: limit_in_force
short_description: The limit in force for a UID
version_added: 0.2.0
author:
  - The uid_mem authors (@devfleet)
description:
  - Finds the limit that counts for a UID in what M(devfleet.uid_mem.uid_mem_info) returns as C(limits) or
    C(file_limits), by the precedence that the kernel has. An exact UID beats a range, a narrower range a wider one.
  - Where that entry charges the UID to another one, the limit is the one in force for that other UID.
options:
  _input:
    description:
      - The limits, a list of dictionaries with C(uid), a UID or a range, as all results and options of this collection
        have them.
    type: list
    elements: dict
    required: true
  uid:
    description:
      - The UID, a number.
    type: int
    required: true
seealso:
  - module: devfleet.uid_mem.uid_mem_info
"""

EXAMPLES = r"""
- name: Read the limits
  devfleet.uid_mem.uid_mem_info:
    gather: limits
  become: true
  register: uid_mem

- name: Show what UID 10070 may use
  ansible.builtin.debug:
    msg: "{{ (uid_mem.limits | devfleet.uid_mem.limit_in_force(10070) or {}).max | default('no limit') }}"
"""

RETURN = r"""
_value:
  description:
    - The entry, as the list has it. It has C(charge_to) beside C(max) where the UID is charged to that other UID, which
      has this limit.
    - Null where nothing limits the UID.
  type: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import no_template, plain
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import LimitsError, Uids

NAME = "devfleet.uid_mem.limit_in_force"


def limit_in_force(limits: Iterable[Mapping[str, Any]], uid: object) -> dict[str, Any] | None:
    """The entry. AnsibleFilterError where that is no list of limits, or no UID."""
    entries = plain(limits)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and "uid" in entry for entry in entries):
        raise AnsibleFilterError(
            f"{NAME}: the input is no list of dictionaries with uid, as uid_mem_info returns them."
        )
    try:
        whose = _single(uid)
        ranges = [(Uids.parse(str(entry["uid"])), entry) for entry in entries]
        found = _narrowest(ranges, whose)
        if found and found.get("charge_to") is not None:
            payer = _single(found["charge_to"])
            limit = _narrowest(ranges, payer)
            found = {**limit, "charge_to": str(payer)} if limit else None
    except LimitsError as exc:
        raise AnsibleFilterError(f"{NAME}: {exc}.") from None
    result: dict[str, Any] | None = no_template(found)
    return result


def _single(uid: object) -> int:
    uids = Uids.parse(str(uid).strip())
    if uids.first != uids.last:
        raise LimitsError(0, f"{uids} is a range; one UID is wanted")
    return uids.first


def _narrowest(ranges: Iterable[tuple[Uids, dict[str, Any]]], uid: int) -> dict[str, Any] | None:
    around = [(uids.last - uids.first, entry) for uids, entry in ranges if uid in uids]
    return min(around, key=lambda pair: pair[0])[1] if around else None


class FilterModule:
    """See DOCUMENTATION."""

    def filters(self) -> dict[str, Any]:
        """The filter."""
        return {"limit_in_force": limit_in_force}

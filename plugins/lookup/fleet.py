# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The hosts of a pattern, where a mistyped part is an error."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet
short_description: Hosts of a pattern, each part of which has to match
version_added: 0.2.0
author:
  - The uid_mem authors (@devfleet)
description:
  - Returns the hosts of a host pattern in the order in which a play takes them.
  - Ansible ignores a part of a pattern that matches nothing, with a warning. Here it is an error, which names the part
    and what it may have been meant to be.
  - A part that names a group without a host is no error.
options:
  _terms:
    description:
      - Host patterns, as C(hosts) of a play takes them, or lists of them.
    type: list
    elements: raw
    required: true
  variable:
    description:
      - Where the pattern comes from. Errors begin with it.
    type: str
    default: the pattern
  limit:
    description:
      - Only hosts that match this pattern as well. C(--limit) unless it is set; empty for no limit.
    type: str
    default: ""
    vars:
      - name: ansible_limit
  required:
    description:
      - Whether it is an error when no host is left.
    type: bool
    default: true
  facts:
    description:
      - Only hosts whose variables have these values. A host without one of the variables is left out.
    type: dict
    default: {}
  first_of:
    description:
      - Only the first host with each value of this variable. Hosts without it, or where it is empty, are left out.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Play on the hosts of a variable, and on none where it is mistyped
  hosts: "{{ query('devfleet.uid_mem.fleet', fleet | default('devices'), variable='fleet') }}"
  tasks: []
"""

RETURN = r"""
_raw:
  description: Names of the hosts.
  type: list
  elements: str
"""

import difflib
from typing import Any

from ansible import context
from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.inventory.manager import InventoryManager, split_host_pattern
from ansible.plugins.lookup import LookupBase

SHOWN = 10
BUILT_IN = ("all", "ungrouped")


def shorten(names: list[str]) -> str:
    """So many names as a message bears."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


class Inventory:
    """The groups and hosts of a run, without --limit."""

    def __init__(self, loader: Any, groups: dict[str, list[str]]) -> None:
        self._manager = InventoryManager(loader, parse=False)
        for group, hosts in groups.items():
            self._manager.add_group(group)
            for host in hosts:
                self._manager.add_host(host, group=group)
        self.groups = sorted(set(groups) - set(BUILT_IN))
        self._names = {*self.groups, *groups.get("all", [])}

    def hosts(self, parts: list[str]) -> list[str]:
        """The hosts of all parts together."""
        return [host.name for host in self._manager.get_hosts(parts)] if parts else []

    def check(self, part: str) -> None:
        """Fail where a part of a pattern matches nothing."""
        name = part.lstrip("!&")
        if name in self._names or name in BUILT_IN:
            return
        if not name or not self._matches(name):
            raise AnsibleLookupError(f"'{part}' matches no host and no group of the inventory." + self._ways_out(name))

    def _matches(self, name: str) -> bool:
        # A plain name that is not there would be warned about, which the error says better.
        if name not in ("localhost", "127.0.0.1", "::1") and not set(name) & set("~*?[]"):
            return False
        try:
            return bool(self._manager.get_hosts(name))
        except AnsibleError:
            return False

    def _ways_out(self, name: str) -> str:
        close = difflib.get_close_matches(name, sorted(self._names), n=3)
        said = f" Did you mean {' or '.join(repr(other) for other in close)}?" if close else ""
        return said + (f" Groups: {shorten(self.groups)}." if self.groups else " The inventory has no groups.")

    def within(self, limit: str) -> set[str]:
        """The hosts that --limit leaves."""
        self._manager.subset(limit)
        left = {host.name for host in self._manager.get_hosts("all")}
        self._manager.subset(None)
        return left


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """The hosts."""
        variables = variables or {}
        self.set_options(var_options=variables, direct=kwargs)
        where = self.get_option("variable")
        inventory = Inventory(self._loader, variables.get("groups") or {})
        parts = [str(part).strip() for part in split_host_pattern(terms) if str(part).strip()]
        if context.CLIARGS.get("syntax"):
            # There need not be an inventory, and no play begins.
            return parts
        try:
            for part in parts:
                inventory.check(part)
        except AnsibleLookupError as error:
            raise AnsibleLookupError(f"{where}: {error}") from error

        hosts = inventory.hosts(parts)
        limit = self.get_option("limit")
        if self.get_option("required") and not hosts:
            raise AnsibleLookupError(f"{where}: {':'.join(parts) or 'an empty pattern'} has no hosts.")
        if limit:
            within = inventory.within(limit)
            left = [host for host in hosts if host in within]
            if self.get_option("required") and not left:
                raise AnsibleLookupError(f"{where}: --limit {limit} leaves none of {shorten(hosts)}.")
            hosts = left
        hosts = _with_facts(hosts, self.get_option("facts"), variables)
        return _first_of(hosts, self.get_option("first_of"), variables)


def _with_facts(hosts: list[str], facts: dict[str, Any], variables: dict[str, Any]) -> list[str]:
    if not facts:
        return hosts
    hostvars = variables["hostvars"]
    missing = object()
    return [host for host in hosts if all(hostvars[host].get(name, missing) == value for name, value in facts.items())]


def _first_of(hosts: list[str], name: str, variables: dict[str, Any]) -> list[str]:
    if not name:
        return hosts
    hostvars = variables["hostvars"]
    first: dict[Any, str] = {}
    for host in hosts:
        value = hostvars[host].get(name)
        if value:
            first.setdefault(value, host)
    return list(first.values())

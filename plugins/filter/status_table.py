# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: status_table
short_description: The state of a fleet as a table for a terminal
version_added: 0.2.0
description:
  - Lays rows of P(devfleet.uid_mem.status_rows#filter) out as lines of text, followed by what is found on each host
    that needs attention, and by a summary.
author:
  - The uid_mem authors (@devfleet)
options:
  _input:
    description: The rows.
    type: list
    elements: dict
    required: true
seealso:
  - plugin: devfleet.uid_mem.status_rows
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the fleet
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | devfleet.uid_mem.status_rows(hostvars) | devfleet.uid_mem.status_table }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import no_template, plain
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status import Row
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status_table import table_lines


def status_table(rows: Iterable[Row]) -> Any:
    """The lines of the table."""
    return no_template(table_lines(plain(list(rows))))


class FilterModule:
    """The filter C(devfleet.uid_mem.status_table)."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By its name."""
        return {"status_table": status_table}

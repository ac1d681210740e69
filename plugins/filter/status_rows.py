# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: status_rows
short_description: The state of a fleet as rows, one for each host
version_added: 0.2.0
description:
  - Makes a row of what is registered for each host, by M(devfleet.uid_mem.uid_mem_info) and by the survey of the role
    P(devfleet.uid_mem.kernel_install#role). A host for which one is missing or has failed is a row as well, and says
    so.
  - The playbook C(devfleet.uid_mem.status) is made of it.
  - All text in a row is printable, other characters are written as C(\xHH). It is not escaped for HTML.
author:
  - The uid_mem authors (@devfleet)
positional: hostvars
options:
  _input:
    description: The names of the hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description: Ansible's variable of that name.
    type: dict
    required: true
  survey:
    description: The variable in which the survey of a host is registered.
    type: str
    default: status_survey
  info:
    description: The variable in which the result of M(devfleet.uid_mem.uid_mem_info) is registered.
    type: str
    default: status_info
"""

EXAMPLES = r"""
- name: Show which hosts need attention
  ansible.builtin.debug:
    msg: >-
      {{ ansible_play_hosts_all | devfleet.uid_mem.status_rows(hostvars)
         | selectattr('severity', 'in', ['error', 'warning']) }}
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - The rows, those that need attention first. A value that is not known is null, or empty where it is text.
    - C(severity) is V(error), V(warning), V(note) or V(ok), and C(findings) say why, the worst first.
    - Sizes are in bytes, times in seconds. C(fullest) and C(share) are the part of its limit that a user uses.
  type: list
  elements: dict
  sample:
    - host: device7
      reachable: true
      severity: warning
      findings:
        - {severity: warning, text: 1 entry differs from the limits file}
      kernel: 6.1.158-uidmem-0a1b2c3d
      engine: hooks
      default: 6.1.158-uidmem-0a1b2c3d
      previous: 6.1.0-41-amd64
      waiting: ""
      limits: 12
      fullest: 0.94
      file_drift: 1
      inventory_drift: 0
      kills: 0
      last_rollout: {age_seconds: 728600, outcome: committed, release: 6.1.158-uidmem-0a1b2c3d}
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import no_template, plain
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status import make_row, sort_rows


def status_rows(
    hosts: Iterable[str], hostvars: Mapping[str, Any], survey: str = "status_survey", info: str = "status_info"
) -> Any:
    """The rows of those hosts."""
    rows = []
    for host in hosts:
        known = hostvars[host]
        results = [plain(known[name]) if name in known else None for name in (survey, info)]
        rows.append(make_row(host, *results))
    return no_template(sort_rows(rows))


class FilterModule:
    """The filter C(devfleet.uid_mem.status_rows)."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By its name."""
        return {"status_rows": status_rows}

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: status_page
short_description: The state of a fleet as one HTML page
version_added: 0.2.0
description:
  - Renders rows of P(devfleet.uid_mem.status_rows#filter) as a page that needs nothing else, with a template of Jinja2.
  - Every value that the template prints is escaped. A Content-Security-Policy allows the given style and script, and
    nothing besides.
author:
  - The uid_mem authors (@devfleet)
options:
  _input:
    description: The rows.
    type: list
    elements: dict
    required: true
  template:
    description: Text of the template.
    type: str
    required: true
  style:
    description: Text of the style sheet.
    type: str
    required: true
  script:
    description: Text of the script.
    type: str
    required: true
  title:
    description: Title of the page.
    type: str
    default: Fleet status
seealso:
  - plugin: devfleet.uid_mem.status_rows
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Write the page of the fleet
  ansible.builtin.copy:
    content: >-
      {{ ansible_play_hosts_all | devfleet.uid_mem.status_rows(hostvars)
         | devfleet.uid_mem.status_page(lookup('ansible.builtin.file', 'page.html.j2'),
                                        lookup('ansible.builtin.file', 'page.css'),
                                        lookup('ansible.builtin.file', 'page.js')) }}
    dest: /srv/www/fleet.html
    mode: "0644"
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The page.
  type: str
"""

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import no_template, plain
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status import Row
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status_page import render_page


def status_page(rows: Iterable[Row], template: str, style: str, script: str, title: str = "Fleet status") -> Any:
    """The page as text."""
    assets = {"template": str(template), "style": str(style), "script": str(script)}
    return no_template(render_page(plain(list(rows)), assets, str(title)))


class FilterModule:
    """The filter C(devfleet.uid_mem.status_page)."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By its name."""
        return {"status_page": status_page}

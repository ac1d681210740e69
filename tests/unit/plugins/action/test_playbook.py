# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ansible-playbook for real: loop, delegate_to, check mode, become, async."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import Table
from ansible_collections.devfleet.uid_mem.tests.unit.fleet import Fleet

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = 6

PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Limits are there (loop)
      devfleet.uid_mem.uid_mem_limit:
        uid: "{{ item }}"
        max: "{{ 1 + groups.all.index(inventory_hostname) }}M"
      loop: [5, 6]
      register: looped
    - ansible.builtin.assert:
        that: looped.results | map(attribute='changed') == [true, true]

    - name: A change is foretold
      devfleet.uid_mem.uid_mem_limit: &change
        limits:
          - {uid: 5, state: absent}
          - {uid: 7-9, max: "25%", grace: 2s}
      check_mode: true
      diff: true
      register: foretold
    - name: And made
      devfleet.uid_mem.uid_mem_limit: *change
      diff: true
      register: made
    - ansible.builtin.assert:
        that:
          - made.changed
          - made.diff | length == 2
          - made == foretold

    - name: A limit below what a UID uses warns
      devfleet.uid_mem.uid_mem_limit:
        uid: 5000
        max: 1M
      check_mode: true
      register: below
    - ansible.builtin.assert:
        that: below.warnings == ['Above the new limit already, so that processes are killed' ~ above]
      vars:
        above: ": UID 5000 with 2 MiB of 1 MiB (rss)."

    - name: Every host has a limit on the first one (delegate_to)
      devfleet.uid_mem.uid_mem_limit:
        uid: "{{ 1000 + groups.all.index(inventory_hostname) }}"
        max: 2M
      delegate_to: "{{ groups.all[0] }}"
      register: delegated
    - ansible.builtin.assert:
        that: delegated.changed

    - name: In the background
      devfleet.uid_mem.uid_mem_limit:
        uid: 10
        max: 1M
      async: 10
      poll: 0
      ignore_errors: true
      register: background
    - ansible.builtin.assert:
        that:
          - background is failed
          - background.msg is search('devfleet.uid_mem.uid_mem_limit does not support async')

    - name: Unknown options are refused
      devfleet.uid_mem.uid_mem_limit:
        limits: [{uid: 10, max: 1M}, {uid: 11, max: 1M, colour: red}]
      ignore_errors: true
      register: unknown
    - ansible.builtin.assert:
        that: unknown.msg is search('item 2 of limits .uid 11.. unknown argument colour')

    - name: What is there is known (su)
      devfleet.uid_mem.uid_mem_info:
      become: true
      become_method: ansible.builtin.su
      register: known
      when: can_become | bool
    - ansible.builtin.assert:
        that: known.limits | map(attribute='uid') | select('in', ['5', '6', '7-9']) == ['6', '7-9']
      when: can_become | bool
"""


@pytest.mark.parametrize("pipelining", [True, False])
def test_playbook(tmp_path: Path, write_limits: Path, *, pipelining: bool) -> None:
    fleet = Fleet(tmp_path, HOSTS, write_limits)
    for device in fleet.devices:
        device.add_process(77, 5000, RssAnon=2048)
    can_become = os.getuid() == 0 and shutil.which("su") is not None
    said = fleet.play(PLAYBOOK, pipelining=pipelining, can_become=can_become)
    assert "[WARNING]: Above the new limit already" in said

    for number, device in enumerate(fleet.devices):
        wanted = f"6 max={number + 1}M\n7-9 max=1000M grace_ms=2000\n"
        if number == 0:
            wanted += "".join(f"{1000 + other} max=2M\n" for other in range(HOSTS))
        assert device.limits.read_text() == Table.parse(wanted).text()
        assert Table.parse(device.read_file()) == Table.parse(wanted)
        assert device.files() == ["limits"]

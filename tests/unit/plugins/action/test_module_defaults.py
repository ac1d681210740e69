# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""module_defaults, by name and for the action group, and options beside limits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import TaskError, parse_arguments
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._remote import module_defaults_of
from ansible_collections.devfleet.uid_mem.tests.unit.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from ansible_collections.devfleet.uid_mem.tests.unit.host import Host

PLAYBOOK = """\
- hosts: all
  gather_facts: false
  module_defaults:
    group/devfleet.uid_mem.uid_mem:
      path: "{{ '/etc/' ~ name }}"
    devfleet.uid_mem.uid_mem_limit:
      max: 77M
      high: "{{ '7M' }}"
      purge: true
  vars:
    name: limits.of.group
  tasks:
    - name: A limit alone
      devfleet.uid_mem.uid_mem_limit:
        uid: 5
    - name: One that is charged
      devfleet.uid_mem.uid_mem_limit:
        uid: 6
        charge_to: 5
    - name: One that goes
      devfleet.uid_mem.uid_mem_limit:
        uid: 7
        state: absent
    - name: Read them
      devfleet.uid_mem.uid_mem_info:
      register: before
    - name: A list
      devfleet.uid_mem.uid_mem_limit:
        limits:
          - {uid: 8}
          - {uid: 9, max: 9M}
          - {uid: 10, charge_to: 9}
          - {uid: 11, state: absent}
    - name: Read them again
      devfleet.uid_mem.uid_mem_info:
      register: after
    - ansible.builtin.assert:
        that:
          - before.file_path == after.file_path == '/etc/limits.of.group'
          - before.drift == after.drift == []
          - before.limits | map(attribute='uid_first') == [5, 6]
          - after.limits | map(attribute='uid_first') == [8, 9, 10]
          - after.limits | selectattr('max', 'defined') | map(attribute='max') == [77 * 1024 * 1024, 9 * 1024 * 1024]
          - after.limits[0].high == 7 * 1024 * 1024
"""


def test_by_ansible_playbook(tmp_path: Path, write_limits: Path) -> None:
    Fleet(tmp_path, 1, write_limits).play(PLAYBOOK)


def told(arguments: dict[str, Any], defaults: Collection[str] = ()) -> list[tuple[str, object]]:
    return [(str(entry.uids), entry.declaration) for entry in parse_arguments(arguments, defaults).entries]


def test_options_beside_limits_are_those_of_items(host: Host) -> None:
    host.limit(max="2M", limits=[{"uid": 5}, {"uid": 6, "max": "3M"}, {"uid": 7, "charge_to": 6}, {"uid": "8-9"}])
    kernel = [line.split(" high=")[0] for line in host.device.limits.read_text().splitlines()]
    assert kernel == ["5 max=2097152", "6 max=3145728", "7 charge_to=6", "8-9 max=2097152"]
    host.limit(state="absent", limits=[{"uid": 5}, {"uid": 6}, {"uid": 7}, {"uid": "8-9"}])
    assert host.device.limits.read_text() == ""


def test_charge_to_as_default() -> None:
    limits = [{"uid": 5}, {"uid": 6, "max": "1M"}]
    (_five, charge), (_six, limit) = told({"limits": limits, "charge_to": 9})
    assert (getattr(charge, "to", None), getattr(limit, "to", None)) == (9, None)
    ((_uid, limit),) = told({"uid": 5, "max": "1M", "charge_to": 9}, ["charge_to"])
    assert not hasattr(limit, "to")
    with pytest.raises(TaskError, match="max cannot be given beside charge_to"):
        told({"uid": 5, "max": "1M", "charge_to": 9})


def test_whose_limit_the_task_says_itself() -> None:
    assert [uids for uids, _what in told({"uid": 5, "max": "1M", "limits": [{"uid": 6, "max": "1M"}]}, ["limits"])] == [
        "5"
    ]
    assert [uids for uids, _what in told({"uid": 5, "max": "1M"}, ["uid", "max"])] == ["5"]
    with pytest.raises(TaskError, match="uid and limits exclude each other"):
        told({"uid": 5, "limits": []})
    with pytest.raises(TaskError, match="purge: true needs limits"):
        told({"uid": 5, "max": "1M", "purge": True})
    assert not parse_arguments({"uid": 5, "max": "1M", "purge": True}, ["purge"]).purge
    assert parse_arguments({"limits": [], "purge": True}, ["purge"]).purge


def test_where_an_option_comes_from() -> None:
    """One that the task gives with another value is its own."""
    task = SimpleNamespace(
        args={"uid": 5, "max": "1M", "high": "2M"},
        resolved_action="devfleet.uid_mem.uid_mem_limit",
        module_defaults=[
            {"devfleet.uid_mem.uid_mem_limit": {"max": "1M", "high": "1M", "mode": "audit"}},
            {"group/devfleet.uid_mem.uid_mem": {"uid": 5}, "ansible.builtin.file": {"path": "/x"}},
        ],
    )
    action: Any = SimpleNamespace(_task=task, _templar=SimpleNamespace(template=lambda value: value))
    assert module_defaults_of(action) == {"max", "uid"}
    del task.module_defaults
    assert module_defaults_of(action) == set()

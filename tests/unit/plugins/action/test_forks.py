# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Many forks of a real ansible-playbook: a hundred for a hundred devices, and half of that for one device.

On two cores a hundred devices take 9 to 20 s. Fifty tasks on one device take 14 to 29 s and a hundred take 100 s: after
each success the others look anew, and all of them ask for the lock ten times a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import Table
from ansible_collections.devfleet.uid_mem.tests.unit.fleet import Fleet

if TYPE_CHECKING:
    from pathlib import Path

DEVICES = 100
ON_ONE = 50

EACH_ITS_OWN = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: The host has a limit that no other has
      devfleet.uid_mem.uid_mem_limit:
        uid: "{{ 1000 + groups.all.index(inventory_hostname) }}"
        max: "{{ 1 + groups.all.index(inventory_hostname) }}M"
      register: own
    - ansible.builtin.assert:
        that: own.changed
    - name: It does not change again
      devfleet.uid_mem.uid_mem_limit:
        uid: "{{ 1000 + groups.all.index(inventory_hostname) }}"
        max: "{{ 1 + groups.all.index(inventory_hostname) }}M"
      register: again
    - ansible.builtin.assert:
        that: not again.changed
"""

ALL_ON_ONE = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Every host has a limit on the first one
      devfleet.uid_mem.uid_mem_limit:
        uid: "{{ 1000 + groups.all.index(inventory_hostname) }}"
        max: "{{ 1 + groups.all.index(inventory_hostname) }}M"
      delegate_to: "{{ groups.all[0] }}"
      register: delegated
    - ansible.builtin.assert:
        that: delegated.kernel_changed and delegated.file_changed
"""


def limit_of(number: int) -> str:
    return f"{1000 + number} max={1 + number}M\n"


def test_a_hundred_devices(tmp_path: Path, write_limits: Path) -> None:
    fleet = Fleet(tmp_path, DEVICES, write_limits)
    fleet.play(EACH_ITS_OWN, forks=DEVICES)
    for number, device in enumerate(fleet.devices):
        wanted = Table.parse(limit_of(number))
        assert device.limits.read_text() == wanted.text()
        assert Table.parse(device.read_file()) == wanted
        assert device.files() == ["limits"]


def test_fifty_tasks_on_one_device(tmp_path: Path, write_limits: Path) -> None:
    """Nothing is lost, in the kernel or in the file, although all of them read the same empty tables first."""
    fleet = Fleet(tmp_path, ON_ONE, write_limits)
    fleet.play(ALL_ON_ONE, forks=ON_ONE)
    device, *others = fleet.devices
    wanted = Table.parse("".join(limit_of(number) for number in range(ON_ONE)))
    assert device.limits.read_text() == wanted.text()
    assert Table.parse(device.read_file()) == wanted
    assert device.files() == ["limits"]
    assert not any(other.limits.read_text() or other.file.exists() for other in others)

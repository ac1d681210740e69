# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ansible-playbook for real: loop, delegate_to, check mode, become, async, and many forks.

Each host is a device of its own, reached by the connection local. Its shell gives the scripts the device's directory as
the argument they have for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import Table
from ansible_collections.devfleet.uid_mem.tests.unit.device import Device

HOSTS = 6

SHELL = """\
#!/bin/sh
PATH={path} DEVICE={root}
export PATH DEVICE
exec /bin/sh "$@"
"""
# sh -c SCRIPT uid_mem ROOT ARGUMENT..., where ROOT is empty.
SCRIPT_SHELL = """\
#!/bin/sh
script=$2
shift 4
exec /bin/sh -c "$script" uid_mem "$DEVICE" "$@"
"""

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
      when: can_become
    - ansible.builtin.assert:
        that: known.limits | map(attribute='uid') | select('in', ['5', '6', '7-9']) == ['6', '7-9']
      when: can_become
"""


def write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def devices(tmp_path: Path, write_limits: Path) -> list[Device]:
    """The devices, and an inventory of them."""
    shells = tmp_path / "sh"
    shells.mkdir()
    write_program(shells / "sh", SCRIPT_SHELL)
    made = []
    for number in range(HOSTS):
        root, programs = tmp_path / f"host{number}", tmp_path / f"programs{number}"
        for directory in (root, programs):
            directory.mkdir()
        device = Device(root, f"{programs}:{shells}:{os.environ['PATH']}")
        device.load_module()
        device.install_kernel(write_limits)
        device.add_process(77, 5000, RssAnon=2048)
        write_program(root / "shell", SHELL.format(path=device.environment["PATH"], root=root))
        made.append(device)
    lines = [f"host{number} ansible_shell_executable={tmp_path}/host{number}/shell" for number in range(HOSTS)]
    (tmp_path / "inventory").write_text("\n".join(lines) + "\n[all:vars]\nansible_connection=local\n")
    return made


def collections(place: Path) -> Path:
    """Where Ansible finds this collection, wherever it lies."""
    link = place / "ansible_collections" / "devfleet" / "uid_mem"
    link.parent.mkdir(parents=True)
    link.symlink_to(Path(__file__).resolve().parents[4])
    return place


@pytest.mark.parametrize("pipelining", ["true", "false"])
def test_playbook(tmp_path: Path, devices: list[Device], pipelining: str) -> None:
    (tmp_path / "playbook.yml").write_text(PLAYBOOK)
    can_become = os.getuid() == 0 and shutil.which("su") is not None
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(tmp_path / "inventory"), "--forks", "100"]
    command += ["-e", f'{{"can_become": {str(can_become).lower()}}}', str(tmp_path / "playbook.yml")]
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(collections(tmp_path)),
        "ANSIBLE_PIPELINING": pipelining,
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"),
        "HOME": str(tmp_path),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]: Above the new limit already" in done.stdout + done.stderr

    for number, device in enumerate(devices):
        wanted = f"6 max={number + 1}M\n7-9 max=1000M grace_ms=2000\n"
        if number == 0:
            wanted += "".join(f"{1000 + other} max=2M\n" for other in range(HOSTS))
        assert device.limits.read_text() == Table.parse(wanted).text()
        assert Table.parse(device.read_file()) == Table.parse(wanted)
        assert device.files() == ["limits"]

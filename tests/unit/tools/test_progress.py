# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""tools/callback_plugins/progress.py shows plays, what tasks tell, how far a command is, and failures."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[3] / "tools/callback_plugins"
PLAYBOOK = """\
- name: Build what is needed
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Choose
      ansible.builtin.set_fact:
        chosen: true
    - name: Leave out
      ansible.builtin.debug:
        msg: never shown
      when: false
    - name: Wait for the build
      ansible.builtin.command: echo {{ item }}
      loop: [10 %, 10 %, 20 %]
      loop_control:
        label: "{{ seen.stdout | default('') }}"
      register: seen
    - name: Try
      ansible.builtin.command: "false"
      ignore_errors: true
    - name: Check
      ansible.builtin.assert:
        that: chosen
    - name: Check again
      ansible.builtin.assert:
        that: chosen
        success_msg: nothing was changed
- name: Tell
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Tell how to log in
      ansible.builtin.debug:
        msg: [ssh device, make device-stop]
    - name: Go wrong
      ansible.builtin.fail:
        msg: a reason
      when: go_wrong | bool
"""


@pytest.fixture(name="run")
def run_fixture(tmp_path: Path, request: pytest.FixtureRequest) -> subprocess.CompletedProcess[str]:
    playbook = tmp_path / "play.yml"
    playbook.write_text(PLAYBOOK, encoding="utf-8")
    settings = {"ANSIBLE_CALLBACK_PLUGINS": str(PLUGINS), "ANSIBLE_STDOUT_CALLBACK": "progress", "ANSIBLE_NOCOLOR": "1"}
    settings["ANSIBLE_PYTHON_INTERPRETER"] = sys.executable
    return subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local", playbook, "-e", request.param],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("run", ["go_wrong=false"], indirect=True)
def test_only_what_a_reader_wants(run: subprocess.CompletedProcess[str]) -> None:
    assert run.returncode == 0, run.stderr
    assert re.sub(r"\[ *\d+:\d\d\]", "[time]", run.stdout).splitlines() == [
        "[time] Build what is needed",
        "         10 %",
        "         20 %",
        "         nothing was changed",
        "[time] Tell",
        "         ssh device",
        "         make device-stop",
        "[time] done",
    ]


@pytest.mark.parametrize("run", ["go_wrong=true"], indirect=True)
def test_a_failure_is_shown_whole(run: subprocess.CompletedProcess[str]) -> None:
    assert run.returncode == 2
    assert "TASK [Go wrong]" in run.stdout
    assert "a reason" in run.stdout + run.stderr
    assert "PLAY RECAP" in run.stdout
    assert run.stdout.rstrip().endswith("failed")

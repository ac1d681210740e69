# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The modules have the arguments of their action plugins, so that ansible-lint checks them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.devfleet.uid_mem.plugins.action import device_program as program_action
from ansible_collections.devfleet.uid_mem.plugins.action import uid_mem_info as info_action
from ansible_collections.devfleet.uid_mem.plugins.action import uid_mem_limit as limit_action
from ansible_collections.devfleet.uid_mem.plugins.module_utils import _argument_specs
from ansible_collections.devfleet.uid_mem.plugins.modules import device_program, uid_mem_info, uid_mem_limit

PLAYBOOK = """\
- name: Limits
  hosts: all
  gather_facts: false
  tasks:
    - name: Limit a user
      devfleet.uid_mem.uid_mem_limit:
        uid: 1000
        {argument}
      become: true
    - name: Limit some users
      devfleet.uid_mem.uid_mem_limit:
        limits:
          - user: alice
            max: 100M
          - group: [students, staff]
            {argument}
      become: true
    - name: Read limits
      devfleet.uid_mem.uid_mem_info:
        gather: limits
"""


class StoppedError(Exception):
    pass


@pytest.mark.parametrize(
    ("place", "name", "spec"),
    [
        (uid_mem_limit, "AnsibleModule", _argument_specs.UID_MEM_LIMIT),
        (uid_mem_info, "AnsibleModule", _argument_specs.UID_MEM_INFO),
        (device_program, "AnsibleModule", _argument_specs.DEVICE_PROGRAM),
        (limit_action, "basic.AnsibleModule", _argument_specs.UID_MEM_LIMIT),
        (info_action, "basic.AnsibleModule", _argument_specs.UID_MEM_INFO),
        (program_action, "basic.AnsibleModule", _argument_specs.DEVICE_PROGRAM),
    ],
)
def test_run_directly(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, spec: dict[str, Any]) -> None:
    """A module says who does its work; ansible-lint gets the same arguments from an action plugin."""

    class Module:
        def __init__(self, argument_spec: dict[str, Any], **_options: Any) -> None:
            assert argument_spec is spec

        def fail_json(self, msg: str) -> None:
            raise StoppedError(msg)

    monkeypatch.setattr(f"{place.__name__}.{name}", Module)
    with pytest.raises(StoppedError, match="by the action plugin of the same name"):
        place.main()


def lint(place: Path, argument: str) -> subprocess.CompletedProcess[str]:
    """The rule args is one of those that only warn by default."""
    if shutil.which("ansible-lint") is None:
        pytest.skip("ansible-lint is not installed")
    link = place / "ansible_collections" / "devfleet" / "uid_mem"
    link.parent.mkdir(parents=True)
    link.symlink_to(Path(__file__).resolve().parents[4])
    project = place / "project"
    project.mkdir()
    (project / "play.yml").write_text("---\n" + PLAYBOOK.format(argument=argument))
    return subprocess.run(
        ["ansible-lint", "--strict", "--offline", "--nocolor", "-q", "--project-dir", str(project), "play.yml"],
        cwd=project,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(place), "HOME": str(place)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_ansible_lint_finds_a_wrong_argument(tmp_path: Path) -> None:
    done = lint(tmp_path, "maximum: 100M")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert said.count("args[module]") == 2, said
    assert "Unsupported parameters for (basic.py) module: maximum." in said
    assert "limits.maximum" in said


def test_ansible_lint_takes_right_arguments(tmp_path: Path) -> None:
    done = lint(tmp_path, "max: 100M")
    assert done.returncode == 0, done.stdout + done.stderr

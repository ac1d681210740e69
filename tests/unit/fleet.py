# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Devices for a real ansible-playbook.

Each host of the inventory is a device of its own, reached by the connection local. Its shell gives the scripts the
device's directory as the argument they have for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.devfleet.uid_mem.tests.unit.device import Device

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
# Each call is a line of its record. As with the real one, nothing of the caller's environment is left.
SUDO = """\
#!/bin/sh
echo "$1 $2 $3 $4 $5 $6 $7" >>{record}
[ "$1 $2 $3 $4 $5" = "-H -S -n -u root" ] || exit 1
shift 5
exec env -i PATH=/usr/bin:/bin "$@"
"""


def write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


class Fleet:
    """The devices, with the module loaded and without a limits file, and their inventory."""

    def __init__(self, place: Path, size: int, write_limits: Path) -> None:
        self.place = place
        self.sudo_calls = place / "sudo.calls"
        shells = place / "sh"
        shells.mkdir()
        write_program(shells / "sh", SCRIPT_SHELL)
        write_program(place / "sudo", SUDO.format(record=self.sudo_calls))
        self.devices = [self._device(number, shells, write_limits) for number in range(size)]
        lines = [f"host{number} ansible_shell_executable={place}/host{number}/shell" for number in range(size)]
        (place / "inventory").write_text("\n".join(lines) + "\n[all:vars]\nansible_connection=local\n")
        # Where Ansible finds this collection, wherever it lies.
        link = place / "ansible_collections" / "devfleet" / "uid_mem"
        link.parent.mkdir(parents=True)
        link.symlink_to(Path(__file__).resolve().parents[2])

    def _device(self, number: int, shells: Path, write_limits: Path) -> Device:
        root, programs = self.place / f"host{number}", self.place / f"programs{number}"
        for directory in (root, programs):
            directory.mkdir()
        device = Device(root, f"{programs}:{shells}:{os.environ['PATH']}")
        device.load_module()
        device.install_kernel(write_limits)
        write_program(root / "shell", SHELL.format(path=device.environment["PATH"], root=root))
        return device

    def play(self, playbook: str, *, pipelining: bool = True, forks: int = 100, **variables: object) -> str:
        """Run a playbook, which must succeed; what it said."""
        (self.place / "playbook.yml").write_text(playbook)
        command = [sys.executable, "-m", "ansible", "playbook", "-i", str(self.place / "inventory")]
        command += ["--forks", str(forks), str(self.place / "playbook.yml")]
        for name, value in variables.items():
            command += ["-e", f"{name}={value}"]
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(self.place),
            "ANSIBLE_PIPELINING": str(pipelining),
            "ANSIBLE_BECOME_ALLOW_SAME_USER": "true",  # otherwise root does not become root
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_LOCAL_TEMP": str(self.place / "local"),
            "HOME": str(self.place),
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Fleets of stand-ins for a real ansible-playbook with the real playbooks and roles.

Only two things are not real: the connection, which leads to a directory in place of a device and counts its uses, and
the programs that the roles run there. uid_mem_limit is real; what it writes goes through the module's own parser.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.devfleet.uid_mem.tests.unit.conftest import build_write_limits
from ansible_collections.devfleet.uid_mem.tests.unit.device import Device

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
OLD = "6.1.0-1-amd64"
NEW = "6.1.2-uidmem-12345678"
LIMIT = {"uid": 10070, "max": "64M"}

# The shell that uid_mem_limit calls gets the device's directory as the root that its scripts have an argument for.
SH = """\
#!/bin/sh
if [ "$1 ${3-}" = "-c uid_mem" ] && [ -z "${4-}" ]; then
    script=$2
    shift 4
    exec /bin/sh -c "$script" uid_mem "$DEVICE" "$@"
fi
exec /bin/sh "$@"
"""
# What role kernel_build does, without a compiler: its artifacts are those of the variable, and its calls are recorded.
BUILD = """\
- name: Record the build
  ansible.builtin.shell:
    cmd: echo {{ inventory_hostname }} {{ kernel_build_config }} {{ kernel_build_config_file }} {{ kernel_build_arch }}
      {{ kernel_build_series }} {{ kernel_build_localmodconfig | default([]) | join('+') }} >>"$FLEET/builds"
  changed_when: false
- name: Build
  ansible.builtin.fail:
    msg: it does not compile
  when: stand_in_build_fails | default(false) | bool
- name: Hand on
  ansible.builtin.set_fact:
    kernel_build_artifacts: "{{ stand_in_artifacts }}"
    kernel_build_manifest: "{{ lookup('ansible.builtin.file', stand_in_artifacts ~ '/manifest.json') | from_json }}"
"""


class StandIn:
    """A device."""

    def __init__(self, root: Path, write_limits: Path) -> None:
        self.root = root
        for name in ("state", "bin"):
            (root / name).mkdir(parents=True)
        device = Device(root, f"{root / 'bin'}:{os.environ['PATH']}")
        device.install_kernel(write_limits)
        device.set_room(0, evict=True)
        self.limits = device.limits
        sh = root / "bin" / "sh"
        sh.write_text(SH)
        sh.chmod(0o755)
        (root / "config").write_text("#\n# Linux/x86 configuration\n#\nCONFIG_NET=y\n")
        (root / "commands").touch()
        (root / "state" / "kernels").touch()
        self.set(running=OLD, default=OLD, boot_id="boot-0", status="none", arch=os.uname().machine)

    def set(self, **state: str) -> None:
        for name, value in state.items():
            (self.root / "state" / name).write_text(f"{value}\n")

    def get(self, name: str) -> str:
        path = self.root / "state" / name
        return path.read_text().strip() if path.exists() else ""

    def fault(self, *faults: str) -> None:
        (self.root / "faults").write_text("".join(f"{fault}\n" for fault in faults))

    def switch(self, *, on: bool) -> None:
        if on:
            (self.root / "down").unlink()
        else:
            (self.root / "down").touch()

    def commands(self) -> list[str]:
        """The names of the commands it was given, since the last call."""
        path = self.root / "commands"
        lines = path.read_text().splitlines()
        path.write_text("")
        return [" ".join(line.split()[:2]) if line.startswith("uid_mem ") else line.split()[0] for line in lines]

    def calls(self) -> list[str]:
        """How its connection was used, since the last call."""
        path = self.root / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    @property
    def limited(self) -> bool:
        return self.limits.exists() and "10070 max=67108864" in self.limits.read_text()


def playbook_environment(place: Path, collections: Path) -> dict[str, str]:
    """What ansible-playbook runs with, for stand-ins in I(place): nothing of the caller's settings."""
    settings = place / "ansible.cfg"
    settings.touch()
    return {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection"),
        "ANSIBLE_FORKS": "20",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_LOCAL_TEMP": str(place / "local"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_REMOTE_TMP": str(place / "remote"),
        "FLEET": str(place),
        "HOME": str(place),
        "XDG_CACHE_HOME": str(place / "cache"),
    }


class Run:
    """What a playbook said."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.status = done.returncode
        self.text = done.stdout + done.stderr
        recap = re.compile(
            r"^(?P<host>\S+) +: ok=\d+"
            r" +changed=(?P<changed>\d+) +unreachable=(?P<unreachable>\d+) +failed=(?P<failed>\d+)",
            re.MULTILINE,
        )
        lines = list(recap.finditer(self.text))
        self.changed = {line["host"]: int(line["changed"]) for line in lines}
        self.unreachable = sorted(line["host"] for line in lines if line["unreachable"] != "0")
        self.failed = sorted(line["host"] for line in lines if line["failed"] != "0")
        found = re.search(r'TASK \[Report what became of each device\].*?"msg": (\[.*?\n    \])', self.text, re.DOTALL)
        self.report: list[str] = json.loads(found[1]) if found else []

    def outcomes(self) -> dict[str, str]:
        """Host to outcome, of the report."""
        rows = [line for line in self.report[2:] if re.fullmatch(r"[a-z]+( [a-z]+)?  .*\S  +d\d+", line)]
        return {line.split()[-1]: line.split("  ")[0] for line in rows}


class Fleet:
    """Stand-ins d1, d2, ... in the group devices."""

    def __init__(self, place: Path, collections: Path, size: int, write_limits: Path) -> None:
        self.place = place
        self.collections = collections
        names = [f"d{number}" for number in range(1, size + 1)]
        self.devices = {name: StandIn(place / name, write_limits) for name in names}
        self.inventory: dict[str, dict[str, object]] = {name: {} for name in names}
        self.artifacts = make_artifacts(place / "artifacts")
        self.variables: dict[str, object] = {
            "uid_mem_limits": [LIMIT],
            "provision_artifacts": str(self.artifacts),
            "kernel_install_boot_timeout": 3,
        }

    def __getitem__(self, name: str) -> StandIn:
        return self.devices[name]

    def command(self, playbook: str, *options: str, **variables: object) -> tuple[list[str], dict[str, str]]:
        """How a playbook is run on the fleet: the command and its environment."""
        inventory = self.place / "inventory.json"
        hosts = {name: {"ansible_connection": "stand_in", **values} for name, values in self.inventory.items()}
        inventory.write_text(json.dumps({"all": {"children": {"devices": {"hosts": hosts}}}}))
        command = [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory), f"devfleet.uid_mem.{playbook}"]
        environment = playbook_environment(self.place, self.collections)
        return [*command, "-e", json.dumps(self.variables | variables), *options], environment

    def play(self, playbook: str, *options: str, **variables: object) -> Run:
        command, environment = self.command(playbook, *options, **variables)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
        print(done.stdout, done.stderr)
        return Run(done)

    def builds(self) -> list[list[str]]:
        """The words of each build, since the last call."""
        path = self.place / "builds"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line.split() for line in lines]


def make_artifacts(directory: Path) -> Path:
    """What role kernel_build leaves, of a kernel that nobody boots."""
    directory.mkdir()
    files = {
        f"linux-image-{NEW}_6.1.2-1_amd64.deb": "package",
        "bzImage": "image",
        "uid_mem.ko": "module",
        "config": "CONFIG_UID_MEM=y\n",
        "System.map": "",
        "modules.list": "ext4 builtin\nvirtio_net builtin\nuid_mem module\n",
    }
    for name, content in files.items():
        (directory / name).write_text(content)
    manifest = {
        "schema": 1,
        "key": "0123456789ab",
        "series": "6.1",
        "kernel_release": NEW,
        "arch": os.uname().machine,
        "image_deb": next(iter(files)),
        "image": "bzImage",
        "module": "uid_mem.ko",
        "modules": "modules.list",
        "lsm": "",
        "size_installed_bytes": 1000,
        "inputs": {},
        "outputs": {name: hashlib.sha256(content.encode()).hexdigest() for name, content in files.items()},
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory


def make_collections(place: Path) -> Path:
    """The collection, with stand-ins for what runs on devices."""
    copy = place / "ansible_collections" / "devfleet" / "uid_mem"
    shutil.copytree(
        PROJECT, copy, symlinks=True, ignore=shutil.ignore_patterns(".git", ".ansible", "tests", "molecule")
    )
    for name in ("kernel_install", "uid_mem"):
        program = copy / "device" / name
        program.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "programs" / f"{name}.sh", program / "stand_in.sh")
        (program / "parts").write_text(f"{name}/stand_in.sh\n")
    (copy / "roles" / "kernel_build" / "tasks" / "main.yml").write_text(BUILD)
    # A stand-in reboots at once, and one that does not answer then never will.
    for tasks in (copy / "roles" / "kernel_install" / "tasks").glob("*.yml"):
        text = re.sub(r"(?<=delay: )5$", "0", tasks.read_text(), flags=re.MULTILINE)
        tasks.write_text(text.replace("ternary(5, 0)", "ternary(0, 0)").replace("| int) + 60", "| int)"))
    return place


@pytest.fixture(scope="session")
def write_limits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that does what the kernel does with a write."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    return build_write_limits(tmp_path_factory.mktemp("kernel"))


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_collections(tmp_path_factory.mktemp("collections"))


@pytest.fixture
def make_fleet(tmp_path: Path, collections: Path, write_limits: Path) -> Callable[[int], Fleet]:
    """Makes a fleet of a size."""
    return lambda size: Fleet(tmp_path, collections, size, write_limits)


@pytest.fixture
def fleet(make_fleet: Callable[[int], Fleet]) -> Fleet:
    """Five devices."""
    return make_fleet(5)

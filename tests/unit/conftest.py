# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Give tests a device to work on."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils import _remote
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import read_command, write_command
from ansible_collections.devfleet.uid_mem.tests.unit.device import Device
from ansible_collections.devfleet.uid_mem.tests.unit.host import Host

# On a busy machine, nothing is fast.
settings.register_profile("any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any_machine")


def _link(directory: Path, **programs: str) -> str:
    directory.mkdir(parents=True)
    for name, target in programs.items():
        (directory / name).symlink_to(target)
    return str(directory)


def _userland(name: str, place: Path) -> str:
    """The PATH of a device of that kind; dash with GNU, all of busybox, or Android's mksh with toybox."""
    shell = {"dash": "dash", "busybox": "busybox", "android": "mksh"}[name]
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    if name == "dash":
        return f"{_link(place, sh=program)}:{os.environ['PATH']}"
    if name == "busybox":
        applets = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
        return _link(place, **dict.fromkeys(applets, program))
    toybox = shutil.which("toybox")
    if toybox is None:
        pytest.skip("toybox is not installed")
    applets = subprocess.run([toybox], capture_output=True, text=True, check=True).stdout.split()
    # Debian's toybox is built without these; Android's has dd and tr.
    missing = {tool: str(shutil.which(tool)) for tool in ("dd", "gzip", "tr") if tool not in applets}
    return _link(place, **{**dict.fromkeys(set(applets) - {"["}, toybox), **missing, "sh": program})


def build_write_limits(directory: Path) -> Path:
    """The program that does what the kernel does with a write, built of the module's own source with gcc."""
    source = Path(__file__).resolve().parents[2] / "kernel" / "uid_mem"
    parts = [source / f"{name}.c" for name in ("grammar", "table", "writer", "policy")]
    program = directory / "write_limits"
    includes = [f"-I{source / 'tests'}", f"-I{source / 'tests' / 'include'}"]
    sources = [Path(__file__).with_name("write_limits.c"), *parts, *source.glob("policy_*.c")]
    subprocess.run(["gcc", "-std=gnu11", "-O1", *includes, "-o", str(program), *map(str, sources)], check=True)
    return program


@pytest.fixture(scope="session")
def write_limits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    return build_write_limits(tmp_path_factory.mktemp("kernel"))


@pytest.fixture(params=["dash", "busybox", "android"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Device:
    """A device of each kind, without the module and without a limits file."""
    root = tmp_path / "device"
    root.mkdir()
    return Device(root, _userland(request.param, tmp_path / "bin"))


@pytest.fixture
def dash_device(tmp_path: Path) -> Device:
    """A device where the kind makes no difference."""
    root = tmp_path / "device"
    root.mkdir()
    return Device(root, _userland("dash", tmp_path / "bin"))


@pytest.fixture
def bare_host(dash_device: Device, write_limits: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host without the module."""
    root = str(dash_device.root)
    monkeypatch.setattr(_remote, "read_command", partial(read_command, root=root))
    monkeypatch.setattr(_remote, "write_command", partial(write_command, root=root))
    dash_device.install_kernel(write_limits)
    return Host(dash_device)


@pytest.fixture
def host(bare_host: Host) -> Host:
    """A host with the module loaded, no limits, and no limits file."""
    bare_host.device.load_module()
    return bare_host

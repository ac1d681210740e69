# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role uid_mem and its program on a kernel without uid_mem: clear messages, nothing changed.

What needs a kernel with uid_mem is shown by the molecule scenario.
"""

from __future__ import annotations

import json
import os
import pathlib
import shlex
import subprocess

import pytest

from ansible_collections.devfleet.uid_mem.tests.roles.conftest import ROLES, RunRole, RunScript, device_program

PROGRAM = device_program("uid_mem")
SH = f"sh {shlex.quote(str(PROGRAM))}"
RUNNING = os.uname().release

pytestmark = pytest.mark.skipif(
    pathlib.Path("/proc/uid_mem").exists(), reason="not applicable: this machine enforces limits itself"
)


def made_by_the_role(after: pathlib.Path) -> list[pathlib.Path]:
    return [path for path in after.rglob("*uid_mem*") if path.is_file()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which command?"),
        (["fly"], "unknown command 'fly'"),
        (["present", "--check", "perhaps"], "--check takes yes or no"),
        (["present", "--limits-path", "limits"], "--limits-path takes an absolute path"),
        (["present", "--limits-path", "/a b"], "--limits-path takes letters"),
        (["present", "--parameter", "policy"], "--parameter takes NAME=VALUE"),
        (["present", "--parameter", "policy=$(reboot)"], "--parameter takes NAME=VALUE"),
        (["present", "--daemon-textfile", "uid_mem.prom"], "--daemon-textfile takes an absolute path"),
        (["present", "--daemon-option", "--on-kill tell somebody"], "--daemon-option takes letters"),
        (["present", "--text", "unit"], "--text takes NAME=TEXT"),
        (["present", "--text", "x;reboot=1"], "--text takes NAME=TEXT"),
        (["present", "--notify", "pigeon"], "--notify takes mail or webhook"),
        (["restore", "--colour"], "without its value: '--colour'"),
        (["restore", "--colour", "red"], "unknown option '--colour'"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], message: str) -> None:
    done = subprocess.run(["sh", PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "--help" in done.stderr


def test_help_names_every_command() -> None:
    done = subprocess.run(["sh", PROGRAM, "--help"], capture_output=True, text=True, check=True)
    for command in ("present", "absent", "restore"):
        assert f"\n  {command} " in done.stdout


def test_without_root_the_way_out_is_named() -> None:
    drop = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    program = PROGRAM.read_text(encoding="utf-8")
    done = subprocess.run([*drop, "sh", "-s", "present"], input=program, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "become: true" in done.stdout


def test_restoring_without_the_module_fails_loudly(on_device: RunScript) -> None:
    """A unit that succeeded here would hide that nobody's limit is enforced."""
    done = on_device(f"{SH} restore")
    assert done.returncode == 1
    assert f"no limit is enforced: {RUNNING} has no /proc/uid_mem/limits" in done.stdout


# Where modules can be loaded, the role would really do so; molecule/stock shows that on a device of its own.
cannot_load_modules = pytest.mark.skipif(
    pathlib.Path("/proc/modules").exists(), reason="not applicable: the role would load the module into this kernel"
)


@cannot_load_modules
def test_host_without_the_module(run_role_on_device: RunRole, tmp_path: pathlib.Path) -> None:
    status, said = run_role_on_device("uid_mem")
    assert status == 2
    assert f"the running kernel {RUNNING} has no uid_mem module" in said
    assert "cannot load modules at all: run role kernel_install" in said
    assert "changed=0" in said
    assert not made_by_the_role(tmp_path / "after")


def test_artifacts_for_another_kernel(run_role_on_device: RunRole, tmp_path: pathlib.Path) -> None:
    manifest = {"kernel_release": "6.1.999-uidmem-0123abcd", "module": "uid_mem.ko", "outputs": {"uid_mem.ko": "00"}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    status, said = run_role_on_device("uid_mem", uid_mem_artifacts=str(tmp_path))
    assert status == 2
    assert f"the running kernel {RUNNING} has no uid_mem module" in said
    assert "uid_mem_artifacts is for 6.1.999-uidmem-0123abcd: run role kernel_install with these artifacts" in said
    assert not made_by_the_role(tmp_path / "after")


def test_artifacts_that_are_not_there(run_role_on_device: RunRole, tmp_path: pathlib.Path) -> None:
    status, said = run_role_on_device("uid_mem", uid_mem_artifacts=str(tmp_path / "nowhere"))
    assert status == 2
    assert f"there is no {tmp_path}/nowhere/manifest.json on the controller" in said


def test_unknown_parameter_of_the_module(run_role_on_device: RunRole) -> None:
    status, said = run_role_on_device("uid_mem", uid_mem_parameters={"polcy": "highest_rss"})
    assert status == 2
    assert "polcy" in said
    assert "Supported parameters include" in said


def test_absent_where_nothing_is_changes_nothing(run_role_on_device: RunRole) -> None:
    status, said = run_role_on_device("uid_mem", uid_mem_state="absent")
    assert status == 0
    assert "changed=0" in said


# systemd.exec(5) says of each that it has the service run in a mount namespace of its own.
MOUNT_NAMESPACE = [
    "BindPaths=",
    "BindReadOnlyPaths=",
    "ExecPaths=",
    "InaccessiblePaths=",
    "MountAPIVFS=",
    "NoExecPaths=",
    "PrivateDevices=",
    "PrivateIPC=",
    "PrivateMounts=",
    "PrivateNetwork=",
    "PrivateTmp=",
    "ProcSubset=",
    "ProtectControlGroups=",
    "ProtectHome=",
    "ProtectHostname=",
    "ProtectKernelLogs=",
    "ProtectKernelModules=",
    "ProtectKernelTunables=",
    "ProtectProc=",
    "ProtectSystem=",
    "ReadOnlyPaths=",
    "ReadWritePaths=",
    "RootDirectory=",
    "RootImage=",
    "TemporaryFileSystem=",
]


def test_restoring_unit_needs_no_mount_namespace() -> None:
    """At boot, while other units mount, setting one up fails now and then; no limit was restored then."""
    unit = (ROLES / "uid_mem/templates/uid_mem-limits.service.j2").read_text(encoding="utf-8")
    unit = unit.split("[Service]", 1)[1].split("[Install]", 1)[0]
    assert "ExecStart=" in unit
    assert [line.strip() for line in unit.splitlines() if line.strip().startswith(tuple(MOUNT_NAMESPACE))] == []

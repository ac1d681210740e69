# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""tools/bootstrap installs whatever the roles would: in the demo two roles run at once, and only one can install."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[3]


def bootstrap(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(PROJECT / "tools/bootstrap"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def role_vars(role: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((PROJECT / "roles" / role / "vars/main.yml").read_text())
    return found


@pytest.mark.parametrize("purpose", ["demo", "test"])
def test_packages_of_the_roles_are_installed(purpose: str) -> None:
    build = role_vars("kernel_build")
    device = role_vars("virtual_device")
    wanted = {
        *build["kernel_build_packages"],
        *device["virtual_device_needs"].values(),
        *device["virtual_device_needs_of_user"].values(),
    }
    assert not wanted - set(bootstrap("--list", purpose).stdout.split())


def test_packages_of_an_android_device_are_installed() -> None:
    wanted = {*role_vars("virtual_device")["virtual_device_needs_of_android"].values()}
    assert not wanted - set(bootstrap("--list", "test").stdout.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say what to prepare for"),
        (["fun"], "unknown argument 'fun'"),
        (["--fun"], "unknown argument '--fun'"),
        (["demo", "test"], "one argument is expected, not 2"),
    ],
)
def test_wrong_arguments(arguments: list[str], message: str) -> None:
    answer = bootstrap(*arguments)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert "--help" in answer.stderr


def test_help() -> None:
    answer = bootstrap("--help")
    assert answer.returncode == 0
    assert answer.stdout.startswith("usage: tools/bootstrap")

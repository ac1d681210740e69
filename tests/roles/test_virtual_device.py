# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role virtual_device without a device: what it refuses, and the process of a device whose QEMU is a script."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from ansible_collections.devfleet.uid_mem.tests.roles.conftest import ROLES, RunRole

DEVICE = ROLES / "virtual_device" / "files" / "device.sh"
MAKE_IMAGE = ROLES / "virtual_device" / "files" / "make_android_image.sh"
CC = "aarch64-linux-gnu-gcc"

# Says with what it was called.
FAKE_QEMU = """#!/bin/sh
echo "$@" >>"$(dirname "$0")/calls"
case $* in *busy*) echo "Could not set up host forwarding rule" >&2; exit 1 ;; esac
"""


def run(
    program: pathlib.Path, *arguments: object, path: pathlib.Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"]}
    command = [str(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def write_manifest(tmp_path: pathlib.Path, arch: str) -> str:
    (tmp_path / "manifest.json").write_text(json.dumps({"arch": arch, "image": "Image.gz"}))
    return str(tmp_path)


def refusal(run_role: RunRole, tmp_path: pathlib.Path, **variables: object) -> str:
    status, said = run_role("virtual_device", virtual_device_cache_dir=str(tmp_path / "cache"), **variables)
    assert status == 2
    return said


def test_android_needs_a_kernel(run_role_on_device: RunRole, tmp_path: pathlib.Path) -> None:
    said = refusal(run_role_on_device, tmp_path, virtual_device_profile="android")
    assert "the profile android needs a kernel" in said
    assert "kernel_build_arch aarch64" in said


def test_android_needs_a_kernel_for_its_processor(run_role_on_device: RunRole, tmp_path: pathlib.Path) -> None:
    artifacts = write_manifest(tmp_path, "x86_64")
    said = refusal(run_role_on_device, tmp_path, virtual_device_profile="android", virtual_device_artifacts=artifacts)
    assert "a kernel for x86_64, and the profile android is for aarch64" in said


def test_a_device_stays_what_it_was_made_as(run_role_on_device: RunRole, tmp_path: pathlib.Path) -> None:
    device = tmp_path / "cache/devices/here"
    device.mkdir(parents=True)
    (device / "profile").write_text("android\n")
    said = refusal(run_role_on_device, tmp_path, virtual_device_name="here")
    assert "virtual_device_profile is debian, and here was made with android" in said


@pytest.mark.parametrize(
    ("version", "thread"),
    [("7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)", "single"), ("8.1.0", "multi"), ("10.0.8 (Debian 1:10.0.8+ds)", "multi")],
)
def test_processors_take_turns_where_qemu_would_hang(
    run_role_on_device: RunRole, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, version: str, thread: str
) -> None:
    """Before 8.1 devices hung in a breakpoint when a jump label was switched while both processors ran."""
    qemu = tmp_path / "programs/qemu-system-aarch64"
    qemu.parent.mkdir()
    qemu.write_text(f"#!/bin/sh\ncase $1 in --version) echo 'QEMU emulator version {version}' ;; esac\n")
    qemu.chmod(0o755)
    monkeypatch.setenv("PATH", f"{qemu.parent}:{os.environ['PATH']}")
    device = tmp_path / "cache/devices/here"
    device.mkdir(parents=True)
    status, _said = run_role_on_device(
        "virtual_device",
        tasks_from="boot",
        virtual_device_accelerator="tcg",
        virtual_device_artifacts=write_manifest(tmp_path, "aarch64"),
        virtual_device_cache_dir=str(tmp_path / "cache"),
        virtual_device_name="here",
        virtual_device_profile="android",
    )
    assert status == 0
    assert f"tcg,thread={thread},tb-size=128" in (device / "qemu.args").read_text().splitlines()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["make", "/d", "/i"], "make takes DIRECTORY, IMAGE, SIZE and PROFILE"),
        (["make", "/d", "/i", "1G", "windows"], "PROFILE is debian or android, not 'windows'"),
        (["fly", "/d"], "unknown command 'fly'"),
        (["start", "d"], "DIRECTORY is an absolute path"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], message: str) -> None:
    done = run(DEVICE, *arguments)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")
@pytest.mark.parametrize(("profile", "has_key"), [("debian", True), ("android", False)])
def test_a_device_is_made_and_started(tmp_path: pathlib.Path, profile: str, *, has_key: bool) -> None:
    image, device, programs = tmp_path / "image", tmp_path / "device", tmp_path / "bin"
    with image.open("wb") as file:
        file.truncate(1 << 20)
    done = run(DEVICE, "make", device, image, "4M", profile)
    assert done.returncode == 0, done.stderr
    assert (device / "id_ed25519").exists() == has_key
    assert (device / "system.img").is_symlink() != has_key
    assert run(DEVICE, "status", device).stdout == "stopped 0\n"

    programs.mkdir()
    (programs / "my-qemu").write_text(FAKE_QEMU)
    (programs / "my-qemu").chmod(0o755)
    (device / "qemu.args").write_text("my-qemu\n-netdev\nhostfwd=@PORT@\n-pidfile\nx y\n")
    done = run(DEVICE, "start", device, path=programs)
    assert done.returncode == 0, done.stderr
    port = (device / "port").read_text().strip()
    assert 20000 <= int(port) < 30000
    assert (programs / "calls").read_text() == f"-netdev hostfwd={port} -pidfile x y\n"

    (device / "qemu.args").write_text("my-qemu\nbusy\n@PORT@\n")
    done = run(DEVICE, "start", device, path=programs)
    assert done.returncode == 1
    assert "QEMU did not start: Could not set up host forwarding rule" in done.stderr
    calls = (programs / "calls").read_text().splitlines()[1:]
    assert len(calls) == 10
    assert calls[0] == f"busy {port}"


def test_a_pid_file_of_somebody_else_is_not_believed(tmp_path: pathlib.Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        (tmp_path / "disk.qcow2").touch()
        (tmp_path / "qemu.pid").write_text(f"{other.pid}\n")
        assert run(DEVICE, "status", tmp_path).stdout == "stopped 0\n"
        assert run(DEVICE, "stop", tmp_path).returncode == 0
        assert other.poll() is None
        other.send_signal(signal.SIGKILL)


@pytest.mark.skipif(shutil.which(CC) is None, reason=f"{CC} is not installed")
def test_an_image_is_named_by_what_it_is_made_from(tmp_path: pathlib.Path) -> None:
    first = run(MAKE_IMAGE, "--print-path", tmp_path)
    assert first.returncode == 3
    assert first.stdout.startswith(f"{tmp_path}/images/android-")
    assert run(MAKE_IMAGE, "--print-path", tmp_path).stdout == first.stdout
    assert run(MAKE_IMAGE, "--print-path", "--suite", "sid", tmp_path).stdout != first.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "exactly one CACHE is needed"),
        (["--colour", "red", "/c"], "wrong arguments"),
        (["--suite", "a b", "/c"], "--suite is the name of a Debian release"),
    ],
)
def test_wrong_usage_of_the_image_is_told(arguments: list[str], message: str) -> None:
    done = run(MAKE_IMAGE, *arguments)
    assert done.returncode == 2
    assert message in done.stderr

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What uid_mem.sh does on a device that is Android, and place.sh; on a whole device molecule/android shows it."""

from __future__ import annotations

import hashlib
import os
import pathlib
import subprocess

import pytest

from ansible_collections.devfleet.uid_mem.tests.roles.conftest import device_program

PLACE = device_program("place")
RUNNING = os.uname().release
MODULE = b"this is a module"
PLACES = ("/system/", "/vendor/", "/data/", "/proc/uid_mem", "/sys/module/uid_mem", "/dev/uid_memd")


class Android:
    """A directory that stands for a device: the program with its paths below it, and commands that it would not have
    on this machine or must not use there."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        text = device_program("uid_mem").read_text(encoding="utf-8")
        for place in PLACES:
            text = text.replace(place, f"{root}{place}")
        for directory in ("system/bin", "system/etc/init", "vendor/etc/init", "data/local/tmp", "proc"):
            (root / directory).mkdir(parents=True)
        self.program = root / "uid_mem.sh"
        self.program.write_text(text, encoding="utf-8")
        self.home = root / "data/local/uid_mem"
        self.limits = root / "proc/uid_mem/limits"
        self.command("sh", "exit 1")
        self.command("id", "echo 0")
        self.command("modinfo", f'case $2 in vermagic) echo "{RUNNING} SMP" ;; esac')
        proc, module = root / "proc/uid_mem", root / "sys/module/uid_mem"
        self.command(
            "insmod", f'echo "$@" >{root}/inserted; mkdir -p {proc} {module}; : >{proc}/limits; : >{proc}/features'
        )
        self.command("rmmod", f"rm -r {proc} {module}")

    def command(self, name: str, script: str) -> None:
        path = self.root / "system/bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def bring_module(self) -> None:
        self.home.mkdir()
        (self.home / "uid_mem.ko").write_bytes(MODULE)

    def run(self, *arguments: str) -> dict[str, str]:
        done = subprocess.run(["/bin/sh", self.program, *arguments], capture_output=True, text=True, check=False)
        print(done.stdout, done.stderr)
        assert done.stderr == ""
        said = dict(line.split("=", 1) for line in done.stdout.splitlines())
        assert (done.returncode != 0) == ("error" in said)
        return said

    def present(self, *arguments: str) -> dict[str, str]:
        return self.run("present", "--release", RUNNING, "--module-sum", hashlib.sha256(MODULE).hexdigest(), *arguments)


@pytest.fixture(name="android")
def android_fixture(tmp_path: pathlib.Path) -> Android:
    return Android(tmp_path / "device")


def test_the_module_is_asked_for(android: Android) -> None:
    said = android.present()
    assert (said["need"], said["module_path"]) == ("module", str(android.home / "uid_mem.ko"))
    assert not android.home.exists()


def test_a_module_for_another_kernel_is_refused(android: Android) -> None:
    android.bring_module()
    android.command("modinfo", "echo 5.4.0-old SMP")
    said = android.run("present", "--release", "5.4.0-old", "--module-sum", "0")
    assert f"{RUNNING}, and uid_mem_artifacts is for 5.4.0-old" in said["error"]
    said = android.run("present")
    assert (
        f"no module uid_mem for the running kernel {RUNNING}: give uid_mem_artifacts that role kernel_build made"
        in said["error"]
    )
    assert not (android.root / "inserted").exists()


def test_init_loads_the_module_at_boot(android: Android) -> None:
    android.bring_module()
    said = android.present("--parameter", "policy=worst")
    assert said["changes"].split() == ["loaded", "limits-file", "program", "boot"]
    assert (android.root / "inserted").read_text().split() == [str(android.home / "uid_mem.ko"), "policy=worst"]
    lines = (android.root / "vendor/etc/init/uid_mem.rc").read_text().splitlines()
    program = f"{android.home}/uid_mem.sh boot --limits-path {android.home}/limits --parameter policy=worst"
    assert lines[1] == f"service uid_mem {android.root}/system/bin/logwrapper {android.root}/system/bin/sh {program}"
    assert "    class core" in lines
    assert not [line for line in lines if "uid_memd" in line]
    (android.root / "sys/module/uid_mem/parameters").mkdir()
    (android.root / "sys/module/uid_mem/parameters/policy").write_text("worst\n")
    assert android.present("--parameter", "policy=worst")["changed"] == "no"


def test_what_init_runs_loads_the_module_and_restores_the_limits(android: Android) -> None:
    android.bring_module()
    android.present()
    android.run("absent")
    (android.home / "uid_mem.ko").write_bytes(MODULE)
    (android.home / "limits").write_text("10070 max=100M\n")
    assert android.run("boot") == {}
    assert android.limits.read_text().strip() == "10070 max=100M"


def test_a_root_manager_is_preferred_and_takes_over(android: Android) -> None:
    android.bring_module()
    android.present()
    service_d = android.root / "data/adb/service.d"
    service_d.mkdir(parents=True)
    assert android.present()["changes"].split() == ["boot", "boot-removed"]
    assert not (android.root / "vendor/etc/init/uid_mem.rc").exists()
    script = service_d / "uid_mem.sh"
    assert script.stat().st_mode & 0o777 == 0o755
    assert f"sh {android.home}/uid_mem.sh boot --limits-path" in script.read_text()
    assert "supervise" not in script.read_text()
    assert android.present()["changed"] == "no"


def test_without_a_way_to_start_at_boot_it_says_so(android: Android) -> None:
    android.bring_module()
    (android.root / "vendor/etc/init").rmdir()
    (android.root / "system/etc/init").rmdir()
    said = android.present()
    assert "nothing on this device can be told to load the module at boot" in said["error"]
    assert "adb remount" in said["error"]
    assert android.limits.exists()


def test_check_mode_changes_nothing(android: Android) -> None:
    android.bring_module()
    before = sorted(android.root.rglob("*"))
    assert android.present("--check", "yes")["changes"].split() == ["loaded", "limits-file", "program", "boot"]
    assert sorted(android.root.rglob("*")) == before


def test_absent_leaves_the_limits_only(android: Android) -> None:
    before = sorted(android.root.rglob("*"))
    android.bring_module()
    android.present()
    android.run("absent")
    left = set(android.root.rglob("*")) - set(before) - {android.root / "inserted"}
    assert left == {android.home, android.home / "limits", android.root / "sys", android.root / "sys/module"}
    assert android.run("absent")["changed"] == "no"


def test_nobody_else_can_change_what_root_runs(android: Android) -> None:
    """The umask of adb's shell is 0."""
    done = subprocess.run(
        f"umask 0; sh {android.program} present --release {RUNNING} --module-sum 0 >/dev/null;"
        f"mkdir {android.root}/payload; echo x >{android.root}/payload/x;"
        f"sh {PLACE} file {android.home}/x 0644 --payload {android.root}/payload",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "changed=yes" in done.stdout
    assert android.home.stat().st_mode & 0o777 == 0o755
    assert (android.home / "x").stat().st_mode & 0o777 == 0o644


def place(*arguments: str | pathlib.Path, program: pathlib.Path = PLACE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", *map(str, (program, *arguments))], capture_output=True, text=True, check=False)


@pytest.fixture(name="payload")
def payload_fixture(tmp_path: pathlib.Path) -> pathlib.Path:
    """A file where it gets to on a device."""
    (tmp_path / "in coming").mkdir()
    payload = tmp_path / "in coming/file"
    payload.write_bytes(bytes(range(256)) * 999 + b"\0\n\n")
    return payload


def test_a_file_arrives_as_it_is(tmp_path: pathlib.Path, payload: pathlib.Path) -> None:
    destination = tmp_path / "new" / "place" / "file"
    assert place("file", destination, "0755", "--payload", payload.parent).stdout == "changed=yes\n"
    assert destination.read_bytes() == payload.read_bytes()
    assert destination.stat().st_mode & 0o777 == 0o755
    assert place("file", destination, "0755", "--payload", payload.parent).stdout == "changed=no\n"
    assert place("file", destination, "0644", "--payload", payload.parent).stdout == "changed=yes\n"
    assert [path.name for path in destination.parent.iterdir()] == ["file"]


def test_a_placed_file_is_on_the_disk(tmp_path: pathlib.Path, payload: pathlib.Path) -> None:
    """A power cut right after it left an empty file."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, line in (("fsync", 'echo fsync "$1"'), ("mv", 'echo mv "$2"; exec /bin/mv "$@"')):
        (programs / name).write_text(f"#!/bin/sh\n{{ {line}; }} >>{tmp_path}/calls\n")
        (programs / name).chmod(0o755)
    program = tmp_path / "place.sh"
    program.write_text(PLACE.read_text(encoding="utf-8").replace("\nPATH=", f"\nPATH={programs}:"), encoding="utf-8")
    there = tmp_path / "there"
    done = place("file", there, "0644", "--payload", payload.parent, program=program)
    assert done.stdout == "changed=yes\n"
    assert (tmp_path / "calls").read_text().splitlines() == [
        f"fsync {there}.new",
        f"mv {there}.new",
        f"fsync {tmp_path}",
    ]


def test_a_damaged_file_is_not_placed(tmp_path: pathlib.Path, payload: pathlib.Path) -> None:
    digest = hashlib.sha256(payload.read_bytes()).hexdigest()
    payload.write_bytes(payload.read_bytes()[:-1])
    options = ("--payload", payload.parent, "--payload-sum", f"{digest}:file")
    done = place("file", tmp_path / "there", "0644", *options)
    assert done.returncode == 1
    assert "error=checksum mismatch after copying" in done.stdout
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which command?"),
        (["fly"], "unknown command 'fly'"),
        (["file", "/x"], "file takes DESTINATION and MODE"),
        (["file", "x", "0644"], "DESTINATION is an absolute path, not 'x'"),
        (["file", "/x", "0644"], "file needs --payload"),
        (["file", "/x", "0644", "--payload"], "without its value: '--payload'"),
    ],
)
def test_wrong_usage_of_place_is_told(arguments: list[str], message: str) -> None:
    done = place(*arguments)
    assert done.returncode == 2
    assert message in done.stderr

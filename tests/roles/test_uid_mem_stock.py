# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What brings the module to a stock kernel: the programs of the role, up to where a kernel or an archive is needed.

The rest is shown by the molecule scenario stock.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import shlex
import shutil
import subprocess

import pytest

from ansible_collections.devfleet.uid_mem.tests.roles.conftest import ROLES, RunScript, device_program

FILES = ROLES / "uid_mem" / "files"
PACK = FILES / "pack_stock.sh"
STOCK = device_program("stock")
PREBUILD = FILES / "prebuild.sh"
SOURCE = ROLES.parent / "kernel" / "uid_mem"
RUNNING = os.uname().release

# Where the programs write besides what the fixture takes care of.
SETUP = """
mount -t tmpfs tmpfs /usr/src
mkdir /boot/changed /boot/work
mount -t overlay -o lowerdir=/usr/lib,upperdir=/boot/changed,workdir=/boot/work overlay /usr/lib
mkdir -p /usr/lib/modules
mount -t tmpfs tmpfs /usr/lib/modules
"""


def run_program(*arguments: str | pathlib.Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in arguments], capture_output=True, text=True, check=False)


def source_id(directory: pathlib.Path) -> str:
    return run_program("sh", PACK, "--id", directory).stdout.strip()


def place(
    tmp_path: pathlib.Path, source: pathlib.Path = SOURCE, *built: str | pathlib.Path, damaged: bool = False
) -> str:
    """Shell code that has the device take the source, and a module with the release it is for."""
    directory = tmp_path / "bundles" / f"{source_id(source)}-{len(built)}"
    done = run_program("sh", PACK, source, directory, *built)
    assert done.returncode == 0, done
    packed = directory / "stock.tar.gz"
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    if damaged:
        packed.write_bytes(packed.read_bytes()[:-1])
    return f"sh {STOCK} place --payload {shlex.quote(str(directory))} --payload-sum {digest}:stock.tar.gz"


@pytest.fixture(name="other_source")
def other_source_fixture(tmp_path: pathlib.Path) -> pathlib.Path:
    other = tmp_path / "other"
    shutil.copytree(SOURCE, other, ignore=shutil.ignore_patterns("tests", "*.o", "*.ko"))
    with (other / "module.c").open("a", encoding="utf-8") as source:
        source.write("/* changed */\n")
    (other / "uid_mem.mod.c").write_text("left by a build\n", encoding="utf-8")
    return other


@pytest.mark.parametrize(
    ("program", "arguments", "message"),
    [
        (STOCK, [], "which command?"),
        (STOCK, ["fly"], "unknown command 'fly'"),
        (STOCK, ["dkms", "--install-packages", "perhaps"], "--install-packages takes yes or no"),
        (PACK, [], "it takes SOURCE and DIRECTORY"),
        (PACK, [str(SOURCE), "/tmp/x", "module"], "or these with MODULE and RELEASE"),
        (PACK, ["--id"], "--id takes SOURCE"),
        (PACK, ["/no/such", "/tmp/x"], "there is no source of the module in /no/such"),
        (PREBUILD, ["--release", "6.1"], "--source is missing"),
        (PREBUILD, ["--release"], "without its value: '--release'"),
        (PREBUILD, ["--colour", "red"], "unknown option '--colour'"),
        (PREBUILD, ["--release", "../6", "--source", "/", "--source-id", "x", "--cache", "/tmp"], "has characters"),
    ],
)
def test_wrong_usage_is_told(program: pathlib.Path, arguments: list[str], message: str) -> None:
    done = run_program("bash" if program == PREBUILD else "sh", program, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "--help" in done.stderr


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"os": "alpine"}, "the device's system is alpine, and headers are fetched for Debian only"),
        ({"package-version": ""}, "does not come from a package linux-image-6.1.0-1-amd64"),
        ({"arch": "vax"}, f"the device is vax, the controller {os.uname().machine}"),
    ],
)
def test_controller_says_why_it_cannot_build(options: dict[str, str], reason: str, tmp_path: pathlib.Path) -> None:
    device = {"release": "6.1.0-1-amd64", "package-version": "6.1.1-1", "suite": "bookworm", "os": "debian"}
    words = (
        device | {"arch": os.uname().machine, "source-id": "x", "source": str(SOURCE), "cache": str(tmp_path)} | options
    )
    done = run_program(PREBUILD, *[word for name, value in words.items() for word in (f"--{name}", value)])
    assert done.returncode == 1
    assert reason in done.stderr
    assert not list(tmp_path.iterdir())


def test_source_gets_to_the_device_as_it_is(on_device: RunScript, tmp_path: pathlib.Path) -> None:
    done = on_device(f"{SETUP}{place(tmp_path)}; sh {PACK} --id /usr/src/uid_mem-*; ls /usr/src")
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["changed=yes", source_id(SOURCE), "uid_mem-0.1.0"]


def test_another_source_replaces_the_one_that_is_there(
    on_device: RunScript, other_source: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """With it goes the module that was built from it, so that what is there is always from the source beside it."""
    module = tmp_path / "uid_mem.ko"
    module.write_bytes(b"no real module")
    old = place(tmp_path, SOURCE, module, RUNNING)
    new = place(tmp_path, other_source)
    assert source_id(other_source) != source_id(SOURCE)
    done = on_device(
        f"{SETUP}mkdir -p /lib/modules/{RUNNING}; {old}; ls /lib/modules/{RUNNING}/updates;"
        f"{new}; sh {PACK} --id /usr/src/uid_mem-*;"
        f"ls /usr/src/uid_mem-*/*.mod.c; ls /lib/modules/{RUNNING}/updates"
    )
    assert done.stdout.splitlines() == ["changed=yes", "uid_mem.ko", "changed=yes", source_id(other_source)]


def test_module_for_another_kernel_is_refused(on_device: RunScript, tmp_path: pathlib.Path) -> None:
    module = tmp_path / "uid_mem.ko"
    module.write_bytes(b"no real module")
    done = on_device(f"{SETUP}{place(tmp_path, SOURCE, module, '6.1.999-other')}")
    assert done.returncode == 1
    assert f"error=the running kernel is {RUNNING}, the module was built for 6.1.999-other" in done.stdout


def test_damaged_copy_changes_nothing(on_device: RunScript, tmp_path: pathlib.Path) -> None:
    done = on_device(f"{SETUP}{place(tmp_path, damaged=True)} || echo refused; ls /usr/src")
    assert "error=" in done.stdout
    assert "run it again" in done.stdout
    assert done.stdout.splitlines()[-1] == "refused"


def test_missing_packages_are_named(on_device: RunScript, tmp_path: pathlib.Path) -> None:
    done = on_device(f"{SETUP}{place(tmp_path)}; sh {STOCK} dkms --install-packages no")
    assert done.returncode == 1
    assert f"error=packages are missing on this device: run 'apt-get install linux-headers-{RUNNING}" in done.stdout


def test_packages_are_foretold(on_device: RunScript) -> None:
    """Check mode did not say that a compiler and some 60 packages come."""
    apt = (
        "mkdir /boot/bin; printf '%s\\n' '#!/bin/sh'"
        ' \'echo "Inst gcc (12 Debian)"; echo "Inst dkms (3 Debian)"; echo "Conf dkms"\' >/boot/bin/apt-get;'
        'chmod +x /boot/bin/apt-get; mount --bind /boot/bin/apt-get "$(command -v apt-get)"'
    )
    done = on_device(f"{SETUP}{apt}; sh {STOCK} packages; ls -A /var/lib")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"packages=linux-headers-{RUNNING}")
    assert lines[1:] == ["all_packages=gcc dkms "]


def test_packages_of_which_the_lists_say_nothing(on_device: RunScript) -> None:
    dpkg = "mkdir -p /var/lib/dpkg /var/lib/apt/lists/partial; : >/var/lib/dpkg/status"
    done = on_device(f"{SETUP}{dpkg}; sh {STOCK} packages")
    assert done.returncode == 0
    assert "the package lists on this device are missing or old" in done.stdout


def test_device_without_apt_is_told_the_way_out(on_device: RunScript, tmp_path: pathlib.Path) -> None:
    hide = 'mount --bind /dev/null "$(command -v apt-get)"'
    done = on_device(f"{SETUP}{place(tmp_path)}; {hide}; sh {STOCK} dkms")
    assert done.returncode == 1
    assert f"it has no apt to get them with: linux-headers-{RUNNING}" in done.stdout
    assert "uid_mem_dkms: false" in done.stdout


def test_headers_that_no_archive_has(on_device: RunScript, tmp_path: pathlib.Path) -> None:
    """The fixture's apt knows no archive at all."""
    dpkg = "mkdir -p /var/lib/dpkg /var/lib/apt/lists/partial; : >/var/lib/dpkg/status"
    done = on_device(f"{SETUP}{dpkg}; {place(tmp_path)}; sh {STOCK} dkms")
    assert done.returncode == 1
    assert f"error=this device's apt has no linux-headers-{RUNNING}" in done.stdout
    assert "Upgrade the kernel" in done.stdout


def test_nothing_is_left(on_device: RunScript, tmp_path: pathlib.Path) -> None:
    done = on_device(
        f"{SETUP}{place(tmp_path)}; sh {STOCK} remove; sh {STOCK} remove;"
        "ls -A /usr/src; test ! -e /var/lib/uid_mem && echo gone"
    )
    assert done.stdout.splitlines() == ["changed=yes", "changed=yes", "changed=yes", "gone"]

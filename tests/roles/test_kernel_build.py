# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input of the role kernel_build: a clear message that names the way out, and nothing changed.

Everything runs for real, ansible-playbook and the role's scripts, on a source tree that is just
large enough to be taken for a kernel. None of these runs gets as far as compiling.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import time
from collections.abc import Callable

import pytest

# Takes variables of the role, returns Ansible's exit status and what it said.
RunRole = Callable[..., tuple[int, str]]

ROLE = pathlib.Path(__file__).resolve().parents[2] / "roles" / "kernel_build"

PAGE_ALLOC = "".join(f"int line_{number};\n" for number in range(1, 41))

GOOD_PATCH = """\
--- a/mm/page_alloc.c
+++ b/mm/page_alloc.c
@@ -4,4 +4,5 @@ int line_3;
 int line_4;
 int line_5;
+int added;
 int line_6;
 int line_7;
"""

# The first hunk fits, one line further down. The second one was made for another kernel.
BAD_PATCH = """\
--- a/mm/page_alloc.c
+++ b/mm/page_alloc.c
@@ -10,4 +10,5 @@ int line_9;
 int line_10;
 int line_11;
+int added_too;
 int line_12;
 int line_13;
@@ -29,4 +30,5 @@ int line_28;
 int line_29;
 int not_in_this_kernel;
+int added_as_well;
 int line_31;
 int line_32;
"""


def write(path: pathlib.Path, text: str) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def tree_hash(directory: pathlib.Path) -> str:
    """Hash of the names and contents of all files."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        digest.update(str(path.relative_to(directory)).encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


@pytest.fixture(name="source")
def source_fixture(tmp_path: pathlib.Path) -> pathlib.Path:
    """A directory that is a Linux 6.1 as far as its outside goes."""
    source = tmp_path / "linux"
    write(source / "Makefile", "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 999\nEXTRAVERSION =\n")
    write(source / "Kconfig", "")
    write(source / "Kbuild", "")
    write(source / "scripts/kconfig/merge_config.sh", "")
    write(source / "mm/page_alloc.c", PAGE_ALLOC)
    return source


@pytest.fixture(name="patches")
def patches_fixture(tmp_path: pathlib.Path) -> pathlib.Path:
    patches = tmp_path / "patches"
    write(patches / "0001-good.patch", GOOD_PATCH)
    write(patches / "0002-other-kernel.patch", BAD_PATCH)
    return patches


@pytest.fixture(name="module")
def module_fixture(tmp_path: pathlib.Path) -> pathlib.Path:
    write(tmp_path / "module/uid_mem.c", "")
    return write(tmp_path / "module/Kbuild", "obj-m += uid_mem.o\n").parent


@pytest.fixture(name="cache")
def cache_fixture(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "cache"


@pytest.fixture(name="run_role")
def run_role_fixture(
    tmp_path: pathlib.Path, source: pathlib.Path, patches: pathlib.Path, module: pathlib.Path, cache: pathlib.Path
) -> RunRole:
    """Runs the role on the tiny tree."""
    playbook = tmp_path / "play.yml"
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "roles": [str(ROLE)]}
    write(playbook, json.dumps([play]))
    defaults = {
        "kernel_build_source": "directory",
        "kernel_build_source_dir": str(source),
        "kernel_build_patches_dir": str(patches),
        "kernel_build_module_dir": str(module),
        "kernel_build_cache_dir": str(cache),
        "kernel_build_install_packages": False,
        "kernel_build_progress_seconds": 5,
    }

    def run(path: str | None = None, **variables: object) -> tuple[int, str]:
        command = [
            shutil.which("ansible-playbook") or "ansible-playbook",
            "-e",
            json.dumps(defaults | variables),
            str(playbook),
        ]
        environment = os.environ | {
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY": "/dev/null",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
            "LC_ALL": "C.UTF-8",
        }
        if path is not None:
            environment["PATH"] = path
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path
        )
        print(done.stdout, done.stderr)  # pytest shows it when a test fails
        # Ansible folds long messages.
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    return run


def results(cache: pathlib.Path) -> list[str]:
    """What a build put or left in the cache. Logs and locks stay, they are no result."""
    deadline = time.monotonic() + 10
    while True:
        found = [
            str(path.relative_to(cache))
            for part in ("artifacts", "kernels", "build")
            for path in (cache / part).glob("**/*")
            if path.suffix != ".lock" and path != cache / "build/runs"
        ]
        # The copy of the source goes a moment after the message came.
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def test_patch_that_does_not_apply(run_role: RunRole, source: pathlib.Path, cache: pathlib.Path) -> None:
    before = tree_hash(source)
    status, said = run_role()
    assert status != 0
    assert "0002-other-kernel.patch does not apply to this kernel source:" in said
    assert "mm/page_alloc.c: hunk 2 (line 30)" in said
    assert "kernel_build_source_version" in said
    assert "0001-good.patch does not apply" not in said
    assert tree_hash(source) == before
    assert results(cache) == []


def test_the_same_failure_again(run_role: RunRole, cache: pathlib.Path) -> None:
    """A failed build leaves nothing that the next run takes for a result."""
    run_role()
    status, said = run_role()
    assert status != 0
    assert "0002-other-kernel.patch does not apply to this kernel source:" in said
    assert results(cache) == []


def test_no_series_of_that_name(run_role: RunRole, cache: pathlib.Path) -> None:
    status, said = run_role(kernel_build_series="4.4")
    assert status != 0
    assert "There is no kernel series 4.4: kernel_build_series is one of 5.10, 6.1, 6.12, 7.2." in said
    assert not cache.exists()


def test_no_patches_for_the_series(run_role: RunRole, tmp_path: pathlib.Path, cache: pathlib.Path) -> None:
    status, said = run_role(kernel_build_patches_dir=str(tmp_path / "nowhere"))
    assert status != 0
    assert f"There are no patches for kernel 6.1: {tmp_path}/nowhere does not exist. Series with patches: " in said
    assert not cache.exists()


def test_directory_that_is_no_kernel_tree(run_role: RunRole, tmp_path: pathlib.Path, cache: pathlib.Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    status, said = run_role(kernel_build_source_dir=str(empty))
    assert status != 0
    assert f"{empty} is no kernel source tree: Makefile is missing." in said
    assert "Set kernel_build_source_dir to the top of one." in said
    assert not cache.exists()


def test_directory_of_another_series(run_role: RunRole, source: pathlib.Path, cache: pathlib.Path) -> None:
    write(source / "Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\nEXTRAVERSION =\n")
    status, said = run_role()
    assert status != 0
    assert 'is Linux 6.12 and kernel_build_series is 6.1: set kernel_build_series to "6.12".' in said
    assert not cache.exists()


def test_directory_not_given(run_role: RunRole, cache: pathlib.Path) -> None:
    status, said = run_role(kernel_build_source_dir="")
    assert status != 0
    assert "kernel_build_source is directory: set kernel_build_source_dir" in said
    assert not cache.exists()


def test_configuration_that_does_not_exist(run_role: RunRole, cache: pathlib.Path) -> None:
    status, said = run_role(kernel_build_config="/nowhere/config")
    assert status != 0
    assert "The kernel configuration /nowhere/config does not exist" in said
    assert "kernel_build_config is virtual, running or the path of a configuration file." in said
    assert not cache.exists()


def test_running_configuration_not_fetched(run_role: RunRole, cache: pathlib.Path) -> None:
    status, said = run_role(kernel_build_config="running")
    assert status != 0
    assert "set kernel_build_config_file to the copy." in said
    assert not cache.exists()


def test_fragment_that_does_not_exist(run_role: RunRole, cache: pathlib.Path) -> None:
    status, said = run_role(kernel_build_config_fragments=["/nowhere/lockdep.config"])
    assert status != 0
    assert "There is no /nowhere/lockdep.config: check kernel_build_config_fragments." in said
    assert not cache.exists()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"kernel_build_localmodconfig": ["ext4"]},
            "leaves modules out of a device's configuration, and kernel_build_config is virtual",
        ),
        (
            {"kernel_build_localmodconfig": "/nowhere/lsmod"},
            "kernel_build_localmodconfig is neither a list of module names nor a file of them: /nowhere/lsmod.",
        ),
        (
            {"kernel_build_localmodconfig": ["ext4", "a b"]},
            "kernel_build_localmodconfig has what is no name of a module: a b.",
        ),
        ({"kernel_build_btf": True}, "kernel_build_btf is for kernel_build_config: running"),
    ],
)
def test_modules_and_types_that_cannot_be_meant(
    run_role: RunRole, cache: pathlib.Path, variables: dict[str, object], message: str
) -> None:
    status, said = run_role(**variables)
    assert status != 0
    assert message in said
    assert not cache.exists()


def test_modules_of_a_file(run_role: RunRole, source: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """What lsmod says is taken as it is; the build fails later, on the patches."""
    config = write(tmp_path / "config", "CONFIG_E1000E=m\n")
    loaded = write(tmp_path / "lsmod", "Module Size Used by\next4 1048576 1\n\nvirtio_net 65536 0 - Live\n")
    status, said = run_role(
        kernel_build_config="running",
        kernel_build_config_file=str(config),
        kernel_build_localmodconfig=str(loaded),
        kernel_build_needed_packages=[],
    )
    assert status != 0
    assert "0002-other-kernel.patch does not apply to this kernel source:" in said


def test_no_compiler(run_role: RunRole, tmp_path: pathlib.Path, cache: pathlib.Path) -> None:
    """Every program of this host but the compiler."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for directory in os.environ["PATH"].split(os.pathsep):
        for program in pathlib.Path(directory).glob("*"):
            link = programs / program.name
            if program.name not in {"gcc", "cc"} and not link.is_symlink():
                link.symlink_to(program)
    status, said = run_role(path=str(programs))
    assert status != 0
    assert "There is no compiler: gcc is not in PATH" in said
    assert "Install the package gcc." in said
    assert not cache.exists()


def test_build_packages_missing(run_role: RunRole, cache: pathlib.Path) -> None:
    status, said = run_role(kernel_build_packages=["make", "not-a-package-of-debian"])
    assert status != 0
    assert "run `apt-get install not-a-package-of-debian` there" in said
    assert "set kernel_build_install_packages to true" in said
    assert not cache.exists()

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is booted: a kernel and its module, and the programs that run in the guest."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PROJECT = TESTS.parents[1]
# What the kernel's build calls an architecture.
KERNEL_ARCHES = {"x86_64": "x86_64", "aarch64": "arm64"}


class SetupError(Exception):
    """The tests cannot run; the message says why and what to do."""


def cache_dir() -> Path:
    """Return where the project keeps what it made."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "uid_mem"


@dataclass(frozen=True)
class Kernel:
    """A kernel to boot, with what belongs to it."""

    image: Path
    module: Path
    unit_tests: Path | None
    # What a distribution's kernel needs before it sees the guest's devices, in the order to insert them.
    drivers: tuple[Path, ...] = ()

    @classmethod
    def of_files(cls, image: Path, module: Path) -> Kernel:
        """Take these two files."""
        for file in (image, module):
            if not file.is_file():
                raise SetupError(f"{file} is not there")
        return cls(image, module, cls._beside(module))

    @classmethod
    def of_artifacts(cls, directory: Path) -> Kernel:
        """Take what the role kernel_build or the program stock left in a directory."""
        try:
            manifest = json.loads((directory / "manifest.json").read_text())
        except OSError as error:
            raise SetupError(f"{directory} has no manifest.json ({error.strerror}); see tools/kernel --help") from None
        module = directory / manifest["module"]
        drivers = tuple(directory / name for name in manifest.get("drivers", ()))
        return cls(directory / manifest["image"], module, cls._beside(module), drivers)

    @staticmethod
    def _beside(module: Path) -> Path | None:
        unit_tests = module.with_name("uid_mem_test.ko")
        return unit_tests if unit_tests.is_file() else None


def build_kernel(series: str, arch: str, debug: str | None) -> Path:
    """Build a kernel unless it is there, and return the directory of its artifacts."""
    command = [str(PROJECT / "tools/kernel"), series]
    if arch != platform.machine():
        command += ["--arch", arch]
    if debug:
        command += ["--debug", debug]
    built = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode != 0:
        raise SetupError(f"{' '.join(command)} failed with status {built.returncode}:\n{built.stdout}")
    return Path(built.stdout.splitlines()[-1])


def build_stock(series: str) -> Path:
    """Build the module for Debian's own kernel unless it is there, and return the directory of both."""
    built = subprocess.run([str(TESTS / "stock"), series], stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode != 0:
        raise SetupError(f"tests/kernel/stock {series} failed with status {built.returncode}:\n{built.stdout}")
    return Path(built.stdout.splitlines()[-1])


def build_scan_module(artifacts: Path, arch: str) -> Path:
    """Build the module with the engine scan for a kernel that has our patch; return its path."""
    source = PROJECT / "kernel" / "uid_mem"
    try:
        key = json.loads((artifacts / "manifest.json").read_text())["kernel_key"][:12]
    except OSError as error:
        raise SetupError(f"{artifacts} has no manifest.json ({error.strerror}); see tools/kernel --help") from None
    trees = list((cache_dir() / "kernels").glob(f"*-{key}/kbuild"))
    if not trees:
        raise SetupError(f"what modules of the kernel in {artifacts} are built with is gone; run tools/kernel again")
    out = cache_dir() / "kernel-tests" / f"scan-{key}"
    out.mkdir(parents=True, exist_ok=True)
    for name in out.glob("*.[ch]"):
        if not (source / name.name).exists():
            name.unlink()
    for file in (*source.glob("*.[ch]"), source / "Kbuild", source / "Makefile"):
        target = out / file.name
        if not target.is_file() or target.read_bytes() != file.read_bytes():
            shutil.copyfile(file, target)
    command = ["make", "-s", "-C", str(trees[0]), f"M={out}", "UID_MEM_ENGINE=scan"]
    if arch != platform.machine():
        command += [f"ARCH={KERNEL_ARCHES[arch]}", f"CROSS_COMPILE={arch}-linux-gnu-"]
    built = subprocess.run(
        [*command, "modules"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if built.returncode != 0:
        raise SetupError(f"{' '.join(command)} modules failed:\n{built.stdout}")
    return out / "uid_mem.ko"


def compiler(arch: str) -> str:
    """Return the C compiler for an architecture."""
    name = "cc" if arch == platform.machine() else f"{arch}-linux-gnu-gcc"
    if shutil.which(name) is None:
        package = "gcc libc6-dev" if name == "cc" else f"gcc-{arch.replace('_', '-')}-linux-gnu"
        raise SetupError(f"the compiler {name} is missing: install the package {package}")
    return name


def _sources_key(directories: list[Path], arch: str) -> str:
    """Hash what programs are made from, and with what."""
    digest = hashlib.sha256()
    version = subprocess.run([compiler(arch), "--version"], capture_output=True, check=True).stdout
    digest.update(version)
    for directory in directories:
        for file in sorted([*directory.rglob("*.[ch]"), directory / "Makefile"]):
            digest.update(f"{file.relative_to(PROJECT)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def build_programs(arch: str) -> list[Path]:
    """Build the programs of the device and of the tests, static; return their paths."""
    directories = [PROJECT / "userspace", TESTS / "programs"]
    out = cache_dir() / "kernel-tests" / f"programs-{arch}-{_sources_key(directories, arch)}"
    for directory in directories:
        command = ["make", "-s", "-C", str(directory), f"OUT={out}", f"CC={compiler(arch)}", "all"]
        built = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if built.returncode != 0:
            raise SetupError(f"{' '.join(command)} failed:\n{built.stdout}")
    return sorted(file for file in out.iterdir() if os.access(file, os.X_OK) and file.is_file())


def busybox(arch: str) -> Path:
    """Return a static busybox for an architecture: the host's, or out of Debian's package."""
    installed = shutil.which("busybox")
    if arch == platform.machine() and installed and _is_static(Path(installed)):
        return Path(installed)
    kept = cache_dir() / "kernel-tests" / f"busybox-{arch}"
    if not kept.is_file():
        _download_busybox(arch, kept)
    return kept


def _is_static(program: Path) -> bool:
    # A static program asks for no interpreter: its path ends in the name of the dynamic linker.
    return re.search(rb"/lib[^\0]*/ld-[^\0]*\0", program.read_bytes()[:65536]) is None


def _download_busybox(arch: str, target: Path) -> None:
    """Have apt bring the package, verified, in a state of its own: the host's stays as it is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [str(TESTS / "fetch_busybox"), arch, str(target)]
    fetched = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if fetched.returncode != 0:
        raise SetupError(fetched.stdout.strip())

#!/usr/bin/env python
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes artifacts with a fault from good ones, without building a kernel."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

# What the kernel meets in its initial RAM disk, see fault_init.c.
BOOT_FAULTS = ("panic", "no-root", "no-network", "hang")
FAULTS = {
    **dict.fromkeys(BOOT_FAULTS, "the package has an initial RAM disk with fault_init, which does this"),
    "no-module": "uid_mem.ko is for another kernel, so it does not load",
    "wrong-arch": "the manifest says that the kernel is for another machine",
    "corrupt": "one byte of the package is another, and the manifest does not know",
    "again": "nothing is wrong, but the key is another",
}
COMPILE = ("gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-static")


def add_to_archive(archive: bytearray, name: str, mode: int, data: bytes = b"") -> None:
    """Append a file to an archive in cpio's newc format, the one of an initial RAM disk."""
    raw_name = name.encode() + b"\0"
    inode = 0 if mode == 0 else archive.count(b"070701") + 1
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw_name), 0)
    for part in (b"070701" + b"".join(b"%08X" % field for field in fields) + raw_name, data):
        archive += part
        archive += b"\0" * (-len(archive) % 4)


def initial_ram_disk(fault: str) -> bytes:
    """Return a compressed archive in which /init is fault_init."""
    source = Path(__file__).with_name("fault_init.c")
    with tempfile.TemporaryDirectory() as work:
        program = Path(work) / "init"
        subprocess.run([*COMPILE, "-o", program, source], check=True)
        content = program.read_bytes()
    archive = bytearray()
    add_to_archive(archive, "init", stat.S_IFREG | 0o755, content)
    add_to_archive(archive, "fault", stat.S_IFREG | 0o644, fault.encode())
    add_to_archive(archive, "TRAILER!!!", 0)
    return gzip.compress(bytes(archive), 6, mtime=0)


def add_to_package(package: Path, files: dict[str, bytes]) -> None:
    """Build the Debian package anew, with more files."""
    with tempfile.TemporaryDirectory() as work:
        tree = Path(work) / "tree"
        subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
        for name, data in files.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes(data)
            (tree / name).chmod(0o644)
        command = ["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "-b", tree, package]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def spoil_version(module: Path) -> None:
    """Let a module be one for a kernel of another version; its length stays."""
    content = module.read_bytes()
    at = content.index(b"vermagic=") + len(b"vermagic=")
    module.write_bytes(content[:at] + b"0" + content[at + 1 :])


def flip_a_byte(path: Path) -> None:
    """Let the byte in the middle of a file be another."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def make(good: Path, output: Path, fault: str) -> None:
    """Write artifacts with the fault to the directory, which is replaced."""
    manifest = json.loads((good / "manifest.json").read_text())
    shutil.rmtree(output, ignore_errors=True)
    shutil.copytree(good, output)
    package = output / manifest["image_deb"]
    module = output / manifest["module"]
    manifest["key"] = hashlib.sha256(f"{manifest['key']} {fault}".encode()).hexdigest()
    manifest["inputs"]["fault"] = fault
    if fault in BOOT_FAULTS:
        release = manifest["kernel_release"]
        files = {f"boot/initrd.img-{release}": initial_ram_disk(fault)}
        if fault == "hang" and "CONFIG_I6300ESB_WDT=y" not in (output / "config").read_text():
            # A kernel without the driver is not booted with the watchdog running. Nobody comes to load it.
            files[f"lib/modules/{release}/kernel/drivers/watchdog/i6300esb.ko"] = module.read_bytes()
        add_to_package(package, files)
        manifest["size_installed_bytes"] += sum(map(len, files.values()))
    elif fault == "no-module":
        spoil_version(module)
    elif fault == "wrong-arch":
        manifest["arch"] = "aarch64"
    for changed in (package, module):
        manifest["outputs"][changed.name] = hashlib.sha256(changed.read_bytes()).hexdigest()
    (output / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    if fault == "corrupt":
        flip_a_byte(package)


def main() -> int:
    """Read the arguments, make the artifacts."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="faults:\n" + "\n".join(f"  {name:<11}{text}" for name, text in FAULTS.items()),
    )
    parser.add_argument("artifacts", type=Path, help="directory with good artifacts")
    parser.add_argument("output", type=Path, help="directory to write to; it gets a subdirectory for each fault")
    parser.add_argument("fault", nargs="+", choices=FAULTS, metavar="FAULT", help="see below")
    arguments = parser.parse_args()
    if not (arguments.artifacts / "manifest.json").is_file():
        parser.error(f"there is no manifest.json in {arguments.artifacts}: give the directory of built artifacts")
    for fault in arguments.fault:
        make(arguments.artifacts, arguments.output / fault, fault)
    return 0


if __name__ == "__main__":
    sys.exit(main())

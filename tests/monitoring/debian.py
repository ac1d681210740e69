# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs out of Debian's packages, which are not installed: they would start services."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# A program, the package that has it, and further ones whose libraries it needs.
DROPBEAR = ("dropbear", "dropbear-bin", ("libtomcrypt1", "libtommath1", "libgmp10"))
DROPBEARKEY = ("dropbearkey", "dropbear-bin", ("libtomcrypt1", "libtommath1", "libgmp10"))
EXPORTER = ("prometheus-node-exporter", "prometheus-node-exporter", ())
PROMETHEUS = ("prometheus", "prometheus", ())


def debian_root() -> Path:
    """Where packages are unpacked: none of them is installed, as that would start services."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "uid_mem" / "monitoring" / "root"


def find_program(name: str, package: str, libraries: tuple[str, ...]) -> Path:
    """A program out of Debian's packages, which apt verifies."""
    root = debian_root()
    for directory in ("usr/sbin", "usr/bin"):
        if (root / directory / name).is_file():
            return root / directory / name
    download = root.with_name("packages")
    download.mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package, *libraries]
    fetched = subprocess.run(command, cwd=download, capture_output=True, text=True, check=False)
    if fetched.returncode != 0:
        sys.exit(f"{' '.join(command)}: {fetched.stderr.strip()}; run 'apt-get update' first")
    for each in (package, *libraries):
        for file in download.glob(f"{each}_*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(file), str(root)], check=True)
    return find_program(name, package, ())


def with_libraries() -> dict[str, str]:
    """The environment for a program of these packages."""
    return {**os.environ, "LD_LIBRARY_PATH": f"{debian_root()}/usr/lib/x86_64-linux-gnu"}


def libraries_of(program: Path) -> list[Path]:
    """The files that the dynamic linker takes, and the linker."""
    listed = subprocess.run(["ldd", str(program)], env=with_libraries(), capture_output=True, text=True, check=True)
    words = [word for line in listed.stdout.splitlines() for word in line.split() if word.startswith("/")]
    return [Path(word) for word in words]

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Artifacts of a kernel build on the controller: their manifest, once they match it."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

# What the package puts into /boot.
IN_BOOT = ("System.map", "config")


class ArtifactsError(Exception):
    """They cannot be used; says why, and what to do."""


def read_artifacts(directory: str) -> dict[str, Any]:
    """The manifest, with C(payload) (paths of what a device gets), C(headers), their bytes and C(boot_bytes) added."""
    place = Path(directory).expanduser()
    path = place / "manifest.json"
    if not path.is_file():
        raise ArtifactsError(
            f"there is no {path} on the controller; build a kernel (role kernel_build sets kernel_build_artifacts,"
            " 'make kernel' prints the directory) and give its directory"
        )
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        outputs: dict[str, str] = dict(manifest["outputs"])
        payload = [manifest["image_deb"], manifest["module"]]
        in_boot = [manifest["image"], *(name for name in IN_BOOT if name in outputs)]
        # Artifacts of an older version have none, nor those for another kind of machine than their build host.
        headers = [name for name in [manifest.get("headers_deb")] if name]
        unknown = [name for name in [*payload, *headers, *in_boot] if name not in outputs]
        if unknown:
            raise ValueError(f"no checksum for {', '.join(unknown)}")
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ArtifactsError(f"{path} is not a manifest of kernel_build ({exc}): build the artifacts anew") from exc
    damaged = [name for name, digest in sorted(outputs.items()) if _digest(place / name) != digest]
    if damaged:
        raise ArtifactsError(
            f"artifacts in {place} do not match manifest.json: {', '.join(damaged)}: build them anew,"
            " or copy them again"
        )
    return manifest | {
        "payload": [str(place / name) for name in payload],
        "payload_bytes": sum((place / name).stat().st_size for name in payload),
        "headers": [str(place / name) for name in headers],
        "headers_bytes": sum((place / name).stat().st_size for name in headers),
        "boot_bytes": sum((place / name).stat().st_size for name in in_boot),
    }


def _digest(path: Path) -> str:
    return digest_of(str(path)) if path.is_file() else ""


def digest_of(path: str) -> str:
    """The SHA-256 of a file, which is read once while it does not change."""
    stat = Path(path).stat()
    return _digest_of(path, stat.st_mtime_ns, stat.st_size)


@cache
def _digest_of(path: str, _changed: int, _size: int) -> str:
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

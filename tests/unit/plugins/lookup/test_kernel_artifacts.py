# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The manifest of artifacts, and what is wrong with them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError

from ansible_collections.devfleet.uid_mem.plugins.lookup import kernel_artifacts
from ansible_collections.devfleet.uid_mem.tests.unit.loading import load

FILES = {"kernel.deb": b"package", "bzImage": b"image", "uid_mem.ko": b"module", "System.map": b"map", "config": b"cf"}


@pytest.fixture(name="artifacts")
def artifacts_fixture(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    write_manifest(tmp_path)
    return tmp_path


def write_manifest(directory: Path, **changes: Any) -> None:
    manifest = {
        "outputs": {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()},
        "image_deb": "kernel.deb",
        "image": "bzImage",
        "module": "uid_mem.ko",
    }
    (directory / "manifest.json").write_text(json.dumps(manifest | changes), encoding="utf-8")


def look_up(directory: Path, **options: str) -> dict[str, Any]:
    plugin = load(kernel_artifacts.LookupModule(), kernel_artifacts)
    manifests: list[dict[str, Any]] = plugin.run([str(directory)], {}, **options)
    assert len(manifests) == 1
    return manifests[0]


def test_manifest_comes_with_what_a_device_gets(artifacts: Path) -> None:
    manifest = look_up(artifacts)
    assert manifest["module"] == "uid_mem.ko"
    assert manifest["payload"] == [str(artifacts / "kernel.deb"), str(artifacts / "uid_mem.ko")]
    assert manifest["payload_bytes"] == len(b"packagemodule")
    assert manifest["boot_bytes"] == len(b"imagemapcf")
    assert (manifest["headers"], manifest["headers_bytes"]) == ([], 0)


def test_headers_are_told_apart(artifacts: Path) -> None:
    write_manifest(artifacts, headers_deb="kernel.deb")
    assert look_up(artifacts)["headers"] == [str(artifacts / "kernel.deb")]


def damage(directory: Path) -> None:
    (directory / "bzImage").write_bytes(b"imagE")


def lose(directory: Path) -> None:
    (directory / "config").unlink()


def lose_manifest(directory: Path) -> None:
    (directory / "manifest.json").unlink()


def break_manifest(directory: Path) -> None:
    (directory / "manifest.json").write_text("{", encoding="utf-8")


def forget(directory: Path) -> None:
    write_manifest(directory, module="other.ko")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (damage, "do not match manifest.json: bzImage: build them anew"),
        (lose, "do not match manifest.json: config: build them anew"),
        (lose_manifest, "manifest.json on the controller; build a kernel"),
        (break_manifest, "is not a manifest of kernel_build ("),
        (forget, "no checksum for other.ko"),
    ],
)
def test_what_cannot_be_used_is_told(artifacts: Path, change: Any, message: str) -> None:
    look_up(artifacts)
    change(artifacts)
    with pytest.raises(AnsibleLookupError, match="build") as failure:
        look_up(artifacts)
    assert message in str(failure.value)
    assert message in look_up(artifacts, on_error="return")["error"]

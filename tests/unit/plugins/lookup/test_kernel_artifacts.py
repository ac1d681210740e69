# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Artifacts on the controller: what a device gets of them, and that they are what their manifest says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError

from ansible_collections.devfleet.uid_mem.plugins.lookup import kernel_artifacts
from ansible_collections.devfleet.uid_mem.tests.unit.loading import load

CONTENT = {
    "linux-image.deb": "12345678",
    "linux-headers.deb": "1234",
    "uid_mem.ko": "12",
    "bzImage": "123",
    "config": "1",
}


def make(directory: Path, **changes: object) -> Path:
    for name, content in CONTENT.items():
        (directory / name).write_text(content)
    manifest: dict[str, object] = {
        "image_deb": "linux-image.deb",
        "headers_deb": "linux-headers.deb",
        "image": "bzImage",
        "module": "uid_mem.ko",
        "outputs": {name: hashlib.sha256(content.encode()).hexdigest() for name, content in CONTENT.items()},
    }
    (directory / "manifest.json").write_text(json.dumps(manifest | changes))
    return directory


def look_up(directory: Path, **options: str) -> dict[str, Any]:
    plugin = load(kernel_artifacts.LookupModule(), kernel_artifacts)
    manifest: dict[str, Any] = plugin.run([str(directory)], variables={}, **options)[0]
    return manifest


def test_what_a_device_gets(tmp_path: Path) -> None:
    manifest = look_up(make(tmp_path))
    assert manifest["payload"] == [str(tmp_path / "linux-image.deb"), str(tmp_path / "uid_mem.ko")]
    assert manifest["payload_bytes"] == 10
    assert manifest["headers"] == [str(tmp_path / "linux-headers.deb")]
    assert manifest["headers_bytes"] == 4
    assert manifest["boot_bytes"] == 4


@pytest.mark.parametrize("headers_deb", [None, ""])
def test_artifacts_without_headers(tmp_path: Path, headers_deb: str | None) -> None:
    manifest = look_up(make(tmp_path, headers_deb=headers_deb))
    assert (manifest["headers"], manifest["headers_bytes"]) == ([], 0)


@pytest.mark.parametrize(
    ("file", "message"),
    [("linux-headers.deb", "linux-headers.deb: build them anew"), ("bzImage", "bzImage: build them anew")],
)
def test_a_file_that_is_another(tmp_path: Path, file: str, message: str) -> None:
    (make(tmp_path) / file).write_text("other")
    assert message in look_up(tmp_path, on_error="return")["error"]
    with pytest.raises(AnsibleLookupError, match=message):
        look_up(tmp_path)
    (tmp_path / file).unlink()
    assert message in look_up(tmp_path, on_error="return")["error"]


def test_no_artifacts(tmp_path: Path) -> None:
    assert "there is no" in look_up(tmp_path, on_error="return")["error"]
    (tmp_path / "manifest.json").write_text("{")
    assert "is not a manifest of kernel_build" in look_up(tmp_path, on_error="return")["error"]
    make(tmp_path, headers_deb="other.deb")
    assert "no checksum for other.deb" in look_up(tmp_path, on_error="return")["error"]

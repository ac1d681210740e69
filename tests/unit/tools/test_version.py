# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of the collection is the module's, which DKMS tells one source from another by."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("kernel/uid_mem/module.c", r'^MODULE_VERSION\("(.*)"\);$'),
        ("kernel/uid_mem/dkms.conf", r'^PACKAGE_VERSION="(.*)"$'),
        ("docs/overview.md", r"^\| \| version ([0-9.]+) \|$"),
        ("docs/stock-kernels.md", r"/usr/src/uid_mem-([0-9.]+)"),
        ("docs/stock-kernels.md", r"dkms install uid_mem/([0-9.]+)"),
    ],
)
def test_version_is_that_of_the_collection(name: str, pattern: str) -> None:
    collection = re.search(r"^version: (.*)$", (PROJECT / "galaxy.yml").read_text(), re.MULTILINE)
    found = re.findall(pattern, (PROJECT / name).read_text(), re.MULTILINE)
    assert collection is not None
    assert found
    assert set(found) == {collection[1]}

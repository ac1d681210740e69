# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/kernel-tests.md names every case of the booted-kernel tests, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).parents[3]


def test_cases_and_page_agree() -> None:
    page = (PROJECT / "docs/kernel-tests.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+\.t)`", page))
    assert named == {path.name for path in (PROJECT / "tests/kernel/cases").glob("*.t")}

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The worked example of docs/adding-a-policy.md is what is in the tree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
BLOCKS = re.findall(r"```\w*\n(.*?)```", (PROJECT / "docs" / "adding-a-policy.md").read_text(encoding="utf-8"), re.S)
PLACES = (
    "kernel/uid_mem/policy_youngest.c",
    "kernel/uid_mem/policies.h",
    "plugins/plugin_utils/_limits.py",
    "tests/grammar/cases.txt",
    "kernel/uid_mem/uid_mem_test.c",
)


@pytest.mark.parametrize(("block", "place"), list(zip(BLOCKS, PLACES, strict=True)), ids=PLACES)
def test_block_is_in_the_tree(block: str, place: str) -> None:
    assert block in (PROJECT / place).read_text(encoding="utf-8")

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The table of cases that the parser in C is tested against, against the one in Python.

How much room the table has is the kernel's business: cases with rules are left to the C side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import LimitsError, Table

CASES = Path(__file__).resolve().parents[3] / "grammar" / "cases.txt"


@dataclass
class Step:
    """One write(), what it returns, and the table afterwards."""

    lines: list[str] = field(default_factory=list)
    result: str = ""
    limits: list[str] = field(default_factory=list)


@dataclass
class Case:
    """Writes to one table, empty at first."""

    name: str
    steps: list[Step] = field(default_factory=list)
    rules: bool = False


def unescape(text: str) -> str:
    def byte(match: re.Match[str]) -> bytes:
        code = match[1]
        return {"t": b"\t", "r": b"\r", "\\": b"\\"}.get(code) or bytes([int(code[1:], 16)])

    parts = re.split(r"\\(t|r|\\|x[0-9A-Fa-f]{2})", text)
    raw = b"".join(byte(re.fullmatch("(.*)", part)) if odd % 2 else part.encode() for odd, part in enumerate(parts))  # type: ignore[arg-type]
    return raw.decode("utf-8", "surrogateescape")


def read_cases(text: str) -> list[Case]:
    cases: list[Case] = []
    open_step = False
    for line in text.split("\n"):
        word, _space, rest = line.partition(" ")
        if not line or line.startswith("#"):
            continue
        if word == "case":
            cases.append(Case(rest))
            open_step = False
        elif word == "rules":
            cases[-1].rules = True
        elif word == "write":
            if not open_step:
                cases[-1].steps.append(Step())
                open_step = True
            cases[-1].steps[-1].lines.append(unescape(rest))
        elif word == "expect":
            cases[-1].steps[-1].result = rest
            open_step = False
        elif word == "limits":
            cases[-1].steps[-1].limits.append(rest)
        else:
            raise AssertionError(f"{CASES}: what is {line!r}?")
    return cases


ALL = read_cases(CASES.read_text(encoding="utf-8"))


def test_there_are_cases() -> None:
    assert len(ALL) >= 80
    assert len({case.name for case in ALL}) == len(ALL)
    assert all(step.result for case in ALL for step in case.steps)


@pytest.mark.parametrize("case", [case for case in ALL if not case.rules], ids=lambda case: case.name)
def test_case(case: Case) -> None:
    table = Table()
    for step in case.steps:
        try:
            table.apply(step.lines)
            result = "ok"
        except LimitsError as exc:
            result = exc.name
        assert result == step.result
        assert table.text().splitlines() == step.limits

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""tools/test ends with how many tests were skipped, and why, whatever a step ran them with."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

PROGRAM = (Path(__file__).parents[3] / "tools/test").read_text(encoding="utf-8")

PYTEST = "SKIPPED [2] tests/roles/conftest.py:38: not applicable: no tea here\nSKIPPED words in a log\n"
TAP = "    ok 3 - thp # SKIP no huge pages\nok 4 - smoke # 3 s\nnot ok 5 - thp: # 9 s\n"


def function(name: str) -> str:
    found = re.search(rf"^{name}\(\) {{$.*?^}}$", PROGRAM, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[0]


def told(tmp_path: Path, **outputs: str) -> str:
    (tmp_path / "skipped").touch()
    lines = [f"work={tmp_path}", function("skipped_tests"), function("tell_skipped")]
    for step, output in outputs.items():
        (tmp_path / step).write_text(output, encoding="utf-8")
        lines.append(f"skipped_tests {step} <{tmp_path}/{step} >>{tmp_path}/skipped")
    script = "\n".join([*lines, "tell_skipped"])
    done = subprocess.run(["bash", "-eu", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout


def test_none(tmp_path: Path) -> None:
    assert told(tmp_path, roles="12 passed in 3 s\n") == "0 tests skipped\n"


def test_of_pytest_and_of_the_kernel_cases(tmp_path: Path) -> None:
    assert (
        told(tmp_path, roles=PYTEST, boot=TAP) == "3 tests skipped: 1 x no huge pages (boot); 2 x no tea here (roles)\n"
    )

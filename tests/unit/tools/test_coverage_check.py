# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""tools/coverage_check.py asks for lines and for branches, each."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[3] / "tools/coverage_check.py"


@pytest.mark.parametrize(
    ("lines", "branches", "status"),
    [(950, 95, 0), (1000, 100, 0), (949, 100, 1), (1000, 94, 1)],
)
def test_both_have_to_be_enough(tmp_path: Path, lines: int, branches: int, status: int) -> None:
    report = tmp_path / "coverage.json"
    totals = {"covered_lines": lines, "num_statements": 1000, "covered_branches": branches, "num_branches": 100}
    report.write_text(json.dumps({"totals": totals}))
    command = [sys.executable, str(PROGRAM), "95", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert f"lines: {lines} of 1000, {lines / 10:.2f} %" in done.stdout
    assert f"branches: {branches} of 100, {branches:.2f} %" in done.stdout

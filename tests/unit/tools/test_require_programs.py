# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""With --require-programs a test that is skipped fails, unless it does not apply."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEST = ROOT / "tests/unit/plugins/action/test_at_once.py"


def run_pytest(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *map(str, arguments)]
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path, **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [([], 0, "1 skipped"), (["--require-programs"], 1, "--require-programs: gcc is not installed")],
)
def test_no_program_at_all(tmp_path: Path, options: list[str], status: int, said: str) -> None:
    done = run_pytest(*options, f"{TEST}::test_nothing_is_lost[dash]", PATH=str(tmp_path))
    assert done.returncode == status, done.stdout + done.stderr
    assert said in done.stdout


@pytest.mark.parametrize(
    ("reason", "status", "said"),
    [
        ("needs another package", 1, "--require-programs: needs another package"),
        ("not applicable: no tea on this machine", 0, "not applicable: no tea on this machine"),
    ],
)
def test_any_other_reason(tmp_path: Path, reason: str, status: int, said: str) -> None:
    test = tmp_path / "test_skipped.py"
    test.write_text(f"import pytest\n\n\ndef test_it() -> None:\n    pytest.skip({reason!r})\n", encoding="utf-8")
    conftest = ("-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, "--confcutdir", tmp_path, "-p", "tests.conftest")
    done = run_pytest(*conftest, "--require-programs", test)
    assert done.returncode == status, done.stdout + done.stderr
    assert said in done.stdout

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that is not installed skips the tests that need it, and with --require-programs fails them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TEST = Path(__file__).parents[1] / "plugins/action/test_at_once.py"


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [([], 0, "1 skipped"), (["--require-programs"], 1, "--require-programs: gcc is not installed")],
)
def test_no_program_at_all(tmp_path: Path, options: list[str], status: int, said: str) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    command += [f"{TEST}::test_nothing_is_lost[dash]"]
    environment = {**os.environ, "PATH": str(tmp_path), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert said in done.stdout

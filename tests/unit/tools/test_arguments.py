# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every program of tools/ explains itself and refuses what it does not understand, before it does anything."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[3] / "tools"
PROGRAMS = ["bootstrap", "checkpatch", "collection", "cores", "docs", "kernel", "provide_pip", "run", "test"]


def call(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(TOOLS / program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(program: str, option: str) -> None:
    answer = call(program, option)
    assert answer.returncode == 0
    assert answer.stdout.startswith(f"usage: tools/{program}")
    assert "SPDX" not in answer.stdout


@pytest.mark.parametrize(
    ("program", "arguments", "message"),
    [
        ("checkpatch", ["fun"], "'fun'"),
        ("collection", [], "say what to make"),
        ("collection", ["fun"], "unknown argument 'fun'"),
        ("collection", ["tree", "tarball"], "one argument is expected, not 2"),
        ("cores", ["--fun"], "unknown option '--fun'"),
        ("docs", ["--fun"], "unknown option '--fun'"),
        ("docs", ["fun"], "unknown argument 'fun'"),
        ("docs", ["--external", "fun"], "unknown argument 'fun'"),
        ("kernel", [], "say which series to build"),
        ("kernel", ["--fun"], "say which series to build"),
        ("kernel", ["2.4"], "no patches for series '2.4'; there are for: "),
        ("run", [], "no command given"),
        ("run", ["--fun"], "unknown option '--fun'"),
        ("run", ["--test"], "no command given"),
        ("test", ["--fun"], "unknown option '--fun'"),
        ("test", ["fun"], "there is no group or step 'fun'"),
    ],
)
def test_wrong_arguments(program: str, arguments: list[str], message: str) -> None:
    answer = call(program, *arguments)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert f"{program} --help" in answer.stderr
    assert not answer.stdout


def test_steps_are_listed() -> None:
    lines = call("test", "--list").stdout.splitlines()
    assert lines[0].split()[:2] == ["GROUP", "STEP"]
    steps = [line.split()[1] for line in lines[1:]]
    assert len(steps) == len(set(steps))
    source = (TOOLS / "test").read_text()
    for step in steps:
        assert f"step_{step.replace('-', '_')}() {{" in source

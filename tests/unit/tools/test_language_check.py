# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""tools/language_check.py finds turns that no native reader writes, and leaves alone what looks like one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[3] / "tools/language_check.py"


def check(path: Path, text: str) -> subprocess.CompletedProcess[str]:
    path.write_text(text, encoding="utf-8")
    return subprocess.run([sys.executable, str(PROGRAM), str(path)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "text",
    [
        "For who cannot replace the kernel.",
        "A page for whoever asks.",
        "Patching is dear.",
        "fork() is dearer by far",
        "/* dropped for\n * want of room */",
        "# is changed again\n# and again",
        "a page that cannot\n\t// be had",
        "a limit that becomes another one",
        "Words are apart by blanks.",
        "- name: What runs, and since when, is known",
        "SELinux, which this kernel has not; bionic",
    ],
)
def test_turn_is_found(tmp_path: Path, text: str) -> None:
    done = check(tmp_path / "page.md", f"A first line.\n{text}\n")
    assert done.returncode == 1, done.stderr
    assert "page.md:2: '" in done.stdout
    assert done.stdout.endswith("1 files, 1 turns\n")


@pytest.mark.parametrize(
    "text",
    [
        "for who in uids:",
        "for who, entry in entries:",
        "those who cannot",
        "a deary endearing word",
        "for the want of it",
        "run it again and see it pass again",
        "the behaviour had no effect; it had been had",
        "the kernel has not complained",
        "- name: Check that the range is gone",
        "name: is built here",
    ],
)
def test_the_rest_is_left_alone(tmp_path: Path, text: str) -> None:
    done = check(tmp_path / "page.md", f"{text}\n")
    assert done.returncode == 0, done.stdout
    assert done.stdout == "1 files, 0 turns\n"


def test_nothing_read_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\xff\xfe\x00")
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path / "picture")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1

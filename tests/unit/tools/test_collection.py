# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What tools/collection keeps in the cache, and what it removes."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[3] / "tools/collection"
DAY = 24 * 3600


def forget_old(cache: Path) -> set[str]:
    """Run that function of the program; the names of the copies that are left."""
    [function] = re.findall(r"^forget_old\(\) \{.*?^\}", PROGRAM.read_text(), re.MULTILINE | re.DOTALL)
    subprocess.run(["bash", "-euc", f"cache_dir={cache}\n{function}\nforget_old"], check=True)
    return {path.name for path in (cache / "collection").iterdir()}


def make_copies(cache: Path, ages: dict[str, float]) -> None:
    for name, age in ages.items():
        directory = cache / "collection" / name
        directory.mkdir(parents=True)
        then = time.time() - age
        os.utime(directory, (then, then))


def test_a_copy_in_use_stays(tmp_path: Path) -> None:
    """The build of a kernel went on for half an hour while eight other copies were made; its own was removed."""
    make_copies(tmp_path, {"in_use": 3600, **{f"newer{n}": 60 * n for n in range(8)}})
    assert "in_use" in forget_old(tmp_path)


def test_old_copies_go_beyond_the_newest(tmp_path: Path) -> None:
    make_copies(tmp_path, {f"old{n}": (2 + n) * DAY for n in range(7)})
    assert forget_old(tmp_path) == {f"old{n}" for n in range(5)}

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""tools/patches: an edit that does not fit stops with the place, and never lands anywhere else."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.devfleet.uid_mem.tests.unit.tools.loading import load

PROJECT = Path(__file__).parents[3]
TEXT = """\
int one(void)
{
\treturn last();
}

int two(void)
{
\twork();
\treturn last();
}
"""


patches = load("tools/patches.py")


def edit(**changes: Any) -> Any:
    return patches.Edit.from_yaml({"file": "a.c", "insert": "\tnew();\n", **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"before": r"work\(\);"}, "\tnew();\n\twork();\n"),
        ({"after": r"work\(\);"}, "\twork();\n\tnew();\n\treturn"),
        ({"replace": r"work\(\);"}, "{\n\tnew();\n\treturn last();\n}\n"),
        ({"after": [r"absent\(\);", r"work\(\);"]}, "\twork();\n\tnew();\n"),
        ({"before": r"return last\(\);", "in": "int two(void)"}, "\twork();\n\tnew();\n\treturn"),
        ({"before": r"return last\(\);", "in": ["int three(void)", "int two(void)"]}, "\twork();\n\tnew();\n\treturn"),
        ({"before": r"return last\(\);", "pick": "last"}, "\twork();\n\tnew();\n\treturn"),
        ({"at": "end"}, "}\n\tnew();\n"),
    ],
)
def test_edit_lands_at_its_anchor(changes: dict[str, Any], expected: str) -> None:
    made = edit(**changes).apply(TEXT)
    assert expected in made
    assert made.count("new();") == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"before": r"absent\(\);"}, r"a.c: no line matches: absent\(\);"),
        ({"before": r"return last\(\);"}, r"a.c: lines 3, 9 all match: return last\(\);"),
        ({"before": "work"}, "a.c: no line matches: work"),
        ({"before": "x", "in": "int three(void)"}, r"a.c: found 0 times, not once: int three(void)"),
    ],
)
def test_edit_that_does_not_fit_says_where(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(patches.PatchesError, match=re.escape(message)):
        edit(**changes).apply(TEXT)


@pytest.mark.parametrize("changes", [{}, {"before": "x", "after": "y"}, {"before": "x", "whence": "y"}])
def test_edit_that_says_too_little_or_too_much_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(patches.PatchesError, match="an edit has file, insert and one of"):
        edit(**changes)


def test_unknown_symbol_is_refused() -> None:
    plan = patches.Plan(series={"9.9": ["RSS_SPILT"]}, symbols={"RSS_SPLIT": ""}, patches=[])
    with pytest.raises(patches.PatchesError, match="RSS_SPILT: not among its symbols, RSS_SPLIT"):
        plan.check_symbols()


def test_condition_in_a_comment_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("/*\n * One.\n#ifdef FAST\n * Two.\n#endif\n */\n#ifdef FAST\nint f;\n#endif\n")
    monkeypatch.setattr(patches, "SOURCE", tmp_path)
    plan = patches.Plan(series={"9.9": []}, symbols={"FAST": ""}, patches=[])
    with pytest.raises(patches.PatchesError, match=r"a\.c: #ifdef FAST is still there in series 9.9"):
        patches.resolve(plan, "9.9", "a.c")


def test_only_places_may_differ() -> None:
    old = "index 1234..5678 100644\n@@ -10,6 +10,7 @@ int f(void)\n \tone();\n+\ttwo();\n"
    moved = "index abcd..ef01 100644\n@@ -90,6 +91,7 @@ int g(void)\n \tone();\n+\ttwo();\n"
    assert patches.without_places(old) == patches.without_places(moved)
    assert patches.without_places(old) != patches.without_places(old.replace("two", "three"))


def test_every_series_of_the_plan_is_in_the_tree() -> None:
    plan = patches.Plan.load()
    assert sorted(plan.series) == sorted(path.name for path in (PROJECT / "patches").glob("[0-9]*"))


def test_unknown_series_is_refused() -> None:
    command = [str(PROJECT / "tools/patches"), "check", "3.4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "series 3.4 is not in patches/source/series.yml, which has 5.10, 6.1, 6.12, 7.2" in done.stderr

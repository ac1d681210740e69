# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Make this checkout importable as the collection, wherever it lies.

``ansible-test units`` brings its own loader; a plain ``pytest`` does not, and the checkout need not be below a
directory named ansible_collections.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Generator
from pathlib import Path

import pytest

COLLECTION = "ansible_collections.devfleet.uid_mem"
ROOT = Path(__file__).resolve().parents[1]


def _is_importable() -> bool:
    try:
        return importlib.util.find_spec(f"{COLLECTION}.plugins.plugin_utils._limits") is not None
    except ModuleNotFoundError:
        return False


if not _is_importable():
    parts = COLLECTION.split(".")
    for depth in range(1, len(parts) + 1):
        package = types.ModuleType(".".join(parts[:depth]))
        package.__path__ = [str(ROOT)] if depth == len(parts) else []
        sys.modules[package.__name__] = package


# What a skip's reason begins with where the test has no meaning on this machine, whatever is installed on it.
NOT_APPLICABLE = "not applicable: "


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-programs",
        action="store_true",
        help=f"fail a test instead of skipping it, unless the reason begins with {NOT_APPLICABLE!r}",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With C(--require-programs) a skip is a failure: a missing program must not pass for a passed test."""
    report = yield
    if item.config.getoption("require_programs") and report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not reason.startswith(NOT_APPLICABLE):
            report.outcome, report.longrepr = "failed", f"--require-programs: {reason}"
    return report

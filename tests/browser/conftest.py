# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The browser that the tests of this directory share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from ansible_collections.devfleet.uid_mem.tests.browser.chromium import Chromium


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """Chromium with one page and a profile of its own."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed")
    with Chromium(program, tmp_path_factory.mktemp("profile")) as chromium:
        yield chromium

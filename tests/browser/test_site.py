# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The documentation site in Chromium: each page fits a screen and a phone, and fetches nothing from elsewhere.

C(SITE) is the directory that C(tools/docs) made. With C(UID_MEM_SCREENSHOTS=DIRECTORY) it leaves screenshots there, to
be looked at.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.devfleet.uid_mem.tests.browser.chromium import Chromium

SITE = Path(os.environ.get("SITE", "/nonexistent"))
# Every page of docs/, and one of each kind of the generated ones.
PAGES = [
    *sorted(path.name for path in SITE.glob("*.html") if path.name not in {"genindex.html", "search.html"}),
    "collection/index.html",
    "collection/uid_mem_limit_module.html",
    "collection/uid_mem_role.html",
    "collection/adb_connection.html",
]
# Text that is wider than the window, and cannot be scrolled in a box of its own.
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BROKEN = "[...document.images].filter((image) => !image.complete || !image.naturalWidth).map((image) => image.src)"


def test_there_is_a_site() -> None:
    assert {"index.html", "quick-start.html", "kernel.html"} <= set(PAGES)


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
@pytest.mark.parametrize("page", PAGES)
def test_page_fits(browser: Chromium, page: str, width: int, height: int) -> None:
    browser.open(SITE / page, width=width, height=height)
    if place := os.environ.get("UID_MEM_SCREENSHOTS"):
        browser.screenshot(Path(place) / f"{page.replace('/', '-').removesuffix('.html')}-{width}.png")
    assert browser.run(TOO_WIDE) == 0
    assert browser.run(BROKEN) == []
    requests = [
        event["params"]["request"]["url"] for event in browser.events if event["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []

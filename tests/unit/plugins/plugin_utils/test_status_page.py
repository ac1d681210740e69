# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The page of the status, read with a parser: what is in it, and that nothing a device says becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from html.parser import HTMLParser
from typing import Any

import pytest

from ansible_collections.devfleet.uid_mem.plugins.filter import status_page, status_rows, status_table
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status import Row, make_row, summarize
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status_page import (
    bar_width,
    render_page,
    script_data,
)
from ansible_collections.devfleet.uid_mem.tests.unit.status_fleet import (
    ASSETS,
    MIB,
    NOW,
    UNREACHABLE,
    info,
    kill,
    limit,
    made_up,
    survey,
    usage,
)

VOID = {"meta", "col", "br", "input", "rect"}
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "&lt;b&gt;",
    "{{ 7 * 7 }}{% raw %}",
    "]]>",
    "javascript:alert(1)",
    "\u2028</style>",
]


class Page(HTMLParser):
    """The elements of a page with their attributes and texts; a tag that is not closed is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs)
        if tag not in VOID:
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "rect"
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            self.texts[tag][-1] += data
        if "td" in self._open or "th" in self._open:
            self.rows[-1][-1] += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def sums(self) -> dict[str, int]:
        numbers = [int(number.replace(",", "")) for number in self.texts["dd"]]
        return dict(zip(self.texts["dt"], numbers, strict=True))


def page_of(rows: list[Row], title: str = "Fleet status") -> tuple[str, Page]:
    text = render_page(rows, ASSETS, title, NOW)
    return text, Page(text)


@pytest.mark.parametrize("count", [0, 1, 3, 1000])
def test_every_host_is_a_row_and_the_sums_are_right(count: int) -> None:
    rows = made_up(count)
    text, page = page_of(rows)
    assert len(page.rows) == 1 + count
    for row, cells in zip(rows, page.rows[1:], strict=True):
        assert cells[1].split("\n")[0] == row["host"]
        assert row["kernel"] in cells[2]
        assert cells[4] == ("–" if row["limits"] is None else f"{row['limits']:,}")
        assert cells[6].removeprefix("≥ ") == ("–" if row["kills"] is None else f"{row['kills']:,}")
        for found in row["findings"][:2]:
            assert found["text"] in cells[1]
    sums = summarize(rows)
    assert page.sums() == {
        "Hosts": count,
        "Reachable": sums["reachable"],
        "Need attention": sums["attention"],
        "With drift": sums["drifted"],
        "Limits in force": sums["limits"],
        "Kills in 24 h": sums["kills"],
    }
    assert len(text.encode()) < 2_000_000


def test_render_time() -> None:
    """So that a page of 1,000 hosts costs less than asking one of them."""
    rows = made_up(1000)
    began = time.process_time()
    render_page(rows, ASSETS, "Fleet status", NOW)
    assert time.process_time() - began < 5


def test_what_is_in_a_row() -> None:
    drift = [{"uid": "5", "kernel": None, "file": limit(5, MIB)}]
    read = info(
        stats=[usage(10070, 95 * MIB, 100 * MIB), usage(10071, 300 * MIB, 200 * MIB), usage(1, 0, 5 * MIB)],
        drift=drift,
        desired_drift=[{**drift[0], "desired": None, "problem": ""}] * 2,
        events=[kill(5, 1)],
        events_lost=1,
    )
    said = {"newest_distribution_release": "6.1.0-42-amd64", "default_release": "6.1.7-x"}
    _text, page = page_of([make_row("d1", survey(**said), read)])
    state, host, kernel, bars, limits, drifted, kills, rollout = page.rows[1]
    assert state == "Warning"
    assert host.split("\n")[0] == "d1"
    assert host.count("\n") >= 3
    assert "3 more" in host
    assert "engine hooks · x86_64" in kernel
    assert "default 6.1.7-x" in kernel
    assert "previous 6.1.0-41-amd64" in kernel
    assert "waiting 6.1.0-42-amd64" in kernel
    assert "10071  300 MiB of 200 MiB" in bars
    assert "10070  95 MiB of 100 MiB" in bars
    assert (limits, drifted, kills, rollout) == ("1", "file 1inventory 2", "≥ 1", "committed8 d ago")
    assert [rectangle["width"] for rectangle in page.of("rect")] == ["100%", "95%", "0%"]
    assert [svg.get("class") for svg in page.of("svg")] == ["h", "h", None]


def test_a_host_that_is_off_is_a_row() -> None:
    _text, page = page_of([make_row("d1", UNREACHABLE, None)])
    assert page.rows[1] == [
        "Unreachable",
        "d1\n\nFailed to connect to the host via ssh: No route to host\n\n",
        *["–"] * 6,
    ]
    assert [cell.get("class") for cell in page.of("td")] == [None, "e", "e", "n e", "e", "n e", "e"]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_a_device_says_is_markup(text: str) -> None:
    """The elements of the page, and their attributes, are those of the same page with harmless texts."""

    def rows(text: str) -> list[Row]:
        said = dict.fromkeys(("running", "default_release", "arch", "os_id", "lock_owner", "trial_release"), text)
        said |= {"previous_release": f"{text}p", "newest_distribution_release": f"{text}n", "engine": text}
        said |= {"last_rollout": f"5 {text.replace(' ', '_')} {text}", "failed": text, "kernels": text}
        drift = [{"uid": text, "user": text, "kernel": {"max": text}, "file": None, "problem": text}]
        read = info(
            stats=[{"uid": text, "usage": MIB, "max": 2 * MIB}, {"uid": text, "usage": text, "max": text}],
            events=[kill(5, 1, text)],
            drift=drift,
            desired_drift=drift,
            file_error=text,
            features={"engine": text},
        )
        return [
            make_row(text, survey(**said), read),
            make_row(text, {"unreachable": True, "msg": text}, None),
            make_row(text, {"failed": True, "msg": text}, {"failed": True, "msg": text}),
        ]

    _harmless, expected = page_of(rows("x" * 9), "x")
    source, page = page_of(rows(text), text)
    assert page.elements == expected.elements
    assert page.texts["title"] == page.texts["h1"] == [text]
    visible = text.replace("\u2028", "\\x2028")
    assert page.rows[1][1].split("\n")[0] == visible
    assert visible in page.rows[1][2]
    data = json.loads(page.texts["script"][0])
    assert data[0][1][0] == visible
    assert data[0][10][0][2] == visible
    assert page.texts["script"][1] == ASSETS["script"].strip()
    assert source.count("</script") == source.count("<script") == 2


def test_policy_allows_the_style_and_the_script_and_no_request() -> None:
    text, page = page_of(made_up(3))
    policy = next(meta["content"] for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    hashes = {
        name: base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        for name, content in (("style-src", page.texts["style"][0]), ("script-src", page.texts["script"][1]))
    }
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{hashes['style-src']}'",
        "script-src": f"'sha256-{hashes['script-src']}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    # What the policy would refuse is not there to begin with.
    for _tag, attributes in page.elements:
        assert not attributes.keys() & {"style", "src", "href", "srcset", "action", "data", "ping"}
        assert not [name for name in attributes if name.startswith("on")]
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in ASSETS["style"]
    assert "innerHTML" not in ASSETS["script"]


def test_table_has_what_a_screen_reader_needs() -> None:
    _text, page = page_of(made_up(3))
    assert page.of("html")[0]["lang"] == "en"
    assert len(page.texts["caption"]) == 1
    assert [cell["scope"] for cell in page.of("th")] == ["col"] * 8 + ["row"] * 3
    assert all(svg["aria-hidden"] == "true" for svg in page.of("svg"))
    labels = len(page.texts["label"])
    assert labels == len(page.of("input")) + len(page.of("select"))


def test_data_for_a_script() -> None:
    data = ["</script>", "<!--", "a&b", "\u2028\u2029", "é", None, 1.5]
    text = str(script_data(data))
    assert json.loads(text) == data
    assert not set("<>&\u2028\u2029") & set(text)


@pytest.mark.parametrize(("share", "width"), [(None, "0%"), (0.0, "0%"), (0.374, "37%"), (1.0, "100%"), (7.0, "100%")])
def test_width_of_a_bar(share: float | None, width: str) -> None:
    assert bar_width(share) == width


# --- the filters


def test_filters() -> None:
    hostvars: dict[str, dict[str, Any]] = {
        "d1": {"status_survey": survey(), "status_info": info()},
        "d2": {"status_survey": UNREACHABLE},
        "d3": {},
    }
    rows = status_rows.FilterModule().filters()["status_rows"](["d1", "d2", "d3"], hostvars)
    assert [(row["host"], row["reachable"]) for row in rows] == [("d2", False), ("d3", False), ("d1", True)]
    other = status_rows.status_rows(["d1"], {"d1": {"a": survey(), "b": info()}}, survey="a", info="b")
    assert other == rows[2:]
    lines = status_table.FilterModule().filters()["status_table"](rows)
    assert lines[-1].startswith("3 hosts, 1 reachable, 2 need attention")
    text = status_page.FilterModule().filters()["status_page"](rows, **ASSETS, title="Lab")
    assert Page(text).texts["h1"] == ["Lab"]
    assert len(Page(text).rows) == 4

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The page of the status in Chromium: it sorts, filters, tells details, fits, and makes no request.

With C(UID_MEM_SCREENSHOTS=DIRECTORY) it also leaves screenshots there, to be looked at.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status import Row, make_row
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status_page import render_page
from ansible_collections.devfleet.uid_mem.tests.browser.chromium import Chromium
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
)

HOSTILE = "</script><img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"

HOSTS = "[...document.querySelectorAll('tbody th')].map((cell) => cell.firstChild.data.trim())"
SORTED = "[...document.querySelectorAll('thead th')].map((cell) => cell.getAttribute('aria-sort'))"


def page(place: Path, rows: list[Row]) -> Path:
    path = place / "status.html"
    path.write_text(render_page(rows, ASSETS, "Fleet status", NOW))
    return path


def three() -> list[Row]:
    drift = [{"uid": "5", "kernel": None, "file": limit(5, MIB)}]
    kills = [kill(10070, 863990 * 10**9, HOSTILE)]
    return [
        make_row("d10", UNREACHABLE, None),
        make_row("d9", survey(), info(drift=drift, events=kills)),
        make_row("d1", survey(running="6.1.9-x", default_release="6.1.9-x"), info(events=kills * 2)),
    ]


def problems(browser: Chromium) -> list[Any]:
    """What the console says, and every request but the page's own."""
    said = [event for event in browser.events if event.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown")]
    requests = [event for event in browser.events if event.get("method") == "Network.requestWillBeSent"]
    return said + requests[1:]


def click(browser: Chromium, title: str) -> None:
    browser.run(
        f"[...document.querySelectorAll('thead button')].find((each) => each.textContent === '{title}').click()"
    )


def test_sorts_by_a_click(browser: Chromium, tmp_path: Path) -> None:
    browser.open(page(tmp_path, three()))
    assert browser.run(HOSTS) == ["d10", "d9", "d1"]
    assert browser.run(SORTED) == ["ascending", *[None] * 7]
    click(browser, "Host")
    assert browser.run(HOSTS) == ["d1", "d9", "d10"]
    assert browser.run(SORTED) == [None, "ascending", *[None] * 6]
    click(browser, "Host")
    assert browser.run(HOSTS) == ["d10", "d9", "d1"]
    assert browser.run(SORTED) == [None, "descending", *[None] * 6]
    click(browser, "Kills")  # the largest first, and what is not known last
    assert browser.run(HOSTS) == ["d1", "d9", "d10"]
    click(browser, "Kills")
    assert browser.run(HOSTS) == ["d9", "d1", "d10"]
    browser.run("document.getElementById('sort').value = '2'")
    browser.run("document.getElementById('sort').dispatchEvent(new Event('change'))")
    assert browser.run(HOSTS) == ["d1", "d9", "d10"]  # 6.1.9 comes before 6.1.158
    assert browser.run(SORTED)[2] == "ascending"
    assert problems(browser) == []


def test_sorts_by_the_keyboard(browser: Chromium, tmp_path: Path) -> None:
    browser.open(page(tmp_path, three()))
    browser.run("document.getElementById('sort').focus()")
    for _column in range(2):
        browser.press("Tab", 9)
    assert browser.run("document.activeElement.textContent") == "Host"
    browser.press("Enter", 13)
    assert browser.run(HOSTS) == ["d1", "d9", "d10"]
    assert browser.run("document.activeElement.textContent") == "Host"
    assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_filters(browser: Chromium, tmp_path: Path) -> None:
    browser.open(page(tmp_path, three()))
    shown = "document.getElementById('shown').textContent"
    assert browser.run(shown) == "3 hosts"
    for kind, hosts in (("unreachable", ["d10"]), ("drift", ["d9"]), ("attention", ["d10", "d9"]), ("all", None)):
        browser.run(f"document.querySelector('[value={kind}]').click()")
        assert browser.run(HOSTS) == (hosts or ["d10", "d9", "d1"])
        assert browser.run(shown) == (f"{len(hosts)} of 3 hosts" if hosts else "3 hosts")
    for words, hosts in (("6.1.9", ["d1"]), ("ROUTE d10", ["d10"]), ("nothing", [])):
        browser.run(f"document.getElementById('find').value = '{words}'")
        browser.run("document.getElementById('find').dispatchEvent(new Event('input'))")
        assert browser.run(HOSTS) == hosts
    assert browser.run("document.getElementById('empty').hidden") is False


def test_details(browser: Chromium, tmp_path: Path) -> None:
    """They are of the host whose button it is, go with it, and are texts."""
    browser.open(page(tmp_path, three()))
    button = "[...document.querySelectorAll('.more')].find((each) => each.ariaLabel === 'Details of d9')"
    browser.run(f"{button}.click()")
    assert browser.run(f"{button}.getAttribute('aria-expanded')") == "true"
    details = browser.run("document.querySelector('.d').innerText")
    assert "UID 5: nothing in force, 1 MiB in the file" in details
    assert "UID 10070: 70 MiB of 100 MiB" in details
    assert f"10 s ago: {HOSTILE} of UID 10070, 101 MiB of 100 MiB" in details
    assert "debian 12 on x86_64" in details
    assert browser.run("document.title") == "Fleet status"
    assert browser.run("document.querySelectorAll('img').length") == 0
    click(browser, "Host")
    assert browser.run("document.querySelector('.d').previousSibling.cells[1].firstChild.data.trim()") == "d9"
    browser.run(f"{button}.click()")
    assert browser.run("document.querySelector('.d')") is None
    assert browser.run(f"{button}.getAttribute('aria-expanded')") == "false"
    assert problems(browser) == []


def test_policy_holds(browser: Chromium, tmp_path: Path) -> None:
    """Even markup that got into the page would not be run, nor ask for anything."""
    path = page(tmp_path, three())
    path.write_text(path.read_text().replace("</main>", f"{HOSTILE}</main>"))
    browser.open(path)
    browser.run("document.body.insertAdjacentHTML('beforeend', '<p style=\"position: fixed\" id=\"styled\">x</p>')")
    assert browser.run("document.title") == "Fleet status"
    assert browser.run("getComputedStyle(document.getElementById('styled')).position") == "static"
    sent = [each for each in browser.events if each.get("method") == "Network.requestWillBeSent"]
    blocked = [each for each in browser.events if each.get("method") == "Network.loadingFailed"]
    assert len(sent) - len(blocked) <= 1


def test_a_thousand_hosts(browser: Chromium, tmp_path: Path) -> None:
    rows = made_up(1000)
    browser.open(page(tmp_path, rows))
    assert browser.run(HOSTS) == [row["host"] for row in rows]
    # Layout included; some 100 ms on an idle machine.
    spent = browser.run(
        "(() => { const began = performance.now(); document.querySelectorAll('thead button')[3].click();"
        " document.body.offsetHeight; return performance.now() - began; })()"
    )
    assert spent < 3000
    shares = {row["host"]: row["fullest"] or -1 for row in rows}
    found = [shares[host] for host in browser.run(HOSTS)]
    assert found == sorted(found, reverse=True)
    assert problems(browser) == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 820, 390, 320])
@pytest.mark.parametrize("count", [3, 1000])
def test_fits(browser: Chromium, tmp_path: Path, count: int, width: int, *, dark: bool) -> None:
    """Nothing is wider than the page, and texts are told from their ground (WCAG: 4.5 to 1)."""
    rows = three() if count == 3 else made_up(count)
    browser.open(page(tmp_path, rows), width=width, height=900, dark=dark)
    browser.run("document.querySelectorAll('.more')[1].click()")
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run(CONTRAST) == []
    assert browser.run("document.querySelector('tbody tr').getAttribute('role')") == "row"
    if place := os.environ.get("UID_MEM_SCREENSHOTS"):
        browser.screenshot(Path(place) / f"status-{count}-{width}-{'dark' if dark else 'light'}.png")


# Texts whose contrast is too small, with their colours.
CONTRAST = """(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => numbers(colour).slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const bad = new Set();
  [...document.querySelectorAll('body *')].slice(0, 3000).forEach((element) => {
    const texts = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!texts || element.closest('script, svg, option')) return;
    const [a, b] = [getComputedStyle(element).color, ground(element)];
    const [high, low] = [light(a), light(b)].sort((one, other) => other - one);
    if ((high + 0.05) / (low + 0.05) < 4.5) bad.add(`${element.tagName}: ${a} on ${b}`);
  });
  return [...bad];
})()"""

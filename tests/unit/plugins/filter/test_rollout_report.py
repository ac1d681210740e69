# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The filter rollout_report: a line for each host, or for all that are alike."""

from __future__ import annotations

from typing import Any

from ansible_collections.devfleet.uid_mem.plugins.filter.rollout_report import FilterModule

report = FilterModule().filters()["rollout_report"]

DONE = {
    "outcome": "committed",
    "engine": "hooks",
    "release": "6.1.2-uidmem-1",
    "previous": "6.1.0-1-amd64",
    "cause": "",
}


def test_a_line_for_each_host() -> None:
    outcomes: dict[str, Any] = {
        "d1": DONE,
        "d2": {"outcome": "unreachable"},
        "d3": {
            "outcome": "failed",
            "engine": "hooks",
            "release": "6.1.0-1-amd64",
            "cause": "It did not\nprove itself.",
        },
        "d4": {"outcome": "not_started", "engine": "scan", "note": "No kernel was installed: no GRUB"},
    }
    assert report(outcomes) == [
        "4 hosts: 1 failed, 1 unreachable, 1 not started, 1 committed",
        "OUTCOME      ENGINE  RELEASE         PREVIOUS       HOST",
        "failed       hooks   6.1.0-1-amd64   -              d3",
        "    It did not prove itself.",
        "unreachable  -       -               -              d2",
        "not started  scan    -               -              d4",
        "    No kernel was installed: no GRUB",
        "committed    hooks   6.1.2-uidmem-1  6.1.0-1-amd64  d1",
    ]


def test_many_hosts_that_are_alike_share_a_line() -> None:
    outcomes: dict[str, Any] = {f"d{number}": DONE for number in range(1000)}
    outcomes["bad1"] = outcomes["bad2"] = {**DONE, "outcome": "failed", "cause": "no room"}
    outcomes["bad3"] = {**DONE, "outcome": "failed", "cause": "no GRUB"}
    said = report(outcomes)
    assert said[0] == "1003 hosts: 3 failed, 1000 committed"
    assert said[2].endswith("bad1, bad2")
    assert said[4].endswith("bad3")
    assert said[-1].endswith("d0, d1, d2, d3, d4, d5, d6, d7 and 992 more")
    assert len(said) == 7


def test_nothing_a_device_says_steers_the_terminal() -> None:
    said = report({"d1": {"outcome": "failed", "release": "\x1b[2J", "cause": "\x1b]0;title\x07 text\r\n"}})
    assert all(line.isprintable() for line in said)
    assert said[0] == "1 host: 1 failed"


def test_an_outcome_that_is_not_known_comes_last() -> None:
    said = report({"d1": {"outcome": "odd_one"}, "d2": DONE})
    assert [line.split()[-1] for line in said[2:]] == ["d2", "d1"]
    assert report({}) == ["0 hosts: none", "OUTCOME  ENGINE  RELEASE  PREVIOUS  HOST"]

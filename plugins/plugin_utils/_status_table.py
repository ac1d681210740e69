# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The state of a fleet as lines for a terminal: a table, what is found on each host, and a summary."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._status import (
    ATTENTION,
    Row,
    describe_age,
    summarize,
)

NONE = "-"
SAME = "="


def _state(row: Row, severity: str) -> str:
    return severity if row["reachable"] else "unreachable"


def _default(row: Row) -> str:
    return SAME if row["default"] and row["default"] == row["kernel"] else str(row["default"])


def _drift(row: Row) -> str:
    counts = [("file", row["file_drift"]), ("inventory", row["inventory_drift"])]
    known = [(name, count) for name, count in counts if count is not None]
    if not known:
        return ""
    return ", ".join(f"{name} {count}" for name, count in known if count) or "no"


def _kills(row: Row) -> str:
    return "" if row["kills"] is None else f"{row['kills']}{'+' if row['kills_at_least'] else ''}"


def _rollout(row: Row) -> str:
    last = row["last_rollout"]
    return f"{last['outcome']}, {describe_age(last['age_seconds'])}" if last else ""


def _fullest(row: Row) -> str:
    return "" if row["fullest"] is None else f"{row['fullest']:.0%}"


COLUMNS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("HOST", lambda row: str(row["host"])),
    ("STATE", lambda row: _state(row, row["severity"])),
    ("KERNEL", lambda row: str(row["kernel"])),
    ("ENGINE", lambda row: str(row["engine"])),
    ("DEFAULT", _default),
    ("PREVIOUS", lambda row: str(row["previous"])),
    ("WAITING", lambda row: str(row["waiting"])),
    ("LIMITS", lambda row: "" if row["limits"] is None else str(row["limits"])),
    ("FULLEST", _fullest),
    ("DRIFT", _drift),
    ("KILLS 24H", _kills),
    ("LAST ROLLOUT", _rollout),
)
NUMBERS = frozenset({"LIMITS", "FULLEST", "KILLS 24H"})


def table_lines(rows: list[Row]) -> list[str]:
    """The whole report; the rows are in the order in which they are to be."""
    cells = [[title for title, _cell in COLUMNS]]
    cells += [[cell(row) or NONE for _title, cell in COLUMNS] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(_padded, line, widths, cells[0])).rstrip() for line in cells]
    found = [
        f"{row['host']}: {_state(row, finding['severity'])}: {finding['text']}"
        for row in rows
        for finding in row["findings"]
        if finding["severity"] in ATTENTION
    ]
    return [*lines, *([""] if found else []), *found, "", summary_line(rows)]


def summary_line(rows: list[Row]) -> str:
    """The fleet in one line."""
    sums = summarize(rows)
    parts = [
        _count(sums["hosts"], "host"),
        f"{sums['reachable']} reachable",
        f"{sums['attention']} need attention",
        f"{_count(sums['limits'], 'limit')} in force",
        f"{_count(sums['drifted'], 'host')} with drift",
        f"{_count(sums['kills'], 'kill')} in 24 h",
    ]
    return ", ".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _padded(text: str, width: int, title: str) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if title in NUMBERS else text + blanks


def _width(text: str) -> int:
    """The columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)

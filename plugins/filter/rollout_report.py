# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The outcome of a rollout as lines of text: a host a line, or, where there are many, a line for all that are alike."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_report
short_description: Outcome of a rollout as lines for the terminal
version_added: 0.2.0
author:
  - The uid_mem authors (@devfleet)
description:
  - Makes a table of what became of each host, and says with how many hosts what happened.
  - Up to O(lines) hosts have a line each. Where there are more, hosts that are alike share one; those that failed, were
    not reached or were not begun come first.
options:
  _input:
    description:
      - Host to outcome, a dictionary with C(outcome), and where known C(cause), C(engine), C(release), C(previous) and
        C(note).
    type: dict
    required: true
  lines:
    description:
      - How many hosts have a line of their own at most.
    type: int
    default: 40
  width:
    description:
      - How many hosts a line names where they share one.
    type: int
    default: 8
"""

EXAMPLES = r"""
- name: Report
  ansible.builtin.debug:
    msg: "{{ dict(hosts | zip(outcomes)) | devfleet.uid_mem.rollout_report }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

# What needs a look comes first.
ORDER = ("failed", "unreachable", "not_started", "staged", "committed", "rolled_back", "module", "removed", "unchanged")
COLUMNS = ("outcome", "engine", "release", "previous")
TITLES = ("OUTCOME", "ENGINE", "RELEASE", "PREVIOUS", "HOST")


def _word(outcome: str) -> str:
    return outcome.replace("_", " ")


def _rank(outcome: str) -> tuple[int, str]:
    return (ORDER.index(outcome) if outcome in ORDER else len(ORDER), outcome)


def _row(outcome: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(outcome.get(name) or "-") for name in (*COLUMNS, "cause", "note"))


def _one_line(text: str) -> str:
    # Nothing a device says may steer the terminal.
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))


def rollout_report(outcomes: Mapping[str, Mapping[str, Any]], lines: int = 40, width: int = 8) -> list[str]:
    """The table, and a summary above it."""
    count: dict[str, int] = {}
    rows: dict[tuple[str, ...], list[str]] = {}
    alone = len(outcomes) <= lines
    for host, outcome in outcomes.items():
        row = tuple(_one_line(field) for field in _row(outcome))
        count[row[0]] = count.get(row[0], 0) + 1
        rows.setdefault((*row, host) if alone else row, []).append(host)

    table: list[tuple[str, ...]] = [TITLES]
    below: list[list[str]] = [[]]
    for row in sorted(rows, key=lambda row: _rank(row[0])):
        hosts = rows[row]
        more = len(hosts) - width
        named = ", ".join(hosts[:width]) + (f" and {more} more" if more > 0 else "")
        table.append((_word(row[0]), *row[1:4], named))
        below.append([f"    {text}" for text in row[4:6] if text != "-"])

    widths = [max(len(line[column]) for line in table) for column in range(len(TITLES) - 1)]
    summary = ", ".join(f"{count[name]} {_word(name)}" for name in sorted(count, key=_rank))
    said = [f"{len(outcomes)} {'host' if len(outcomes) == 1 else 'hosts'}: {summary or 'none'}"]
    for line, details in zip(table, below, strict=True):
        said.append("  ".join([*(field.ljust(size) for field, size in zip(line, widths, strict=False)), line[-1]]))
        said += details
    return said


class FilterModule:
    """See DOCUMENTATION."""

    def filters(self) -> dict[str, Any]:
        """The filter."""
        return {"rollout_report": rollout_report}

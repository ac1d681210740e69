# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From two tables to what has to be written: lines for the kernel, a new text for the file."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import (
    KNOWN,
    Limit,
    LimitsError,
    Removal,
    Table,
    Uids,
    Vocabulary,
    parse_line,
    split_lines,
)

BYTE_ORDER_MARK = "\ufeff"
BYTE_ORDER_MARK_NAME = "a byte-order mark"

FILE_HEADER = """\
# Memory limits per UID, restored at boot. The grammar is that of /proc/uid_mem/limits:
#   UID|FIRST-LAST max=SIZE [high=SIZE] [on_high=event|term|reclaim] [policy=NAME] [metric=rss|anon|footprint]
#     [grace_ms=N] [mode=enforce|audit]
#   UID|FIRST-LAST charge_to=UID
"""


def changes(current: Table, desired: Table, again: Collection[Uids] = ()) -> list[str]:
    """The fewest lines that turn the current table into the desired one, removals first.

    The entries of I(again) are set also where they are there, which makes them those that the kernel evicts last.
    """
    removed = [f"!{limit.uids}" for limit in current if limit.uids not in desired.entries]
    declared = [limit.short_line() for limit in desired if limit.uids in again or current.get(limit.uids) != limit]
    return removed + declared


# Lines that a file may have which the kernel refuses only because of lines before them.
MAX_CONFLICTS = 20


@dataclass(frozen=True)
class LimitsFile:
    """A limits file: its text (None where it does not exist), its lines with what they declare, and all in all.

    C(refused) are the lines that declare nothing because the kernel would refuse them; at boot all others are restored.
    Where C(windows) names something an editor of Windows has put into the file (a byte-order mark, CRLF line ends),
    for which the kernel would refuse lines, the lines are those without it.
    """

    text: str | None
    lines: list[tuple[str, Limit | Removal | None]]
    table: Table
    refused: list[LimitsError]
    windows: str

    @classmethod
    def parse(cls, text: str | None, names: Vocabulary = KNOWN) -> LimitsFile:
        """The file with that text."""
        lines = split_lines((text or "").removeprefix(BYTE_ORDER_MARK))
        found = [BYTE_ORDER_MARK_NAME] if (text or "").startswith(BYTE_ORDER_MARK) else []
        if any(line.endswith("\r") for line in lines):
            found.append("CRLF line ends")
            lines = [line.removesuffix("\r") for line in lines]
        declared: list[Limit | Removal | None] = []
        refused: list[LimitsError] = []
        for number, line in enumerate(lines, 1):
            try:
                declared.append(parse_line(line, names))
            except LimitsError as exc:
                declared.append(None)
                refused.append(exc.at(number))
        table = _apply_most(declared, refused)
        refused.sort(key=lambda exc: exc.line or 0)
        return cls(text, list(zip(lines, declared, strict=True)), table, refused, " and ".join(found))

    def edited(self, desired: Table, *, purge: bool = False) -> str | None:
        """The text that declares the desired table.

        Lines that say what they should stay as they are, comments and blank lines stay where they are, a changed entry
        keeps its place, new ones go to the end. Refused lines stay, or go with I(purge). A file that does not exist is
        not created for an empty table (None).
        """
        if self.text is None:
            return FILE_HEADER + _entries_text(desired) if len(desired) else None
        gone = {exc.line for exc in self.refused} if purge else set()
        if self.table == desired and not gone:
            if self.windows:
                return "".join(f"{line}\n" for line, _declared in self.lines)
            return self.text if self.text.endswith("\n") or not self.text else self.text + "\n"
        last_place: dict[Uids, int] = {}
        for place, (_line, declared) in enumerate(self.lines):
            if declared is not None:
                last_place[declared.uids] = place
        kept: list[str] = []
        for place, (line, declared) in enumerate(self.lines):
            if declared is None:
                if place + 1 not in gone:
                    kept.append(line)
            elif place == last_place[declared.uids] and declared.uids in desired.entries:
                limit = desired.entries[declared.uids]
                kept.append(line if declared == limit else limit.short_line())
        kept += [limit.short_line() for limit in desired if limit.uids not in last_place]
        return "".join(f"{line}\n" for line in kept)


def _apply_most(declared: list[Limit | Removal | None], refused: list[LimitsError]) -> Table:
    """The table that the lines leave, as at boot: a line that does not fit to those before it is refused by itself.

    Such a line becomes None in I(declared). LimitsError where there are too many of them.
    """
    conflicts = 0
    while True:
        table = Table()
        try:
            table.apply_parsed(declared)
        except LimitsError as exc:
            if conflicts == MAX_CONFLICTS:
                raise
            conflicts += 1
            number, problem = _first_that_does_not_fit(declared, exc)
            refused.append(problem.at(number))
            declared[number - 1] = None
        else:
            return table


def _first_that_does_not_fit(declared: list[Limit | Removal | None], problem: LimitsError) -> tuple[int, LimitsError]:
    """The number of a line that is refused after those before it, which are not, and why."""
    fitting, failing = 0, len(declared)
    while failing - fitting > 1:
        middle = (fitting + failing) // 2
        try:
            Table().apply_parsed(declared[:middle])
        except LimitsError as exc:
            failing, problem = middle, exc
        else:
            fitting = middle
    return failing, problem


def _entries_text(table: Table) -> str:
    return "".join(f"{limit.short_line()}\n" for limit in table)

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
    Removal,
    Table,
    Uids,
    Vocabulary,
    parse_lines,
    split_lines,
)

FILE_HEADER = """\
# Memory limits per UID, restored at boot. The grammar is that of /proc/uid_mem/limits:
#   UID|FIRST-LAST max=SIZE [high=SIZE] [on_high=event|term|reclaim] [policy=NAME] [metric=rss|anon] [grace_ms=N]
#     [mode=enforce|audit]
#   UID|FIRST-LAST charge_to=UID
"""


def changes(current: Table, desired: Table, again: Collection[Uids] = ()) -> list[str]:
    """The fewest lines that turn the current table into the desired one, removals first.

    The entries of I(again) are set also where they are there, which makes them those that the kernel drops last.
    """
    removed = [f"!{limit.uids}" for limit in current if limit.uids not in desired.entries]
    declared = [limit.short_line() for limit in desired if limit.uids in again or current.get(limit.uids) != limit]
    return removed + declared


@dataclass(frozen=True)
class LimitsFile:
    """A limits file: its text (None where it does not exist), its lines with what they declare, and all in all."""

    text: str | None
    lines: list[tuple[str, Limit | Removal | None]]
    table: Table

    @classmethod
    def parse(cls, text: str | None, names: Vocabulary = KNOWN) -> LimitsFile:
        """The file with that text, or a LimitsError with the number of the line that is wrong."""
        lines = split_lines(text or "")
        declared = parse_lines(lines, names)
        table = Table()
        table.apply_parsed(declared)
        return cls(text, list(zip(lines, declared, strict=True)), table)

    def edited(self, desired: Table) -> str | None:
        """The text that declares the desired table.

        Lines that say what they should stay as they are, comments and blank lines stay where they are, a changed entry
        keeps its place, new ones go to the end. A file that does not exist is not created for an empty table (None).
        """
        if self.text is None:
            return FILE_HEADER + _entries_text(desired) if len(desired) else None
        if self.table == desired:
            return self.text if self.text.endswith("\n") or not self.text else self.text + "\n"
        last_place: dict[Uids, int] = {}
        for place, (_line, declared) in enumerate(self.lines):
            if declared is not None:
                last_place[declared.uids] = place
        kept: list[str] = []
        for place, (line, declared) in enumerate(self.lines):
            if declared is None:
                kept.append(line)
            elif place == last_place[declared.uids] and declared.uids in desired.entries:
                limit = desired.entries[declared.uids]
                kept.append(line if declared == limit else limit.short_line())
        kept += [limit.short_line() for limit in desired if limit.uids not in last_place]
        return "".join(f"{line}\n" for line in kept)


def _entries_text(table: Table) -> str:
    return "".join(f"{limit.short_line()}\n" for limit in table)

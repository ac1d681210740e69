# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From any table to any other, in the kernel and in a file people edit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._diff import FILE_HEADER, LimitsFile, changes
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import (
    Limit,
    LimitsError,
    Table,
    Uids,
    parse_line,
    split_lines,
)


def edit_text(text: str | None, desired: Table) -> str | None:
    return LimitsFile.parse(text).edited(desired)


SMALL = st.integers(1, 12)
RANGES = st.tuples(SMALL, SMALL).map(lambda ends: Uids(min(ends), max(ends)))
LIMITS = st.builds(
    lambda uids, size, mode: Limit(uids, size << 20, mode=mode),
    RANGES,
    st.integers(1, 3),
    st.sampled_from(["enforce", "audit"]),
) | st.tuples(RANGES, SMALL).filter(lambda pair: pair[1] not in pair[0]).map(
    lambda pair: Limit(pair[0], None, charge_to=pair[1])
)


def _table(declared: list[Limit]) -> Table:
    table = Table()
    for limit in declared:
        before = table.copy()
        table.set(limit)
        if table.overlap() or table.chain():
            table = before
    return table


TABLES = st.lists(LIMITS, max_size=8).map(_table)
REMARKS = st.sampled_from(["# a comment", "", "  # 5 max=1M", "\t", "#"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A valid limits file as a person may have left it: any order, comments, declared twice, removed again."""
    lines: list[str] = []
    for candidate in draw(
        st.lists(
            REMARKS | LIMITS.map(Limit.line) | LIMITS.map(Limit.short_line) | LIMITS.map(lambda limit: f"!{limit.uids}")
        )
    ):
        try:
            Table.parse("\n".join([*lines, candidate]))
        except LimitsError:
            continue
        lines.append(candidate)
    return "\n".join(lines) + draw(st.sampled_from(["", "\n"]) if lines else st.just(""))


@given(TABLES, TABLES)
def test_changes_turn_current_into_desired(current: Table, desired: Table) -> None:
    table = current.copy()
    table.apply(changes(current, desired))
    assert table == desired


@given(TABLES, TABLES)
def test_changes_are_minimal(current: Table, desired: Table) -> None:
    different = [uids for uids in {*current.entries, *desired.entries} if current.get(uids) != desired.get(uids)]
    assert len(changes(current, desired)) == len(different)


@given(texts(), TABLES)
def test_edited_text_declares_desired(text: str, desired: Table) -> None:
    edited = edit_text(text, desired)
    assert edited is not None
    assert Table.parse(edited) == desired
    assert not edited or edited.endswith("\n")
    remarks = [line for line in split_lines(text) if parse_line(line) is None]
    assert [line for line in split_lines(edited) if parse_line(line) is None] == remarks
    assert edit_text(edited, desired) == edited


@given(texts())
def test_text_that_is_right_stays(text: str) -> None:
    expected = text if not text or text.endswith("\n") else text + "\n"
    assert edit_text(text, Table.parse(text)) == expected


def test_no_file() -> None:
    assert edit_text(None, Table()) is None
    assert edit_text(None, Table.parse("5 max=100M")) == FILE_HEADER + "5 max=100M\n"


def test_entry_keeps_its_place_and_form() -> None:
    text = "# apps\n10071  max=209715200\n\n# the game\n10070 max=1M\n!10070\n10070 max=2M\n"
    assert edit_text(text, Table.parse("10070 max=3M\n10071 max=200M\n5 max=1M")) == (
        "# apps\n10071  max=209715200\n\n# the game\n10070 max=3M\n5 max=1M\n"
    )


def test_removed_entry_leaves_its_comment() -> None:
    assert edit_text("# the game\n10070 max=1M\n", Table()) == "# the game\n"


def test_removals_in_a_file_go() -> None:
    text = "# one\n1-5 max=1M\n!1-5\n# two\n3-8 max=1M\n"
    assert edit_text(text, Table.parse("1-5 max=2M")) == "# one\n1-5 max=2M\n# two\n"
    assert edit_text(text, Table.parse("9 max=2M")) == "# one\n# two\n9 max=2M\n"


def test_changes_are_removals_first() -> None:
    assert changes(Table.parse("1-5 max=1M\n9 max=1M"), Table.parse("3-8 max=1M\n9 max=1M")) == ["!1-5", "3-8 max=1M"]

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail where a FILE has a turn at which a native reader of English stops.

The turns are those that came up before and are hardly ever right. Case does not matter, and a turn may go
over several lines of a comment. A file that is not text is skipped.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

# A regular expression, in which a blank also stands for the end of a line of a comment, and what to write.
TURNS = {
    # Not the loop of Python.
    r"for who(ever)?(?!,? (?:\w+ )?in\b)": "'if you ...', or name who it is",
    r"dear(er|est)?": "expensive",
    r"for want of": "because there is no ..., or 'when it is full'",
    r"again and again": "repeatedly, or 'keeps ...ing'",
    r"(can|could|to|may|might)( not|not)? be had": "available, or 'can be allocated'",
    r"becomes? another one": "changes",
    r"(is|are|words) apart by": "separated by",
    r"gives? all of them on": "passes on",
    r"found by halves": "by bisection",
    r"(kernel|device|module|host|machine) has not(?=[.;,:)])": "does not have",
    r"as at the first time": "as the first time",
    # A task is named by what it does, in the imperative.
    r"name: (?!Check|Fail|Read)[\w', ]+ (?:is|are) "
    r"(?:built|declared|gone|kept|known|made|read|removed|started|taken|there|told)$": "what the task does",
}


def pattern(turn: str) -> re.Pattern[str]:
    """The turn as whole words, with what may stand between two lines of a comment in place of each blank."""
    return re.compile(rf"\b(?:{turn})\b".replace(" ", r"\s+(?:(?:#|//|\*|\.\\\")\s+)?"), re.IGNORECASE | re.MULTILINE)


PATTERNS = [(pattern(turn), better) for turn, better in TURNS.items()]


def findings(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, turn, and what is better, for each that is found."""
    for expression, better in PATTERNS:
        for match in expression.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), better


def main() -> int:
    """Print what is found, and tell whether there is anything."""
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", metavar="FILE", type=Path, nargs="+")
    arguments = parser.parse_args()
    read = found = 0
    for path in arguments.files:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        read += 1
        for line, turn, better in sorted(findings(text)):
            found += 1
            print(f"{path}:{line}: '{turn}': {better}")
    print(f"{read} files, {found} turns")
    return 1 if found or not read else 0


if __name__ == "__main__":
    sys.exit(main())

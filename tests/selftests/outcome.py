# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests came to: from what they print to what differs between two kernels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from harness.console import BAD, GOOD  # of tests/kernel

POINT = re.compile(r"(?:#\s*)*(not )?ok\s+\d+\s*-?\s*(.*)")
# mm/run_vmtests.sh, of kernels that have no TAP there.
TITLE = re.compile(r"(?:running|running:) (?:bash )?(?:\./)?(.*)")
MARK = re.compile(r"\[(PASS|FAIL|SKIP)\]")
# What a test adds to the name of a point, if it does not come before it, and what changes from run to run.
SKIP = re.compile(r"#\s*SKIP\b")
REMARK = re.compile(r"^#\s*SKIP\b\s*|(?<=\S)\s*#.*$")
CHANGING = re.compile(r"0x[0-9a-fA-F]+|\b\d{4,}\b")
SKIPPED = 4
KILLED = 137

# Results of one test or of one of its points, one for each run.
Results = list[str]


@dataclass
class Outcome:
    """What one run of a test came to."""

    result: str
    seconds: int
    points: dict[str, str] = field(default_factory=dict)

    def count(self, result: str) -> int:
        """How many points have this result; a test without any is one itself."""
        return sum(found == result for found in self.points.values() or [self.result])

    def cell(self) -> str:
        """The outcome in a table."""
        if not self.points:
            return self.result
        counts = "/".join(str(self.count(result)) for result in ("pass", "fail", "skip"))
        return f"{self.result} {counts}"


def of_status(status: int) -> str:
    """What a test says by its exit status."""
    return {0: "pass", SKIPPED: "skip", KILLED: "timeout"}.get(status, "fail")


def _point(line: str) -> tuple[str, str] | None:
    point = POINT.match(line)
    if point is None:
        return None
    text = point[2]
    result = "skip" if SKIP.search(text) else "fail" if point[1] else "pass"
    return REMARK.sub("", text), result


def points(lines: Iterable[str]) -> dict[str, str]:
    """The results of the points of a test, by their names; those that are there twice are numbered."""
    found: dict[str, str] = {}
    title = ""
    for line in lines:
        if started := TITLE.fullmatch(line.strip()):
            title = started[1]
        named = _point(line.strip())
        if named is None and title and (mark := MARK.fullmatch(line.strip())):
            named, title = (title, mark[1].lower()), ""
        if named is None:
            continue
        name = CHANGING.sub("N", named[0]).strip() or "(no name)"
        number = 1
        unique = name
        while unique in found:
            number += 1
            unique = f"{name} ({number})"
        found[unique] = named[1]
    return found


def complaints(log: str) -> dict[str, str]:
    """The lines in which a kernel complains, each once, by what stays the same from boot to boot."""
    found: dict[str, str] = {}
    for line in log.splitlines():
        text = re.sub(r"^\[[^]]*\]\s*|[^\x20-\x7e]", "", line)
        if BAD.search(text) and not GOOD.search(text):
            found.setdefault(re.sub(r"0x[0-9a-f]+|[0-9a-f]{8,}|\d+", "N", text), text.strip())
    return found


@dataclass
class Condition:
    """What is known of a condition: for each test, its runs; and what the kernels complained of."""

    name: str
    runs: dict[str, list[Outcome]] = field(default_factory=dict)
    complaints: dict[str, str] = field(default_factory=dict)

    def results(self, test: str) -> dict[str, Results]:
        """The results of a test, as "", and of its points, of all runs."""
        runs = self.runs.get(test, [])
        found: dict[str, Results] = {"": [run.result for run in runs] or ["missing"]}
        for name in {name for run in runs for name in run.points}:
            # A test that was stopped has not come to its last points.
            found[name] = [run.points.get(name, "missing") for run in runs]
        return found

    def total(self, tests: Iterable[str], result: str) -> int:
        """How many points of these tests had this result in the first run."""
        return sum(self.runs[test][0].count(result) for test in tests if test in self.runs)


@dataclass(frozen=True)
class Difference:
    """A test or a point of it that has a result which the kernel without the patch never had."""

    condition: str
    test: str
    point: str
    expected: Results
    found: Results

    def __str__(self) -> str:
        what = f"{self.test}: {self.point}" if self.point else self.test
        return f"{what}: {words(self.found)} ({self.condition}), was {words(self.expected)} without the patch"


def words(results: Results) -> str:
    """How often a test had which result."""
    if len(results) == 1:
        return results[0]
    return ", ".join(f"{result} {count} of {len(results)}" for result, count in sorted(Counter(results).items()))


def differences(base: Condition, other: Condition, tests: Iterable[str]) -> Iterator[Difference]:
    """What is new in `other`."""
    for test in tests:
        expected, found = base.results(test), other.results(test)
        for point in sorted(expected.keys() | found.keys()):
            before, after = expected.get(point, ["missing"]), found.get(point, ["missing"])
            if not set(after) <= set(before):
                yield Difference(other.name, test, point, before, after)


def flaky(base: Condition, tests: Iterable[str]) -> Iterator[str]:
    """Tests and points that differ from run to run of the same kernel."""
    for test in tests:
        for point, results in sorted(base.results(test).items()):
            if len(set(results)) > 1:
                yield f"{test}{': ' if point else ''}{point}: {words(results)}"

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: TAP version 14, one point for each case with the points of the case as its subtest."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field

POINT = re.compile(r"(not )?ok\b(?:\s+(\d+))?(?:\s*-?\s*)(.*)")
PLAN = re.compile(r"1\.\.(\d+)")


def _say(text: str) -> None:
    print(text, flush=True)


@dataclass
class Case:
    """What a case has said up to now."""

    name: str
    started: float = field(default_factory=time.monotonic)
    points: int = 0
    failed: int = 0
    skipped: int = 0
    plan: int | None = None

    def line(self, text: str) -> None:
        """Take a line of the case's output: TAP, or what it let its programs print."""
        if plan := PLAN.fullmatch(text):
            self.plan = int(plan[1])
        elif point := POINT.fullmatch(text):
            self.points += 1
            self.failed += bool(point[1])
            self.skipped += "# SKIP" in text
            text = f"{point[1] or ''}ok {self.points} - {point[3]}"
        elif not text.startswith("#"):
            text = f"# {text}" if text else ""
        if text:
            _say("    " + text)

    def problem(self, status: int) -> str | None:
        """Say what is wrong with a case that ended with this status."""
        if self.failed:
            return f"{self.failed} of {self.points} points failed"
        if self.plan is None:
            return f"it ended before its last point, with status {status}"
        if self.plan != self.points:
            return f"{self.plan} points were planned and {self.points} made"
        if not self.points:
            return "it has no point"
        return f"its status is {status}" if status else None


@dataclass
class Report:
    """The points of a run, printed as they come."""

    points: int = 0
    failed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        _say("TAP version 14")

    def comment(self, text: str) -> None:
        """Print text that decides nothing."""
        for line in text.splitlines():
            _say(f"# {line}")

    def point(self, name: str, problem: str | None = None, seconds: float | None = None) -> None:
        """Print a point; it failed if there is a problem."""
        self.points += 1
        took = "" if seconds is None else f" # {seconds:.0f} s"
        _say(f"{'not ok' if problem else 'ok'} {self.points} - {name}{took}")
        if problem:
            self.failed.append(name)
            self.comment(problem)

    def begin(self, name: str) -> Case:
        """Begin the subtest of a case."""
        _say(f"# Subtest: {name}")
        return Case(name)

    def end(self, case: Case, problem: str | None) -> None:
        """End the subtest of a case."""
        self.point(case.name, problem, time.monotonic() - case.started)

    def finish(self) -> int:
        """Print the plan and the result; returns the exit status."""
        _say(f"1..{self.points}")
        self.comment(f"{self.points - len(self.failed)} passed, {len(self.failed)} failed")
        for name in self.failed:
            self.comment(f"failed: {name}")
        return 1 if self.failed else 0

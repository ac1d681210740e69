# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fail when less than PERCENT of the lines, or of the branches, have been run.

REPORT is what coverage.py writes as JSON. Its own fail_under is about the sum of both, in which many lines can hide
the few branches that are missing.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def main() -> int:
    """Print both, and tell whether they are enough."""
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("percent", metavar="PERCENT", type=float)
    parser.add_argument("report", metavar="REPORT", type=Path)
    arguments = parser.parse_args()
    totals = json.loads(arguments.report.read_text())["totals"]
    enough = True
    for what, run, there in (
        ("lines", totals["covered_lines"], totals["num_statements"]),
        ("branches", totals["covered_branches"], totals["num_branches"]),
    ):
        percent = 100 * run / there
        enough = enough and percent >= arguments.percent
        print(f"{what}: {run} of {there}, {percent:.2f} %; at least {arguments.percent:g} % are wanted")
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())

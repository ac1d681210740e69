# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollout printed, as its reader understands it."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

RECAP = re.compile(r"^(\S+)\s+: (ok=.*)$", re.MULTILINE)
# The report is a list of strings in JSON, one a line.
STRING = re.compile(r'^\s*("(?:[^"\\]|\\.)*"),?$', re.MULTILINE)
COLUMNS = ("outcome", "engine", "release", "previous")
OUTCOMES = (
    "failed",
    "unreachable",
    "not started",
    "staged",
    "committed",
    "rolled back",
    "module",
    "removed",
    "unchanged",
)


def _recap(log: str) -> dict[str, dict[str, int]]:
    counts = {}
    for host, words in RECAP.findall(log):
        counts[host] = {name: int(count) for name, count in (word.split("=") for word in words.split())}
    return counts


def _report(log: str) -> list[str]:
    return [json.loads(text) for text in STRING.findall(log)]


def _outcomes(lines: list[str]) -> dict[str, dict[str, str]]:
    outcomes: dict[str, dict[str, str]] = {}
    host = ""
    for line in lines:
        fields = re.split(r"\s{2,}", line.strip())
        if not line.startswith(" ") and len(fields) == 5 and fields[0] in OUTCOMES:
            host = fields[4]
            outcomes[host] = {**dict(zip(COLUMNS, fields, strict=False)), "cause": ""}
        elif host and line.startswith("    "):
            outcomes[host]["cause"] += line.strip() + " "
        else:
            host = ""
    return outcomes


def rollout_said(log: str) -> dict[str, Any]:
    """Its report, line by line; the outcome of each host as the report has it; Ansible's recap."""
    lines = _report(log)
    return {"report": lines, "outcomes": _outcomes(lines), "recap": _recap(log)}


def rollout_states(results: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """What state.sh printed, by device, from the results of a loop."""
    return {
        result["rollout_device"]: dict(line.split("=", 1) for line in result["stdout_lines"] if "=" in line)
        for result in results
    }


def _kernel(state: dict[str, str], new: str) -> str:
    return "new" if state["kernel"] == new else "old"


def _wrong(case: dict[str, Any], said: dict[str, str], state: dict[str, str], before: dict[str, str], new: str) -> str:
    """What of a device is not as the case has it; empty where all is."""
    seen = {"outcome": said.get("outcome", "not in the report")}
    wanted = {"outcome": case["outcome"]}
    if seen["outcome"] in case["outcome"].split(" or "):
        wanted["outcome"] = seen["outcome"]
    if not re.search(case.get("cause", ""), said.get("cause", "")):
        wanted["cause"] = case["cause"]
        seen["cause"] = said.get("cause", "")
    if not case.get("switched_off"):
        kernel = case.get("kernel", "old")
        wanted["kernel"] = kernel
        if kernel == "new" or said.get("engine") == "scan" or before.get("limit", "67108864"):
            wanted |= {"limit": "67108864", "engine": {"old": "scan", "new": "hooks"}[kernel]}
        seen |= {
            "kernel": _kernel(state, new),
            "limit": state["limit"],
            "engine": state["engine"],
        }
        wanted["armed"] = "yes" if case.get("armed") else "no"
        seen["armed"] = "yes" if state["armed"] else "no"
        if state["saved"]:
            wanted["default"] = "the running kernel"
            seen["default"] = "the running kernel" if state["kernel"] in state["saved"] else state["saved"]
        wanted["unfinished packages"] = "0"
        seen["unfinished packages"] = "0" if case.get("unfinished") else state["unfinished"]
    if case.get("untouched"):
        wanted["written"] = before["written"]
        seen["written"] = state["written"]
    differing = [name for name in wanted if seen[name] != wanted[name]]
    return "; ".join(f"{name}: {seen[name]!r} instead of {wanted[name]!r}" for name in differing)


def _hosts(case: dict[str, Any]) -> list[str]:
    return [case["host"]] if isinstance(case["host"], str) else list(case["host"])


def rollout_verdicts(
    cases: list[dict[str, Any]],
    said: dict[str, Any],
    states: dict[str, dict[str, str]],
    before: dict[str, dict[str, str]],
    new: str,
) -> list[dict[str, str]]:
    """A line of the table for each case; "wrong" says what is not as expected."""
    lines = []
    for case, host in [(each, host) for each in cases for host in _hosts(each)]:
        outcome = said["outcomes"].get(host, {})
        wrong = _wrong(case, outcome, states.get(host, {}), before.get(host, {}), new)
        cause = outcome.get("cause", "").strip()
        state = states.get(host, {})
        limits = "limits in force" if state.get("limit") else "no limits before or after"
        runs = "off" if case.get("switched_off") else f"runs its {_kernel(state, new)} kernel, {limits}"
        text = outcome.get("outcome", "") + (f": {textwrap.shorten(cause, 300)}" if cause else "")
        lines.append({"case": case["case"], "host": host, "outcome": f"{runs}; {text}", "wrong": wrong})
    return lines


def rollout_calls(log: str) -> dict[str, int]:
    """How many calls each device got, from what ssh_logged.sh wrote."""
    calls: dict[str, int] = {}
    for host in re.findall(r"uidmem-rollout-(\w+)/ssh_config", log):
        calls[host] = calls.get(host, 0) + 1
    return calls


class FilterModule:
    """The filters of this scenario."""

    def filters(self) -> dict[str, Any]:
        """By name."""
        return {
            "rollout_calls": rollout_calls,
            "rollout_said": rollout_said,
            "rollout_states": rollout_states,
            "rollout_verdicts": rollout_verdicts,
        }

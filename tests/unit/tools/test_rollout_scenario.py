# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What molecule/rollout takes for right, and what for wrong."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.devfleet.uid_mem.plugins.filter.rollout_report import rollout_report
from ansible_collections.devfleet.uid_mem.tests.unit.tools.loading import load

rollout = load("molecule/rollout/filter_plugins/rollout.py")
NEW = "6.1.192-uidmem-446ac93c"
OLD = "6.1.0-50-cloud-amd64"
BACK = {
    "kernel": OLD,
    "limit": "67108864",
    "engine": "scan",
    "armed": "",
    "saved": f"gnulinux-{OLD}-advanced",
    "unfinished": "0",
    "written": "abc",
}
FORWARD = {**BACK, "kernel": NEW, "engine": "hooks", "saved": f"gnulinux-{NEW}-advanced"}
OUTCOMES = {
    "d1": {"outcome": "committed", "engine": "hooks", "release": NEW, "previous": OLD},
    "d3": {"outcome": "failed", "engine": "hooks", "release": OLD, "cause": "its module does not load"},
    "d4": {"outcome": "not_started", "engine": "hooks", "release": OLD},
}


def said() -> dict[str, Any]:
    report = ",\n".join(f'        "{line}"' for line in rollout_report(OUTCOMES))
    recap = "d1      : ok=9    changed=2    unreachable=0    failed=0\nd3  : ok=9  changed=2  unreachable=0  failed=1\n"
    understood: dict[str, Any] = rollout.rollout_said(f'ok: [d1] => {{\n    "msg": [\n{report}\n    ]\n}}\n{recap}')
    return understood


def verdict(state: dict[str, str], **case: Any) -> str:
    host = case.setdefault("host", "d3")
    before = {host: {"written": "abc", "limit": "67108864"}}
    lines = rollout.rollout_verdicts([{"case": "a case", **case}], said(), {host: state}, before, NEW)
    wrong: str = lines[0]["wrong"]
    return wrong


def test_a_report_is_understood() -> None:
    understood = said()
    assert understood["recap"]["d3"]["failed"] == 1
    assert {host: outcome["outcome"] for host, outcome in understood["outcomes"].items()} == {
        "d1": "committed",
        "d3": "failed",
        "d4": "not started",
    }
    assert understood["outcomes"]["d3"]["cause"].strip() == "its module does not load"


def test_what_is_as_expected_is_not_wrong() -> None:
    assert verdict(BACK, outcome="failed", cause="does not load", untouched=True) == ""
    assert verdict(FORWARD, host="d1", outcome="committed or unchanged", kernel="new") == ""


@pytest.mark.parametrize(
    ("change", "case", "wrong"),
    [
        ({}, {"outcome": "committed"}, "outcome: 'failed' instead of 'committed'"),
        ({}, {"cause": "panic"}, "cause: "),
        ({"kernel": NEW}, {}, "kernel: 'new' instead of 'old'"),
        ({"limit": ""}, {}, "limit: '' instead of '67108864'"),
        ({"engine": "hooks"}, {}, "engine: 'hooks' instead of 'scan'"),
        ({"armed": "uid_mem-trial"}, {}, "armed: 'yes' instead of 'no'"),
        ({}, {"armed": True}, "armed: 'no' instead of 'yes'"),
        ({"saved": NEW}, {}, "default: "),
        ({"unfinished": "2"}, {}, "unfinished packages: '2' instead of '0'"),
        ({"written": "abd"}, {"untouched": True}, "written: 'abd' instead of 'abc'"),
    ],
)
def test_what_is_not_is_named(change: dict[str, str], case: dict[str, Any], wrong: str) -> None:
    assert wrong in verdict({**BACK, **change}, **{"outcome": "failed", **case})


def test_calls_are_counted_by_device() -> None:
    log = "".join(f"-F /c/devices/uidmem-rollout-{host}/ssh_config device\n" for host in ("d1", "d2", "d1"))
    assert rollout.rollout_calls(log) == {"d1": 2, "d2": 1}

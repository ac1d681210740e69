# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alert rules, dashboard and documents are about metrics that uid_memd writes; the dashboard is its program's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[3]
EXAMPLES = PROJECT / "examples"
RULES = EXAMPLES / "prometheus/uid_mem.rules.yml"
METRIC = re.compile(r"\buid_mem_[a-z_]+\b")


def written() -> set[str]:
    """The metrics in the source of uid_memd."""
    source = "".join(path.read_text() for path in (PROJECT / "userspace").glob("daemon/*.c"))
    return set(re.findall(r'"(uid_mem_[a-z_]+)"', source))


def rules() -> dict[str, dict[str, object]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def queries() -> list[str]:
    dashboard = json.loads((EXAMPLES / "grafana/uid_mem.json").read_text())
    panels = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return panels + [
        str(variable["query"]) for variable in dashboard["templating"]["list"] if variable["type"] == "query"
    ]


def test_rules_use_metrics_that_are_there() -> None:
    used = {name for rule in rules().values() for name in METRIC.findall(str(rule["expr"]))} - {"uid_mem_limits"}
    assert used
    assert used <= written()


def test_queries_use_metrics_that_are_there() -> None:
    used = {name for query in queries() for name in METRIC.findall(query)}
    assert used
    assert used <= written()


def test_every_metric_is_documented() -> None:
    page = (PROJECT / "docs/uid_memd.md").read_text()
    table = page[page.index("### Metrics") : page.index("### A command")]
    assert set(METRIC.findall("\n".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))) == written()


def test_every_alert_is_documented() -> None:
    page = (PROJECT / "docs/monitoring.md").read_text()
    rows = dict(re.findall(r"^\| `(UidMem\w+)` \| (\w+) \|", page, re.MULTILINE))
    assert rows == {name: rule["labels"]["severity"] for name, rule in rules().items()}  # type: ignore[index]


def test_every_alert_has_a_test() -> None:
    tests = yaml.safe_load((EXAMPLES / "prometheus/uid_mem.rules.test.yml").read_text())["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case["exp_alerts"]}
    quiet = {case["alertname"] for test in tests for case in test["alert_rule_test"] if not case["exp_alerts"]}
    assert fired == set(rules())
    # The alert of limits is looked at beside hosts where it is quiet.
    assert quiet | {"UidMemLimitsNotRestored"} == set(rules())


def test_the_dashboard_is_what_its_program_prints() -> None:
    program = EXAMPLES / "grafana/uid_mem_dashboard.py"
    done = subprocess.run([sys.executable, str(program), "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_another_dashboard_is_noticed(tmp_path: Path) -> None:
    for name in ("uid_mem_dashboard.py", "uid_mem.json"):
        (tmp_path / name).write_text((EXAMPLES / "grafana" / name).read_text())
    kept = tmp_path / "uid_mem.json"
    kept.write_text(kept.read_text().replace("Nearest to the limit", "Nearest"))
    command = [sys.executable, str(tmp_path / "uid_mem_dashboard.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "make it anew" in done.stderr

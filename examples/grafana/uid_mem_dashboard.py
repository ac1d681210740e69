# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print the Grafana dashboard of uid_mem, which is kept as uid_mem.json beside this file.

    pip install grafana-foundation-sdk
    python uid_mem_dashboard.py >uid_mem.json
    python uid_mem_dashboard.py --check    # fails where uid_mem.json is another one

The queries are for the metrics of uid_memd; docs/monitoring.md lists them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol, TypeVar

from grafana_foundation_sdk.builders import bargauge, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders import common as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

HOSTS = 'instance=~"$instance"'
USERS = f'{HOSTS}, uid=~"$uid"'
# The metrics of one panel for all UIDs of a large host would be a picture of nothing.
TOP = 20
DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")

BuilderT = TypeVar("BuilderT", bound="PanelBuilder")


class PanelBuilder(Protocol):
    """What the panels of all kinds have, as far as this needs it."""

    def title(self, title: str) -> object: ...  # noqa: D102
    def description(self, description: str) -> object: ...  # noqa: D102
    def datasource(self, datasource: models.DataSourceRef) -> object: ...  # noqa: D102
    def height(self, h: int) -> object: ...  # noqa: D102
    def span(self, w: int) -> object: ...  # noqa: D102


def describe(panel: BuilderT, title: str, description: str, *, width: int, height: int) -> BuilderT:
    """The head of a panel, and its size in Grafana's grid of 24 columns."""
    panel.title(title)
    panel.description(description)
    panel.datasource(DATASOURCE)
    panel.height(height)
    panel.span(width)
    return panel


def query(expression: str, legend: str = "", reference: str = "A") -> prometheus.Dataquery:
    """A query over the time of the panel."""
    return prometheus.Dataquery().expr(expression).legend_format(legend or "__auto").ref_id(reference)


def instant(expression: str, legend: str = "", reference: str = "A") -> prometheus.Dataquery:
    """A query of the latest values, as a table."""
    return query(expression, legend, reference).instant().format(PromQueryFormat.TABLE)


def thresholds(*steps: tuple[float | None, str]) -> dashboard.ThresholdsConfig:
    """From which value on there is which colour."""
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=color) for value, color in steps])
    )


def count(title: str, description: str, expression: str, *, bad: bool) -> stat.Panel:
    """One number; where it is I(bad), it is red from 1 on."""
    panel = describe(stat.Panel(), title, description, width=4, height=4)
    return (
        panel.with_target(query(expression).instant())
        .reduce_options(builders.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
        .no_value("0")
        .thresholds(thresholds((None, "green"), *([(1.0, "red")] if bad else [])))
    )


def overview() -> list[stat.Panel]:
    """What needs attention."""
    return [
        count("Hosts", "Hosts whose uid_memd writes metrics.", f"count(uid_mem_up{{{HOSTS}}})", bad=False),
        count(
            "Without module",
            "Hosts where uid_mem is not loaded: no limit is enforced.",
            f"count(uid_mem_up{{{HOSTS}}} == 0) or vector(0)",
            bad=True,
        ),
        count(
            "Limits not restored",
            "Hosts where limits of the file are not in force.",
            f"count(uid_mem_restore_failed{{{HOSTS}}} == 1 or uid_mem_restore_refused_lines{{{HOSTS}}} > 0)"
            " or vector(0)",
            bad=True,
        ),
        count(
            "Above their limit",
            "Users above their limit now. Normally one of their processes is killed within a moment.",
            f"count(uid_mem_usage_bytes{{{HOSTS}}} > uid_mem_limit_bytes{{{HOSTS}}}) or vector(0)",
            bad=True,
        ),
        count(
            "Kills",
            "Processes killed in the time shown.",
            f"round(sum(increase(uid_mem_kills_total{{{USERS}}}[$__range]))) or vector(0)",
            bad=True,
        ),
        count(
            "Kernels waiting",
            "Hosts with a kernel that the next boot tries.",
            f'count(uid_mem_kernel_waiting{{{HOSTS}, how="staged"}}) or vector(0)',
            bad=False,
        ),
    ]


def nearest() -> bargauge.Panel:
    """Who is nearest to the limit."""
    panel = describe(
        bargauge.Panel(),
        "Nearest to the limit",
        "Usage as a part of the limit. Users without limit are not shown.",
        width=12,
        height=10,
    )
    return (
        panel.with_target(
            query(
                f"sort_desc(topk({TOP}, uid_mem_usage_bytes{{{USERS}}} / uid_mem_limit_bytes{{{USERS}}} > 0))",
                "{{instance}} {{uid}}",
            ).instant()
        )
        .unit("percentunit")
        .min(0)
        .max(1)
        .orientation(common.VizOrientation.HORIZONTAL)
        .thresholds(thresholds((None, "green"), (0.8, "yellow"), (0.9, "red")))
    )


def users() -> table.Panel:
    """A row for each user."""
    panel = describe(
        table.Panel(), "Users", "The latest values of each user who has a limit or an event.", width=12, height=10
    )
    for reference, metric in (
        ("A", "usage_bytes"),
        ("B", "limit_bytes"),
        ("C", "peak_bytes"),
        ("D", "processes"),
        ("E", "kills_total"),
    ):
        panel.with_target(instant(f"max by (instance, uid) (uid_mem_{metric}{{{USERS}}})", metric, reference))
    columns = {"A": "Usage", "B": "Limit", "C": "Peak", "D": "Processes", "E": "Kills"}
    panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(
        models.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True},
                "renameByName": {
                    "instance": "Host",
                    "uid": "UID",
                    **{f"Value #{reference}": name for reference, name in columns.items()},
                },
            },
        )
    )
    for name in ("Usage", "Limit", "Peak"):
        panel.override_by_name(name, [models.DynamicConfigValue(id_val="unit", value="bytes")])
    return panel


def over_time(
    title: str, description: str, *queries: prometheus.Dataquery, unit: str, stacked: bool = False
) -> timeseries.Panel:
    """A graph."""
    panel = describe(timeseries.Panel(), title, description, width=12, height=9)
    for each in queries:
        panel.with_target(each)
    if stacked:
        panel.stacking(builders.StackingConfig().mode(common.StackingMode.NORMAL))
    return panel.unit(unit).min(0).fill_opacity(10)


def history() -> list[timeseries.Panel]:
    """How it came to that."""
    return [
        over_time(
            "Usage",
            f"The {TOP} users with the highest usage.",
            query(f"topk({TOP}, uid_mem_usage_bytes{{{USERS}}})", "{{instance}} {{uid}}"),
            unit="bytes",
        ),
        over_time(
            "Part of the limit",
            f"The {TOP} users who are nearest to their limit. At 1 a process is killed.",
            query(
                f"topk({TOP}, uid_mem_usage_bytes{{{USERS}}} / uid_mem_limit_bytes{{{USERS}}} > 0)",
                "{{instance}} {{uid}}",
            ),
            unit="percentunit",
        ),
        over_time(
            "Kills",
            "Processes killed, by user.",
            query(f"increase(uid_mem_kills_total{{{USERS}}}[$__rate_interval]) > 0", "{{instance}} {{uid}}"),
            unit="short",
            stacked=True,
        ),
        over_time(
            "Above the limit, above the high mark",
            "Times that users went above their limit, above their high mark, or could not be brought below the limit.",
            query(
                f"sum by (instance) (increase(uid_mem_max_events_total{{{USERS}}}[$__rate_interval]))",
                "max {{instance}}",
            ),
            query(
                f"sum by (instance) (increase(uid_mem_high_events_total{{{USERS}}}[$__rate_interval]))",
                "high {{instance}}",
                "B",
            ),
            query(f"increase(uid_mem_unkillable_total{{{HOSTS}}}[$__rate_interval])", "unkillable {{instance}}", "C"),
            unit="short",
        ),
    ]


def hosts() -> table.Panel:
    """A row for each host."""
    panel = describe(
        table.Panel(), "Hosts", "The engine of each host, and what is wrong with its limits.", width=24, height=8
    )
    columns = {
        "A": ("Loaded", f"max by (instance) (uid_mem_up{{{HOSTS}}})"),
        "B": ("Engine", f"max by (instance, engine) (uid_mem_info{{{HOSTS}}})"),
        "C": ("Restore failed", f"max by (instance) (uid_mem_restore_failed{{{HOSTS}}})"),
        "D": ("Lines refused", f"max by (instance) (uid_mem_restore_refused_lines{{{HOSTS}}})"),
        "E": ("Events lost", f"max by (instance) (uid_mem_events_lost_total{{{HOSTS}}})"),
    }
    for reference, (name, expression) in columns.items():
        panel.with_target(instant(expression, name, reference))
    panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(
        models.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True, "Value #B": True},
                "renameByName": {
                    "instance": "Host",
                    "engine": "Engine",
                    **{
                        f"Value #{reference}": name
                        for reference, (name, _expression) in columns.items()
                        if reference != "B"
                    },
                },
            },
        )
    )
    return panel


def several(name: str, label: str, expression: str) -> dashboard.QueryVariable:
    """A variable of the dashboard: some values of a label, or all."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(expression)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.NUMERICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
    )


def make_dashboard() -> models.Dashboard:
    """All of it."""
    made = (
        dashboard.Dashboard("uid_mem: memory limits of users")
        .uid("uid-mem")
        .description("Memory limits per UID, enforced by the kernel module uid_mem, as uid_memd tells of them.")
        .tags(["uid_mem", "memory"])
        .editable()
        .refresh("1m")
        .time("now-6h", "now")
        .timezone("browser")
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(several("instance", "Host", "label_values(uid_mem_up, instance)"))
        .with_variable(several("uid", "UID", 'label_values(uid_mem_usage_bytes{instance=~"$instance"}, uid)'))
    )
    for panel in (*overview(), nearest(), users(), *history(), hosts()):
        made.with_panel(panel)
    return made.build()


def main(arguments: list[str]) -> int:
    """Print it, or compare it."""
    text = JSONEncoder(sort_keys=True, indent=2).encode(make_dashboard()) + "\n"
    if not arguments:
        sys.stdout.write(text)
        return 0
    if arguments != ["--check"]:
        sys.stderr.write(f"usage: {Path(__file__).name} [--check]\n")
        return 0 if arguments in (["-h"], ["--help"]) else 2
    kept = Path(__file__).with_name("uid_mem.json")
    if kept.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{kept} is not what {Path(__file__).name} prints: make it anew\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

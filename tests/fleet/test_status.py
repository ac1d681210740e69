# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The playbook status on five devices, of which some are off or go wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.devfleet.uid_mem.tests.fleet.conftest import LIMIT, NEW, OLD, Fleet, Run, StandIn
from ansible_collections.devfleet.uid_mem.tests.unit.device import FEATURES
from ansible_collections.devfleet.uid_mem.tests.unit.plugins.plugin_utils.test_status_page import Page

MIB = 1 << 20
LINE = "10070 max=67108864 high=max on_high=event policy=default metric=rss grace_ms=0 mode=enforce\n"
KILL = 'seq=0 ts=5000000000 event=kill uid=10070 pid=9 comm="{}" usage=70000000 max=67108864\n'


def provision(device: StandIn, *, file: str = "10070 max=64M\n", comm: str = "bloat") -> None:
    """Give a device our kernel, the module, its limit in kernel and file, a user and a kill."""
    device.set(running=NEW, default=NEW, previous=OLD, kernels=f"{NEW}:1:2:3")
    proc = device.root / "proc" / "uid_mem"
    proc.mkdir()
    contents = {"features": FEATURES, "limits": LINE, "events": KILL.format(comm)}
    contents["stats"] = f"10070 usage={48 * MIB} peak={60 * MIB} procs=3 max={64 * MIB} kills=1\n"
    for name, text in contents.items():
        (proc / name).write_text(text)
    (device.root / "etc" / "uid_mem").mkdir()
    (device.root / "etc" / "uid_mem" / "limits").write_text(file)


def table(run: Run) -> list[str]:
    """The lines that were shown: YAML has them as they are, JSON as a list."""
    found = re.search(r"TASK \[Show the fleet\].*?\n    msg: (?:\|-\n)?(.*?)\n\n(?=TASK|PLAY)", run.text, re.DOTALL)
    if found:
        return [line.removeprefix("        ") for line in found[1].split("\n")]
    found = re.search(r'TASK \[Show the fleet\].*?"msg": (\[.*?\n    \])', run.text, re.DOTALL)
    assert found is not None, run.text
    lines: list[str] = json.loads(found[1])
    return lines


def read_page(fleet: Fleet, path: Path | None = None) -> Page:
    return Page((path or fleet.place / "cache" / "uid_mem" / "status.html").read_text())


def hosts(page: Page) -> dict[str, str]:
    """Host to state."""
    return {cells[1].split("\n")[0]: cells[0] for cells in page.rows[1:]}


@pytest.fixture(params=["yaml", "json"])
def result_format(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How Ansible shows results, which decides on how the table has to be handed to it."""
    monkeypatch.setenv("ANSIBLE_CALLBACK_RESULT_FORMAT", request.param)


def show(fleet: Fleet, *options: str, **variables: Any) -> Run:
    return fleet.play("status", *options, **{"uid_mem_limits": [LIMIT], **variables})


@pytest.mark.usefixtures("result_format")
def test_a_fleet_with_every_fault(fleet: Fleet) -> None:
    """The first one is off, so that whatever runs once does not depend on it."""
    fleet["d1"].switch(on=False)
    provision(fleet["d2"])
    provision(fleet["d3"], file="10070 max=32M\n")
    fleet["d4"].fault("survey")
    run = show(fleet)
    assert run.status == 0
    assert (run.failed, run.unreachable) == ([], [])
    assert set(run.changed.values()) == {0}
    lines = table(run)
    assert [line.split()[:2] for line in lines[1:6]] == [
        ["d1", "unreachable"],
        ["d4", "error"],
        ["d5", "error"],
        ["d3", "warning"],
        ["d2", "ok"],
    ]
    assert lines[5].split() == ["d2", "ok", NEW, "hooks", "=", OLD, "-", "1", "75%", "no", "1", "-"]
    assert "d1: unreachable: no route to the stand-in" in lines
    assert "d3: warning: 1 entry differs from the limits file" in lines
    assert [line for line in lines if line.startswith("d4: ")] == [
        "d4: error: kernels cannot be read: the survey went wrong",
        "d4: error: module uid_mem is not loaded, declared limits are not enforced",
    ]
    assert "5 hosts, 4 reachable, 4 need attention, 2 limits in force, 3 hosts with drift, 2 kills in 24 h" in lines
    assert lines[-1] == f"page: {fleet.place}/cache/uid_mem/status.html"
    page = read_page(fleet)
    assert hosts(page) == {"d1": "Unreachable", "d4": "Error", "d5": "Error", "d3": "Warning", "d2": "OK"}
    assert page.sums() == {
        **{"Hosts": 5, "Reachable": 4, "Need attention": 4},
        **{"With drift": 3, "Limits in force": 2, "Kills in 24 h": 2},
    }
    assert [rectangle["width"] for rectangle in page.of("rect")] == ["75%", "75%"]
    # One call to ask for the kernels, one for the limits.
    assert {name: fleet[name].calls() for name in fleet.devices} == {
        **{"d1": ["exec"]},
        **{name: ["exec", "exec"] for name in ("d2", "d3", "d4", "d5")},
    }


def test_nobody_answers(fleet: Fleet) -> None:
    for device in fleet.devices.values():
        device.switch(on=False)
    run = show(fleet)
    assert run.status == 0
    assert hosts(read_page(fleet)) == dict.fromkeys(fleet.devices, "Unreachable")
    run = show(fleet, status_strict=True)
    assert run.status == 2
    assert "5 of 5 hosts need attention: d1, d2, d3, d4, d5" in run.text
    assert hosts(read_page(fleet)) == dict.fromkeys(fleet.devices, "Unreachable")


def test_strict_about_hosts_that_are_well(fleet: Fleet) -> None:
    provision(fleet["d2"])
    assert show(fleet, status_strict=True, status_hosts="d2").status == 0


def test_some_of_the_hosts(fleet: Fleet) -> None:
    """--limit need not have the first host, nor localhost."""
    path = fleet.place / "report" / "fleet.html"
    run = show(fleet, "--limit", "!d1", status_hosts="d1:d2:d3", status_page=str(path), status_format="html,json")
    assert run.status == 0
    assert set(hosts(read_page(fleet, path))) == {"d2", "d3"}
    assert table(run) == [f"page: {path}", f"json: {path.with_suffix('.json')}"]
    written = json.loads(path.with_suffix(".json").read_text())
    assert [row["host"] for row in written["hosts"]] == ["d2", "d3"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", written["time"])
    assert fleet["d1"].calls() == []


def test_check_mode(fleet: Fleet) -> None:
    """It changes nothing on a device, so that it does the same."""
    provision(fleet["d2"])
    run = show(fleet, "--check", "--diff", status_hosts="d2")
    assert run.status == 0
    assert hosts(read_page(fleet)) == {"d2": "OK"}
    assert "<html" not in run.text


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"status_hosts": "devicse"}, "status_hosts: 'devicse' matches no host and no group of the inventory."),
        ({"status_format": "table,pdf"}, "status_format: pdf is not one of table, html and json."),
    ],
)
def test_mistyped(fleet: Fleet, variables: dict[str, str], message: str) -> None:
    run = show(fleet, **variables)
    assert run.status != 0
    assert message in " ".join(run.text.split())
    assert all(device.calls() == [] for device in fleet.devices.values())


HOSTILE = {
    "d1": "{{ lookup('ansible.builtin.pipe', 'touch TAKEN') }}",
    "d2": "{% for x in [1] %}{{ 7 * 7 }}{% endfor %}",
    "d3": "</script><script>alert(1)</script>",
    "d4": "<img/src=x/onerror=alert(1)>",
    "d5": "a\x1b[2Jb",
}


def test_what_a_device_says_stays_text(fleet: Fleet) -> None:
    """It is no template for Ansible, no markup for the page and no command for the terminal."""
    texts = {name: text.replace("TAKEN", str(fleet.place / "taken")) for name, text in HOSTILE.items()}
    for name, text in texts.items():
        provision(fleet[name], comm=text)
        fleet[name].set(running=text, default=text, kernels="")
    run = show(fleet, status_format="table,html,json")
    assert run.status == 0
    assert not (fleet.place / "taken").exists()
    page = read_page(fleet)
    assert len(page.of("script")) == 2
    assert page.of("img") == []
    rows = json.loads((fleet.place / "cache" / "uid_mem" / "status.json").read_text())["hosts"]
    for row, cells in zip(rows, page.rows[1:], strict=True):
        visible = texts[row["host"]].replace("\x1b", "\\x1b")
        assert (row["kernel"], row["last_kills"][0]["comm"]) == (visible, visible)
        assert visible in cells[2]
        assert any(visible in line for line in table(run))

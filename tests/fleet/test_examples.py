# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The sample inventory, its variables and its playbook, on hosts that are directories."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ansible_collections.devfleet.uid_mem.tests.fleet.conftest import NEW, OLD, Fleet, Run, StandIn

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLES = PROJECT / "examples"
LOGIN = ("login1", "login2")
BUILD = ("build1", "build2", "build3")


class Site:
    """The hosts of the sample inventory."""

    def __init__(self, fleet: Fleet, write_limits: Path) -> None:
        self.fleet = fleet
        self.hosts = {name: StandIn(fleet.place / name, write_limits) for name in (*LOGIN, *BUILD)}
        # What is the site's own: how its hosts are reached. Nothing is built.
        self.connection = fleet.place / "connection.yml"
        variables = {
            "ansible_connection": "stand_in",
            "ansible_become": False,
            "stand_in_artifacts": str(fleet.artifacts),
            # As long as it may take on a busy machine: all of them come back.
            "kernel_install_boot_timeout": 120,
        }
        self.connection.write_text(yaml.safe_dump({"uid_mem": {"hosts": dict.fromkeys((*LOGIN, *BUILD), variables)}}))

    def play(self, *options: str) -> Run:
        _command, environment = self.fleet.command("status")
        command = [sys.executable, "-m", "ansible", "playbook"]
        command += ["-i", str(EXAMPLES / "inventory.yml"), "-i", str(self.connection), str(EXAMPLES / "site.yml")]
        done = subprocess.run(
            [*command, *options], env=environment, capture_output=True, text=True, check=False, timeout=1800
        )
        print(done.stdout, done.stderr)
        return Run(done)

    def limits(self, name: str) -> dict[str, str]:
        """UIDs to the rest of the line, of the file."""
        lines = (self.hosts[name].root / "etc/uid_mem/limits").read_text().splitlines()
        return dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture
def site(make_fleet: Callable[[int], Fleet], write_limits: Path) -> Site:
    return Site(make_fleet(0), write_limits)


def test_the_site_is_brought_to_its_limits(site: Site) -> None:
    run = site.play()
    assert run.status == 0
    assert {name: site.hosts[name].get("running") for name in (*LOGIN, *BUILD)} == {
        **dict.fromkeys(LOGIN, OLD),
        **dict.fromkeys(BUILD, NEW),
    }
    for name in LOGIN:
        assert set(site.limits(name)) == {"1000-59999", "1500"}
    for name in BUILD:
        assert site.limits(name) == {"20000-29999": "max=4G policy=youngest"}
    again = site.play()
    assert again.status == 0
    assert again.changed == dict.fromkeys(again.changed, 0)


def test_who_is_near_a_limit_is_shown(site: Site) -> None:
    site.play()
    stats = site.hosts["login1"].root / "proc/uid_mem/stats"
    stats.write_text(
        "1001 usage=95 peak=99 procs=1 max=100 kills=0\n"
        "1002 usage=50 peak=99 procs=1 max=100 kills=0\n"
        "1003 usage=95 peak=99 procs=1 max=max kills=0\n"
    )
    text = site.play().text
    assert "UID 1001 uses 95.00 Bytes of 100.00 Bytes" in text
    assert "UID 1002 uses" not in text
    assert "UID 1003 uses" not in text


def test_check_mode_changes_nothing(site: Site) -> None:
    assert site.play("--check", "--diff").status == 0
    assert not (site.hosts["login1"].root / "etc/uid_mem/limits").exists()
    assert site.hosts["build1"].get("running") == OLD


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("eda/playbooks/*.yml")), ids=lambda path: path.name)
def test_playbooks_of_the_rulebooks_are_valid(site: Site, path: Path) -> None:
    _command, environment = site.fleet.command("status")
    command = [sys.executable, "-m", "ansible", "playbook", "--syntax-check", "-i", str(EXAMPLES / "eda/hosts.yml")]
    subprocess.run([*command, str(path)], env=environment, check=True)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("eda/rulebooks/*.yml")), ids=lambda path: path.name)
def test_rulebooks_name_what_is_there(path: Path) -> None:
    variables = yaml.safe_load((EXAMPLES / "eda/vars.yml").read_text())
    text = path.read_text()
    (rulebook,) = yaml.safe_load(text)
    for rule in rulebook["rules"]:
        if "run_playbook" in rule["action"]:
            assert (EXAMPLES / "eda" / rule["action"]["run_playbook"]["name"]).is_file()
            assert set(rule["action"]["run_playbook"]["extra_vars"]) <= set(variables)
    for source in rulebook["sources"]:
        assert json.dumps(source).count("{{ ") == 4
        assert (PROJECT / "extensions/eda/plugins/event_source/uid_mem_events.py").is_file()

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lookup plugin fleet: hosts of a pattern, and what it says of a mistyped one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible import context
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.utils.context_objects import CLIArgs

from ansible_collections.devfleet.uid_mem.plugins.lookup import fleet
from ansible_collections.devfleet.uid_mem.tests.unit.loading import load

GROUPS = {
    "all": ["d1", "d2", "d3", "d4", "other"],
    "ungrouped": ["other"],
    "devices": ["d3", "d1", "d2", "d4"],
    "canaries": ["d2"],
    "maintenance": [],
}


def look_up(*terms: Any, variables: dict[str, Any] | None = None, **options: Any) -> list[str]:
    loader: Any = DataLoader
    plugin = load(fleet.LookupModule(loader=loader()), fleet)
    hosts: list[str] = plugin.run(list(terms), {"groups": GROUPS, **(variables or {})}, **options)
    return hosts


def refused(*terms: Any, **options: Any) -> str:
    with pytest.raises(AnsibleLookupError) as error:
        look_up(*terms, variable="provision_hosts", **options)
    return str(error.value)


@pytest.mark.parametrize(
    ("pattern", "hosts"),
    [
        ("devices", ["d3", "d1", "d2", "d4"]),
        ("devices:!canaries", ["d3", "d1", "d4"]),
        (["devices", "!d4"], ["d3", "d1", "d2"]),
        ("d1,d2", ["d1", "d2"]),
        ("devices:&canaries", ["d2"]),
        ("devices[0]", ["d3"]),
        ("~d[12]", ["d1", "d2"]),
        ("oth*", ["other"]),
        ("all", ["d1", "d2", "d3", "d4", "other"]),
        ("devices:!maintenance", ["d3", "d1", "d2", "d4"]),
        ("localhost", ["localhost"]),
    ],
)
def test_hosts_of_a_pattern(pattern: Any, hosts: list[str]) -> None:
    assert look_up(pattern) == hosts


@pytest.mark.parametrize("pattern", ["devcies", "devices:!d9", "devices,d9", "x*", "~x.*", "devices:&", "devices[9]"])
def test_a_part_that_matches_nothing(pattern: str) -> None:
    assert "provision_hosts: '" in refused(pattern)
    assert "matches no host and no group" in refused(pattern)


def test_what_was_meant_is_named() -> None:
    said = refused("devcies")
    assert "'devcies' matches no host" in said
    assert "Did you mean 'devices'?" in said
    assert "Groups: canaries, devices, maintenance." in said


def test_an_inventory_without_groups() -> None:
    assert "The inventory has no groups." in refused("x", variables={"groups": {"all": ["d1"], "ungrouped": ["d1"]}})


@pytest.mark.parametrize("pattern", ["maintenance", "devices:!devices", "", []])
def test_no_host_left(pattern: Any) -> None:
    assert "has no hosts." in refused(pattern)
    assert look_up(pattern, required=False) == []


def test_limit(tmp_path: Path) -> None:
    assert look_up("devices", variables={"ansible_limit": "!d4"}) == ["d3", "d1", "d2"]
    assert look_up("devices", variables={"ansible_limit": "d2,d1"}) == ["d1", "d2"]
    assert look_up("devices", variables={"ansible_limit": "d1"}, limit="") == ["d3", "d1", "d2", "d4"]
    (tmp_path / "hosts").write_text("d4\n")
    assert look_up("devices", limit=f"@{tmp_path}/hosts") == ["d4"]
    assert "--limit other leaves none of d3, d1, d2, d4." in refused("devices", limit="other")
    assert look_up("devices", limit="other", required=False) == []


def test_long_lists_are_short() -> None:
    many = [f"host{number}" for number in range(30)]
    said = refused("host*", limit="other", variables={"groups": {"all": [*many, "other"], "ungrouped": []}})
    assert said.endswith("host9 and 20 more.")


def test_facts() -> None:
    hostvars = {
        "d1": {"failed": True, "kind": "a"},
        "d2": {"failed": False, "kind": "b"},
        "d3": {"kind": "a"},
        "d4": {"kind": ""},
    }
    variables = {"hostvars": hostvars}
    assert look_up("devices", facts={"failed": True}, variables=variables) == ["d1"]
    assert look_up("devices", facts={"kind": "a"}, variables=variables) == ["d3", "d1"]
    assert look_up("devices", facts={"kind": "a", "failed": False}, variables=variables) == []
    assert look_up("devices", first_of="kind", variables=variables) == ["d3", "d2"]


def test_a_syntax_check_needs_no_inventory(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: Any = CLIArgs
    monkeypatch.setattr(context, "CLIARGS", arguments({"syntax": True}))
    assert look_up("devcies") == ["devcies"]

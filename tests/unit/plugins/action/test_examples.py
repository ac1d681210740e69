# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Each example of the documentation, through the real plugins on a device."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ansible import template
from ansible.parsing.dataloader import DataLoader

from ansible_collections.devfleet.uid_mem.plugins.action import uid_mem_info, uid_mem_limit
from ansible_collections.devfleet.uid_mem.plugins.modules import uid_mem_info as info_doc
from ansible_collections.devfleet.uid_mem.plugins.modules import uid_mem_limit as limit_doc

if TYPE_CHECKING:
    from ansible_collections.devfleet.uid_mem.tests.unit.host import Host

ACTIONS = {
    "devfleet.uid_mem.uid_mem_limit": uid_mem_limit,
    "devfleet.uid_mem.uid_mem_info": uid_mem_info,
}
KEYWORDS = {"name", "become", "register"}
# ansible-core 2.19 and later render only what is marked as a template.
trusted = getattr(template, "trust_as_template", str)


def examples(text: str) -> list[Any]:
    tasks: list[dict[str, Any]] = yaml.safe_load(text)
    return [pytest.param(task, id=task["name"]) for task in tasks]


def action_of(task: dict[str, Any]) -> str:
    (name,) = task.keys() - KEYWORDS
    return str(name)


def _marked(value: Any) -> Any:
    return trusted(value) if isinstance(value, str) else value


@pytest.fixture
def ready(host: Host) -> Host:
    """A host with what the examples speak of: Android's directory, and a user named games."""
    (host.device.root / "data" / "local" / "uid_mem").mkdir(parents=True)
    (host.device.proc / "events").write_text("seq=0 ts=1 event=limit_set uid=5 max=1048576\n")
    return host


@pytest.mark.parametrize("task", examples(limit_doc.EXAMPLES))
def test_example_of_uid_mem_limit(ready: Host, task: dict[str, Any]) -> None:
    assert action_of(task) == "devfleet.uid_mem.uid_mem_limit"
    assert task["become"]
    args = task["devfleet.uid_mem.uid_mem_limit"]
    if subprocess.run(["id", "-u", "games"], capture_output=True, check=False).returncode:
        pytest.skip("this machine has no user named games")
    # There is something to do for each, also where a limit is to go.
    ready.device.limits.write_text("10070 max=9437184 high=max policy=default metric=rss grace_ms=0 mode=enforce\n")
    ready.device.write_file("10070 max=9M\n")
    predicted = ready.limit(check=True, **args)
    result = ready.limit(**args)
    assert result == predicted
    assert result["changed"], result
    again = ready.limit(**args)
    assert not again["changed"]
    assert "warnings" not in again


def test_examples_of_uid_mem_info(ready: Host) -> None:
    """In their order, as a later one speaks of what an earlier one has registered."""
    variables: dict[str, Any] = {"omit": "__omit__"}
    asserted = 0
    for task in yaml.safe_load(info_doc.EXAMPLES):
        templar: Any = template.Templar(loader=DataLoader(), variables=variables)  # type: ignore[no-untyped-call]
        action = action_of(task)
        if action == "ansible.builtin.assert":
            assert templar.template(trusted("{{ " + task[action]["that"] + " }}")) is True
            asserted += 1
            continue
        args = {name: templar.template(_marked(value)) for name, value in (task[action] or {}).items()}
        result = ready.run(ACTIONS[action], args)
        assert not result.get("failed"), result
        variables[task.get("register", "unused")] = result
    assert asserted == 2
    assert variables["recently"]["events"]

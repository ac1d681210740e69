# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Each example of the documentation, by a real ansible-playbook on a device, with its become: a command within quotes
within quotes, as sudo gets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ansible_collections.devfleet.uid_mem.plugins.modules import uid_mem_info as info_doc
from ansible_collections.devfleet.uid_mem.plugins.modules import uid_mem_limit as limit_doc
from ansible_collections.devfleet.uid_mem.tests.unit.fleet import Fleet, write_program

if TYPE_CHECKING:
    from pathlib import Path

ACTION = "devfleet.uid_mem.uid_mem_limit"

# A user of the device, on whatever machine this runs.
ID = """\
#!/bin/sh
case "$*" in *games) echo 5 ;; *) PATH={path} exec id "$@" ;; esac
"""


def make_fleet(place: Path, size: int, write_limits: Path) -> Fleet:
    """A device for each example: Android's directory, a user games with subordinate UIDs, and a limit that can go."""
    fleet = Fleet(place, size, write_limits)
    for device in fleet.devices:
        (device.root / "data" / "local" / "uid_mem").mkdir(parents=True)
        (device.proc / "events").write_text("seq=0 ts=1 event=limit_set uid=5 max=1048576\n")
        programs, path = device.environment["PATH"].split(":", 1)
        write_program(fleet.place / programs / "id", ID.format(path=path))
        device.limits.write_text(
            "10070 max=9437184 high=max on_high=event policy=default metric=rss grace_ms=0 mode=enforce\n"
        )
        device.write_file("10070 max=9M\n")
        (device.root / "etc" / "group").write_text("students:x:500:games\n")
        # Not the process that would sleep for two hours.
        (device.root / "run" / "systemd" / "system").mkdir(parents=True)
        write_program(fleet.place / programs / "systemd-run", "#!/bin/sh\n")
        (device.root / "etc" / "subuid").write_text("games:100000:65536\n")
    return fleet


def play(fleet: Fleet, plays: list[dict[str, Any]], *, pipelining: bool) -> int:
    """Run them; how often sudo was called, each time for the host's shell with the one command it is given."""
    fleet.play(yaml.safe_dump(plays), pipelining=pipelining, ansible_become_exe=fleet.place / "sudo")
    calls = fleet.sudo_calls.read_text().splitlines()
    for call in calls:
        *flags, shell, option = call.split()
        assert flags == ["-H", "-S", "-n", "-u", "root"]
        assert shell.endswith("/shell")
        assert option == "-c"
    return len(calls)


def play_of(number: int, tasks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"hosts": f"host{number}", "gather_facts": False, "tasks": tasks}


def makes_true(*conditions: str) -> dict[str, Any]:
    return {"name": "It has", "ansible.builtin.assert": {"that": list(conditions)}}


@pytest.mark.parametrize("pipelining", [True, False])
def test_examples_of_uid_mem_limit(tmp_path: Path, write_limits: Path, *, pipelining: bool) -> None:
    examples = yaml.safe_load(limit_doc.EXAMPLES)
    plays = []
    for number, task in enumerate(examples):
        assert task.keys() == {"name", "become", ACTION}
        tasks = [
            {**task, "check_mode": True, "register": "predicted"},
            {**task, "register": "result"},
            {**task, "register": "again"},
            makes_true(
                "result == predicted", "result.changed", "not again.changed", "again.warnings | default([]) == []"
            ),
        ]
        plays.append(play_of(number, tasks))
    fleet = make_fleet(tmp_path, len(examples), write_limits)
    # A read each time, and one write.
    assert play(fleet, plays, pipelining=pipelining) == 4 * len(examples)


@pytest.mark.parametrize("pipelining", [True, False])
def test_examples_of_uid_mem_info(tmp_path: Path, write_limits: Path, *, pipelining: bool) -> None:
    """In their order, as a later one speaks of what an earlier one has registered."""
    tasks = yaml.safe_load(info_doc.EXAMPLES)
    reads = [task for task in tasks if "devfleet.uid_mem.uid_mem_info" in task]
    assert all(task["become"] for task in reads)
    fleet = make_fleet(tmp_path, 1, write_limits)
    plays = [play_of(0, [*tasks, makes_true("recently.events | length == 1", "uid_mem.limits[0].uid == '10070'")])]
    assert play(fleet, plays, pipelining=pipelining) == len(reads)

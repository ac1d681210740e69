# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tasks that run on one device at the same moment, as those of hosts delegated to it, or of two controllers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils import _remote
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import read_command, write_command
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import Table
from ansible_collections.devfleet.uid_mem.tests.unit.host import Host

if TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.devfleet.uid_mem.tests.unit.device import Device

AT_ONCE = 8
COMMENTS = ["# mine", "", "# and this"]


@pytest.fixture
def crowded(device: Device, write_limits: Path, monkeypatch: pytest.MonkeyPatch) -> Device:
    """A device with limits in kernel and file, and a lock that somebody has left."""
    root = str(device.root)
    monkeypatch.setattr(_remote, "read_command", partial(read_command, root=root))
    # The shell of busybox takes no dd but its own, so it gets the one that writes limits as a function.
    monkeypatch.setattr(
        _remote,
        "write_command",
        lambda change: write_command(change, root).replace("LC_ALL=C\n", f"LC_ALL=C\n{device.prelude}\n", 1),
    )
    there = Table.parse("".join(f"{uid} max=1M\n" for uid in range(1, AT_ONCE + 1)))
    device.load_module(there.text())
    device.install_kernel(write_limits)
    device.write_file("".join(f"{line}\n" for line in COMMENTS) + there.text())
    (device.file.parent / ".limits.uid_mem.lock").symlink_to("of an earlier boot")
    return device


def declare(device: Device, number: int) -> dict[str, Any]:
    """One of these tasks: it adds a limit and removes another."""
    return Host(device).limit(
        limits=[{"uid": 1000 + number, "max": "2M"}, {"uid": 1 + number, "state": "absent"}], diff=False
    )


def test_nothing_is_lost(crowded: Device) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(partial(declare, crowded), range(AT_ONCE)))
    assert [result.get("msg") for result in results] == [None] * AT_ONCE
    assert all(result["kernel_changed"] and result["file_changed"] for result in results)
    wanted = Table.parse("".join(f"{1000 + number} max=2M\n" for number in range(AT_ONCE)))
    assert crowded.limits.read_text() == wanted.text()
    assert Table.parse(crowded.read_file()) == wanted
    assert crowded.read_file().splitlines()[:3] == COMMENTS
    assert crowded.files() == ["limits"]

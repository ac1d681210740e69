# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tasks that run on one device at the same moment, as those of hosts delegated to it, or of two controllers."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils import _remote
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import Change, read_command, write_command
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import Table, Uids
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._scripts import SUM_FUNCTION
from ansible_collections.devfleet.uid_mem.tests.unit.host import Host

if TYPE_CHECKING:
    from ansible_collections.devfleet.uid_mem.tests.unit.device import Device

AT_ONCE = 8
# Seconds after which a writer is killed; it takes some 0.05.
KILLED_AFTER = [0.002 * step for step in range(1, 26)]
COMMENTS = ["# mine", "", "# and this"]


def command_of(device: Device, change: Change) -> str:
    """The command that makes a change on the device, with what makes its dd write limits."""
    command = write_command(change, str(device.root))
    return command.replace("LC_ALL=C\n", f"LC_ALL=C\n{device.prelude}\n", 1)


@pytest.fixture
def crowded(device: Device, write_limits: Path, monkeypatch: pytest.MonkeyPatch) -> Device:
    """A device with limits in kernel and file, and a lock that somebody has left."""
    root = str(device.root)
    monkeypatch.setattr(_remote, "read_command", partial(read_command, root=root))
    # The shell of busybox takes no dd but its own, so it gets the one that writes limits as a function.
    monkeypatch.setattr(_remote, "write_command", partial(command_of, device))
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


def test_lock_that_is_taken_while_it_is_judged(crowded: Device) -> None:
    """It goes and a live process takes it, between the look at it and its removal: that one is waited for."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    started = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[19]
    owner = f"{boot}.{os.getpid()}.{started}"
    lock, looks, seen = crowded.file.parent / ".limits.uid_mem.lock", crowded.root / "looks", crowded.root / "seen"
    crowded.prelude += f"""
readlink() {{
  command readlink "$@"
  echo >>{looks}
  if [ "$(wc -l <{looks})" -eq 2 ]; then rm -f {lock}; ln -s {owner} {lock}; fi
}}
sleep() {{
  command readlink {lock} >>{seen}
  rm -f {lock}
}}"""
    assert declare(crowded, 0).get("msg") is None
    assert seen.exists(), "the lock of a live process was removed"
    assert seen.read_text() == f"{owner}\n"
    assert crowded.files() == ["limits"]


def test_killed_at_any_moment(crowded: Device) -> None:
    """As by a power cut: the file is the old one or the new one, and the next task is not hindered by what is left."""
    for number, seconds in enumerate(KILLED_AFTER):
        before = crowded.read_file()
        wanted = f"# {number}\n" + "".join(f"{uid} max={number + 1}M\n" for uid in range(1, 200))
        change = Change(
            "/etc/uid_mem/limits",
            file_text=wanted,
            set_lines=wanted.splitlines(),
            file_sum=sum_of(crowded, crowded.file),
            kernel_sum=sum_of(crowded, crowded.limits),
        )
        writer = subprocess.Popen(
            ["sh", "-c", command_of(crowded, change)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=crowded.environment,
            start_new_session=True,
        )
        assert writer.stdin
        writer.stdin.write(change.data)
        writer.stdin.close()
        time.sleep(seconds)
        os.killpg(writer.pid, signal.SIGKILL)
        writer.wait()
        assert crowded.read_file() in (before, wanted)
    result = declare(crowded, 5)
    assert result.get("msg") is None
    assert crowded.files() == ["limits"]
    in_file = Table.parse(crowded.read_file())
    assert in_file.get(Uids(1005, 1005))
    assert in_file.get(Uids(6, 6)) is None


def sum_of(device: Device, path: Path) -> str:
    return device.run(f"{SUM_FUNCTION}sum_of {path}").stdout.decode().strip()

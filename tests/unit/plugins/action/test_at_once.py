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
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._program import DIRECTORY
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
def busy_device(device: Device, write_limits: Path, monkeypatch: pytest.MonkeyPatch) -> Device:
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


def test_nothing_is_lost(busy_device: Device) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(partial(declare, busy_device), range(AT_ONCE)))
    assert [result.get("msg") for result in results] == [None] * AT_ONCE
    assert all(result["kernel_changed"] and result["file_changed"] for result in results)
    wanted = Table.parse("".join(f"{1000 + number} max=2M\n" for number in range(AT_ONCE)))
    assert busy_device.limits.read_text() == wanted.text()
    assert Table.parse(busy_device.read_file()) == wanted
    assert busy_device.read_file().splitlines()[:3] == COMMENTS
    assert busy_device.files() == ["limits"]


def test_lock_that_is_taken_while_it_is_judged(busy_device: Device) -> None:
    """It goes and a live process takes it, between the look at it and its removal: that one is waited for."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    started = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[19]
    owner = f"{boot}.{os.getpid()}.{started}"
    lock, looks, seen = (
        busy_device.file.parent / ".limits.uid_mem.lock",
        busy_device.root / "looks",
        busy_device.root / "seen",
    )
    busy_device.prelude += f"""
readlink() {{
  command readlink "$@"
  echo >>{looks}
  if [ "$(wc -l <{looks})" -eq 2 ]; then rm -f {lock}; ln -s {owner} {lock}; fi
}}
sleep() {{
  command readlink {lock} >>{seen}
  rm -f {lock}
}}"""
    assert declare(busy_device, 0).get("msg") is None
    assert seen.exists(), "the lock of a live process was removed"
    assert seen.read_text() == f"{owner}\n"
    assert busy_device.files() == ["limits"]


def test_killed_at_any_moment(busy_device: Device) -> None:
    """As by a power cut: the file is the old one or the new one, and the next task is not hindered by what is left."""
    for number, seconds in enumerate(KILLED_AFTER):
        before = busy_device.read_file()
        wanted = f"# {number}\n" + "".join(f"{uid} max={number + 1}M\n" for uid in range(1, 200))
        change = Change(
            "/etc/uid_mem/limits",
            file_text=wanted,
            set_lines=wanted.splitlines(),
            file_sum=sum_of(busy_device, busy_device.file),
            kernel_sum=sum_of(busy_device, busy_device.limits),
        )
        writer = subprocess.Popen(
            ["sh", "-c", command_of(busy_device, change)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=busy_device.environment,
            start_new_session=True,
        )
        assert writer.stdin
        writer.stdin.write(change.data)
        writer.stdin.close()
        time.sleep(seconds)
        os.killpg(writer.pid, signal.SIGKILL)
        writer.wait()
        assert busy_device.read_file() in (before, wanted)
    result = declare(busy_device, 5)
    assert result.get("msg") is None
    assert busy_device.files() == ["limits"]
    in_file = Table.parse(busy_device.read_file())
    assert in_file.get(Uids(1005, 1005))
    assert in_file.get(Uids(6, 6)) is None


def sum_of(device: Device, path: Path) -> str:
    shared = (DIRECTORY / "lib" / "read_files.sh").read_text(encoding="utf-8")
    return device.run(f"{shared}sum_of {path}").stdout.decode().strip()

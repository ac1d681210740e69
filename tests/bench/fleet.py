# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what a rollout costs the controller, and print it as a table.

Runs the playbook provision with the real ansible-playbook and the real roles on devices that are directories, as
tests/fleet does: first on devices that get a kernel (which boots at once), then again, when there is nothing to do.
With --ssh each device is reached through a real sshd on 127.0.0.1, by a connection of its own.

Memory is the proportional set size of ansible-playbook and all that it started, so that pages which its forks share
count once. It is sampled four times a second, and the largest sample counts. The seconds are those of this machine, and
differ from run to run. They are printed, never compared to anything.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.devfleet.uid_mem.tests.bench.controller import numbers, print_table, processor_seconds
from ansible_collections.devfleet.uid_mem.tests.fleet.conftest import Fleet, make_collections
from ansible_collections.devfleet.uid_mem.tests.unit.conftest import build_write_limits

SSHD = "/usr/sbin/sshd"
# The root that the scripts of uid_mem_limit get, and the sh that they are run by, are in the device's directory.
HOST_SHELL = """\
#!/bin/sh
DEVICE={root} PATH={root}/bin:$PATH
export DEVICE PATH
exec /bin/sh "$@"
"""


@dataclass
class Memory:
    """The largest sample, in MiB: of the first process, of all, and how many there were."""

    first: float = 0
    everything: float = 0
    processes: int = 0

    @property
    def of_a_fork(self) -> float:
        """What a process beside the first one takes."""
        return (self.everything - self.first) / max(self.processes - 1, 1)


def children(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in task.read_text().split():
                found += children(int(child))
        except OSError:
            continue
    return found


def proportional_mib(pid: int) -> float:
    """Its proportional set size, or 0 when it has ended."""
    try:
        found = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) / 1024 if found else 0


def watch(pid: int, ended: threading.Event) -> Memory:
    """Sample until the process has ended."""
    largest = Memory()
    while not ended.wait(0.25):
        sizes = {child: proportional_mib(child) for child in children(pid)}
        if (total := sum(sizes.values())) > largest.everything:
            workers = [size for size in sizes.values() if size > 5]  # shells and ssh are not forks of Ansible
            largest = Memory(sizes.get(pid, 0), total, len(workers))
    return largest


@dataclass(frozen=True)
class Rollout:
    """A run of the playbook; the seconds of processor are those of all its processes, the stand-ins' included."""

    seconds: float
    processor: float
    changed: int
    calls: int
    memory: Memory


class BenchFleet(Fleet):
    """A fleet whose runs are measured."""

    def roll_out(self, forks: int) -> Rollout:
        """Provision, and see that nothing went wrong."""
        for device in self.devices.values():
            device.calls()
        ended = threading.Event()
        memory: list[Memory] = []
        command, environment = self.command("provision")
        begin, used = time.monotonic(), processor_seconds()
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(
                command, env={**environment, "ANSIBLE_FORKS": str(forks)}, stdout=output, stderr=subprocess.STDOUT
            )
            watcher = threading.Thread(target=lambda: memory.append(watch(process.pid, ended)))
            watcher.start()
            status = process.wait()
            seconds, processor = time.monotonic() - begin, processor_seconds() - used
            ended.set()
            watcher.join()
            output.seek(0)
            text = output.read()
        if status:
            raise SystemExit(f"tests/bench/fleet: ansible-playbook failed:\n{text[-3000:]}")
        changed = sum(count != "0" for count in re.findall(r"^d\d+ +: ok=\d+ +changed=(\d+)", text, re.MULTILINE))
        calls = max((len(device.calls()) for device in self.devices.values()), default=0)
        return Rollout(seconds, processor, changed, calls, memory[0])


@contextmanager
def reached_by_ssh(fleet: Fleet) -> Iterator[None]:
    """An sshd on a free port, which every device of the fleet is reached through."""
    directory = fleet.place / "ssh"
    directory.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (directory / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {directory}/host\nAuthorizedKeysFile {directory}/user.pub\n"
        "PidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin prohibit-password\n"
        "MaxStartups 1000\nMaxSessions 1000\n"
    )
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with subprocess.Popen([SSHD, "-D", "-e", "-f", directory / "sshd_config"], stderr=subprocess.DEVNULL) as server:
        for name, device in fleet.devices.items():
            shell = device.root / "shell"
            shell.write_text(HOST_SHELL.format(root=device.root))
            shell.chmod(0o755)
            fleet.inventory[name] = {
                "ansible_connection": "ssh",
                "ansible_host": "127.0.0.1",
                "ansible_port": port,
                "ansible_ssh_private_key_file": str(directory / "user"),
                "ansible_control_path": f"/tmp/uid_mem-bench-{os.getpid()}-{name}",
                "ansible_ssh_extra_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
                "ansible_shell_executable": str(shell),
            }
        try:
            yield
        finally:
            server.terminate()


@contextmanager
def reached_directly(_fleet: Fleet) -> Iterator[None]:
    """The connection of tests/fleet."""
    yield


def rows(counts: list[int], forks: list[int], ssh: bool) -> Iterator[list[str]]:
    """Fleets of these sizes, with so many forks, provisioned twice."""
    yield [
        "devices",
        "forks",
        "",
        "calls each" if not ssh else "connection",
        "seconds",
        "devices per second",
        "processor seconds each",
        "MiB",
        "MiB a fork",
    ]
    yield ["--:", "--:", "---", "--:", "--:", "--:", "--:", "--:", "--:"]
    for count in counts:
        for width in forks:
            with tempfile.TemporaryDirectory() as place:
                work = Path(place)
                for name in ("collections", "fleet"):
                    (work / name).mkdir()
                collections = make_collections(work / "collections")
                fleet = BenchFleet(work / "fleet", collections, count, build_write_limits(work))
                with reached_by_ssh(fleet) if ssh else reached_directly(fleet):
                    for what, changed in (("installed", count), ("nothing to do", 0)):
                        run = fleet.roll_out(width)
                        if run.changed != changed:
                            raise SystemExit(
                                f"tests/bench/fleet: {run.changed} of {count} devices changed: {what}, {width} forks"
                            )
                        yield [
                            f"{count:,}",
                            str(width),
                            what,
                            "ssh" if ssh else str(run.calls),
                            f"{run.seconds:.1f}",
                            f"{count / run.seconds:.1f}",
                            f"{run.processor / count:.1f}",
                            f"{run.memory.everything:.0f}",
                            f"{run.memory.of_a_fork:.0f}",
                        ]


def main() -> int:
    """Run the program; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="tests/bench/fleet", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--devices", type=numbers, default=[50, 200, 500], help="devices of a fleet (default: 50,200,500)"
    )
    parser.add_argument("--forks", type=numbers, default=[20], help="devices at the same time (default: 20)")
    parser.add_argument(
        "--ssh", action="store_true", help=f"reach them through {SSHD} (Debian: openssh-server), as root"
    )
    options = parser.parse_args()
    if not shutil.which("ansible-playbook"):
        parser.error("there is no ansible-playbook; run it by 'make bench-fleet'")
    if options.ssh and not Path(SSHD).exists():
        parser.error(f"there is no {SSHD}; on Debian: apt-get install openssh-server")
    print_table(rows(options.devices, options.forks, options.ssh))
    return 0


if __name__ == "__main__":
    sys.exit(main())

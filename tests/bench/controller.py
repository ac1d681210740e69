# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure what uid_mem_limit costs the controller, and print it as tables.

Runs ansible-playbook for real, on hosts with the connection local. Each has a directory of its own in place of /: a
shell of its own gives that to the scripts as the argument they have for it. What the kernel would do is left out, the
file /proc/uid_mem/limits there is a plain one.

The seconds are those of this machine, and differ from run to run. They are printed, never compared to anything.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
FEATURES = (
    "abi=1 engine=hooks policies=highest_rss,longest_run_time,worst,youngest metrics=rss,anon,footprint"
    " on_high=event,term,reclaim\n"
)
# Processes that each host of the first table has.
PROCESSES = 200

# The shell of a host, and the sh that it finds first: sh -c SCRIPT uid_mem ROOT ARGUMENT...
HOST_SHELL = """\
#!/bin/sh
PATH={bin}:$PATH UID_MEM_ROOT={root}
export PATH UID_MEM_ROOT
begin=$(date +%s%N)
/bin/sh "$@"
status=$?
echo "$(($(date +%s%N) - begin))" >>{root}/calls
exit $status
"""
SCRIPT_SHELL = """\
#!/bin/sh
script=$2
shift 4
exec /bin/sh -c "$script" uid_mem "$UID_MEM_ROOT" "$@"
"""


@dataclass(frozen=True)
class Task:
    """A task as it was run: the seconds from its start to its result, those of its remote calls, and their number.

    C(processor) is what all of ansible-playbook has used of the processor, its start and the shells included.
    """

    seconds: float
    processor: float
    remote: float
    calls: int
    changed: bool

    @property
    def controller(self) -> float:
        """The seconds beyond the remote calls."""
        return self.seconds - self.remote


class Bench:
    """A directory with hosts, an inventory and playbooks."""

    def __init__(self, work: Path) -> None:
        self.work = work
        (work / "bin").mkdir()
        write_program(work / "bin" / "sh", SCRIPT_SHELL)

    def add_hosts(self, count: int, processes: int = 0) -> list[Path]:
        """So many hosts with the module and without limits; their directories."""
        hosts = [self.work / f"{count}-hosts" / f"host{number:04}" for number in range(count)]
        for root in hosts:
            proc = root / "proc" / "uid_mem"
            parameters = root / "sys" / "module" / "uid_mem" / "parameters"
            for directory in (proc, parameters, root / "etc"):
                directory.mkdir(parents=True)
            (proc / "limits").touch()
            (proc / "stats").touch()
            (proc / "features").write_text(FEATURES)
            (parameters / "max_entries").write_text("0\n")
            (parameters / "evict").write_text("Y\n")
            (root / "proc" / "meminfo").write_text("MemTotal: 4096000 kB\n")
            for pid in range(1000, 1000 + processes):
                (root / "proc" / str(pid)).mkdir()
                shutil.copy("/proc/self/status", root / "proc" / str(pid) / "status")
            write_program(root / "shell", HOST_SHELL.format(bin=self.work / "bin", root=root))
        (self.work / "inventory").write_text(
            "".join(f"{root.name} ansible_connection=local ansible_shell_executable={root}/shell\n" for root in hosts)
        )
        return hosts

    def play(self, limits: int, forks: int) -> tuple[float, list[str]]:
        """Declare so many limits on all hosts; the seconds of ansible-playbook, and the lines of the tasks."""
        playbook, times = self.work / "playbook.yml", self.work / "times"
        playbook.write_text(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - devfleet.uid_mem.uid_mem_limit:\n        limits:\n"
            + "".join(f"          - {{uid: {100000 + number}, max: {100 + number}M}}\n" for number in range(limits))
        )
        times.unlink(missing_ok=True)
        environment = {
            **os.environ,
            "TASK_TIMES": str(times),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "task_times",
            "ANSIBLE_PIPELINING": "true",
        }
        command = ["ansible-playbook", "-i", str(self.work / "inventory"), "-f", str(forks), str(playbook)]
        begin = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"tests/bench/controller: ansible-playbook failed:\n{done.stdout[-2000:]}{done.stderr}")
        return time.monotonic() - begin, times.read_text().splitlines()

    def measure(self, root: Path, limits: int) -> Task:
        """Declare so many limits on the one host there is."""
        (root / "calls").unlink(missing_ok=True)
        before = processor_seconds()
        _seconds, (line,) = self.play(limits, 1)
        processor = processor_seconds() - before
        _host, seconds, changed = line.split()
        calls = [int(nanoseconds) / 1e9 for nanoseconds in (root / "calls").read_text().split()]
        return Task(float(seconds), processor, sum(calls), len(calls), changed == "True")


def processor_seconds() -> float:
    """What programs that have ended have used of the processor so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def write_program(path: Path, text: str) -> None:
    """An executable file."""
    path.write_text(text)
    path.chmod(0o755)


def limits_rows(work: Path, counts: list[int]) -> Iterator[list[str]]:
    """One host, so many limits in a task, set and then unchanged."""
    yield ["limits", "", "remote calls", "their seconds", "controller seconds beyond them", "processor seconds in all"]
    yield ["--:", "---", "--:", "--:", "--:", "--:"]
    for count in counts:
        with tempfile.TemporaryDirectory(dir=work) as place:
            bench = Bench(Path(place))
            (root,) = bench.add_hosts(1, PROCESSES)
            for what in ("set", "unchanged"):
                task = bench.measure(root, count)
                if task.changed != (what == "set"):
                    raise SystemExit(
                        f"tests/bench/controller: {count} limits that are {what} were changed={task.changed}"
                    )
                seconds = [task.remote, task.controller, task.processor]
                yield [f"{count:,}", what, str(task.calls), *(f"{number:.2f}" for number in seconds)]


def hosts_rows(work: Path, counts: list[int], forks: int) -> Iterator[list[str]]:
    """So many hosts, each with a table of its own of ten limits, set and then unchanged."""
    yield ["hosts", "", "seconds", "hosts per second"]
    yield ["--:", "---", "--:", "--:"]
    for count in counts:
        with tempfile.TemporaryDirectory(dir=work) as place:
            bench = Bench(Path(place))
            bench.add_hosts(count)
            for what in ("set", "unchanged"):
                seconds, lines = bench.play(10, forks)
                changed = sum(line.endswith("True") for line in lines)
                if (len(lines), changed) != (count, count if what == "set" else 0):
                    raise SystemExit(f"tests/bench/controller: {changed} of {len(lines)} hosts changed when {what}")
                yield [f"{count:,}", what, f"{seconds:.1f}", f"{count / seconds:.1f}"]


def print_table(rows: Iterator[list[str]]) -> None:
    """Print a Markdown table, each line as soon as it is known."""
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
    print(flush=True)


def numbers(text: str) -> list[int]:
    """Numbers with commas between them."""
    return [int(word) for word in text.split(",") if word]


def main() -> int:
    """Run the program; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="tests/bench/controller", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limits", type=numbers, default=[1000, 10000], help="limits of a task (default: 1000,10000)")
    parser.add_argument(
        "--hosts", type=numbers, default=[50, 100, 200, 500], help="hosts of a run (default: 50,100,200,500)"
    )
    parser.add_argument("--forks", type=int, default=20, help="hosts at the same time (default: 20)")
    options = parser.parse_args()
    if not shutil.which("ansible-playbook"):
        parser.error("there is no ansible-playbook; run it by 'make bench-tasks'")
    with tempfile.TemporaryDirectory() as work:
        print_table(limits_rows(Path(work), options.limits))
        print_table(hosts_rows(Path(work), options.hosts, options.forks))
    return 0


if __name__ == "__main__":
    sys.exit(main())

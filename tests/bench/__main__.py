# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/bench/run: measure what uid_mem costs, in instructions, and print it as a table.

Boots kernels in QEMU with -icount shift=0,sleep=off, where one instruction of the guest takes one nanosecond of its
clock: the numbers do not depend on the speed of this machine and repeat within a fraction of a per cent. The bars are
printed beside the numbers; missing one is for a person to judge and does not fail.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.initramfs import Initramfs  # of tests/kernel

BENCH_DIR = Path(__file__).resolve().parent
PROJECT_DIR = BENCH_DIR.parents[1]
CACHE_DIR = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "uid_mem"

QEMU = "qemu-system-x86_64"
# A guest takes 2 minutes on a machine of its own; one that hangs must end as well.
GUEST_SECONDS = 1800
# Addresses decide how many page tables a fork copies, and so what it costs.
NOTHING_RANDOM = "nokaslr norandmaps randomize_kstack_offset=off"

# The same is measured with so many possible CPUs, of which one is there; QEMU's machine has room for so many.
NEAR_CPUS = (2, 255)

# CPUs on which processes fork at once. QEMU emulates them in turns, and the clock counts the instructions of all.
PARALLEL_CPUS = (1, 2, 8)

# Up to here the kernel batches what it counts, so that fewer page faults reach uid_mem.
LAST_BATCHING_SERIES = (6, 1)


class BenchError(Exception):
    """What kept the measurements from being taken; the text says what to do."""


@dataclasses.dataclass(frozen=True)
class Value:
    """A measurement: the least of its rounds, and the median of the medians of its turns, in instructions."""

    least: float
    median: float


Results = dict[str, Value]


@dataclasses.dataclass(frozen=True)
class Guest:
    """What a guest said."""

    release: str
    features: str
    results: Results


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table: a measurement, what it is compared to, and the bar."""

    what: str
    name: str
    unit: str
    base: str = ""
    allowed: float | None = None


@dataclasses.dataclass(frozen=True)
class Bars:
    """What may be added to a page fault of a limited UID, of another, and without limits; to a fork, in per cent."""

    limited: float
    other: float
    no_limits: float
    fork: float | None
    near: float | None


def bars(release: str, engine: str) -> Bars:
    """The bars of an engine on a kernel."""
    if engine == "scan":
        return Bars(limited=80, other=40, no_limits=0, fork=None, near=None)
    limited = 10 if batches(release) else 25
    return Bars(limited=limited, other=limited, no_limits=2, fork=0.5, near=20)


def batches(release: str) -> bool:
    """Whether a kernel counts page faults in batches."""
    series = re.match(r"(\d+)\.(\d+)", release)
    return series is not None and (int(series[1]), int(series[2])) <= LAST_BATCHING_SERIES


def rows(release: str, engine: str, reference: str) -> Iterator[Row]:
    """Everything the table shows, in its order. `reference` is what no limits are compared to, "" for nothing."""
    allowed = bars(release, engine)
    for kind, unit, none, limited, other in (
        ("fault", "", allowed.no_limits, allowed.limited, allowed.other),
        ("fork", "%", allowed.fork, allowed.fork, allowed.fork),
    ):
        title = {"fault": "page fault", "fork": "fork + exit + wait"}[kind]
        if reference:
            yield Row(f"{title}, kernel without CONFIG_UID_MEM", f"reference.{kind}", unit)
        yield Row(f"{title}, no limits", f"no_limits.{kind}", unit, reference and f"{reference}.{kind}", none)
        base = f"{reference or 'no_limits'}.{kind}"
        yield Row(f"{title}, limit on this UID, not reached", f"limited.{kind}", unit, base, limited)
        yield Row(f"{title}, limit on another UID", f"other_limited.{kind}", unit, base, other)
        yield Row(f"{title}, no limits, 1,000 processes of this UID", f"processes.{kind}", unit)
        yield Row(f"{title}, the same with 10,000 limits", f"many.{kind}", unit, f"processes.{kind}", limited)
        yield Row(f"{title}, memory cgroup with memory.max instead", f"memory_cgroup.{kind}", unit, base)
    least, most = NEAR_CPUS
    title = "page fault, 96 pages below the limit"
    yield Row(f"{title}, {least} possible CPUs", f"near_{least}", "%")
    yield Row(f"{title}, {most} possible CPUs", f"near_{most}", "%", f"near_{least}", allowed.near)
    for cpus in PARALLEL_CPUS:
        title = f"fork + exit + wait, 16 processes at once, {cpus} CPU{'s' if cpus > 1 else ''}"
        base = f"no_limits.parallel_{cpus}"
        yield Row(f"{title}, no limits", base, "%")
        yield Row(f"{title}, limit on this UID, not reached", f"limited.parallel_{cpus}", "%", base)
        yield Row(f"{title}, memory cgroup with memory.max instead", f"memory_cgroup.parallel_{cpus}", "%", base)
    for verb in ("write", "read"):
        yield Row(f"{verb} 1,000 limits", f"{verb}_1000", "ms")
        yield Row(f"{verb} 10,000 limits", f"{verb}_10000", "ms", allowed=100)


def added(row: Row, results: Results) -> float | None:
    """What a measurement is above the one it is compared to, in the unit of its bar."""
    least = results[row.name].least
    if row.unit == "ms":
        return least / 1e6
    if row.base not in results:
        return None
    base = results[row.base].least
    return (least / base - 1) * 100 if row.unit == "%" else least - base


def cells(row: Row, results: Results) -> list[str]:
    """A line of the table."""
    least, more = results[row.name].least, added(row, results)
    unit = {"%": " %", "ms": " million", "": ""}[row.unit]
    shown = f"{least / 1e6:.1f} million" if row.unit == "ms" else f"{least:,.1f}"
    difference = "" if more is None or row.unit == "ms" else f"{more:+.2f}{unit}"
    if row.allowed is None:
        return [row.what, shown, difference, "", ""]
    within = "" if more is None else "yes" if more <= row.allowed else "NO"
    return [row.what, shown, difference, f"≤ {row.allowed:g}{unit}", within]


def table(release: str, engine: str, results: Results) -> str:
    """The Markdown table."""
    reference = "reference" if "reference.fault" in results else ""
    lines = [["what", "instructions", "added", "bar", "within"], ["---", "--:", "--:", "--:", "---"]]
    lines += [cells(row, results) for row in rows(release, engine, reference) if row.name in results]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def command(*words: str | Path) -> str:
    """Run a program; its output."""
    try:
        done = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise BenchError(f"{words[0]} is not installed (Debian: {PACKAGES.get(str(words[0]), words[0])})") from None
    except subprocess.CalledProcessError as error:
        raise BenchError(f"{words[0]} failed: {error.stderr.strip()}") from None
    return done.stdout


PACKAGES = {QEMU: "qemu-system-x86", "gcc": "gcc libc6-dev"}


def static_busybox(path: Path) -> Path:
    """A busybox that runs in a guest without libraries."""
    if not path.is_file():
        raise BenchError(f"there is no {path}: install busybox-static, or give --busybox")
    if b"/ld-linux" in path.read_bytes():
        raise BenchError(f"{path} is not static: install busybox-static, or give --busybox")
    return path


def make_initramfs(work: Path, busybox: Path, module: Path | None) -> Path:
    """The guest's root file system."""
    program = work / "bench"
    command("gcc", "-std=gnu11", "-O2", "-Wall", "-static", "-o", program, BENCH_DIR / "bench.c")
    root = Initramfs()
    for name in ("bin", "dev", "proc", "sys"):
        root.directory(name)
    root.character_device("dev/console", 5, 1)
    for name in ("busybox", "sh"):
        root.copy(f"bin/{name}", busybox, executable=True)
    root.copy("bin/bench", program, executable=True)
    root.copy("init", BENCH_DIR / "init", executable=True)
    if module:
        root.copy("uid_mem.ko", module)
    initramfs = work / "initramfs"
    initramfs.write_bytes(root.archive())
    return initramfs


def boot(
    kernel: Path, initramfs: Path, log: Path, parameters: str = "", *, cpus: int = 1, possible_cpus: int = 1
) -> str:
    """Boot the guest until it turns itself off; what it printed."""
    arguments = [
        *(QEMU, "-M", "pc", "-cpu", "max", "-accel", "tcg", "-icount", "shift=0,sleep=off"),
        *("-smp", f"{cpus},maxcpus={max(cpus, possible_cpus)}", "-m", "1024", "-display", "none", "-monitor", "none"),
        *("-nic", "none", "-no-reboot"),
        *("-serial", f"file:{log}", "-kernel", str(kernel), "-initrd", str(initramfs)),
        *("-append", f"console=ttyS0 panic=-1 quiet no_timer_check {NOTHING_RANDOM} {parameters}"),
    ]
    try:
        subprocess.run(arguments, check=True, timeout=GUEST_SECONDS, capture_output=True, text=True)
    except FileNotFoundError:
        raise BenchError(f"{QEMU} is not installed (Debian: {PACKAGES[QEMU]})") from None
    except subprocess.TimeoutExpired:
        raise BenchError(f"the guest was not through after {GUEST_SECONDS} s; its console is in {log}") from None
    except subprocess.CalledProcessError as error:
        raise BenchError(f"QEMU failed: {error.stderr.strip()}") from None
    return log.read_text(errors="replace").replace("\r", "")


def results(console: str) -> Results:
    """The measurements among what a guest printed; each is taken several times."""
    turns: dict[str, list[Value]] = {}
    for name, least, median in re.findall(r"^result (\S+) (\S+) (\S+)$", console, re.MULTILINE):
        turns.setdefault(name, []).append(Value(float(least), float(median)))
    return {
        name: Value(min(value.least for value in values), statistics.median(value.median for value in values))
        for name, values in turns.items()
    }


def parse(console: str, log: Path) -> Guest:
    """What a guest printed, if it was all right until its end."""
    trouble = re.search(r"^.*(Kernel panic|BUG:|WARNING:|Oops|rcu.*stall).*$", console, re.MULTILINE)
    if trouble:
        raise BenchError(f"the guest's kernel says '{trouble.group().strip()}'; its console is in {log}")
    if "bench: complete" not in console:
        said = re.findall(r"^bench: .*$", console, re.MULTILINE)
        raise BenchError(f"the guest ended early ({said[-1] if said else 'it did not begin'}); its console is in {log}")
    release = re.search(r"^kernel (\S+)$", console, re.MULTILINE)
    features = re.search(r"^features (.*)$", console, re.MULTILINE)
    return Guest(
        release.group(1) if release else "unknown",
        features.group(1) if features else "",
        results(console),
    )


def measure(title: str, kernel: Path, module: Path | None, busybox: Path, results_dir: Path) -> Guest:
    """Boot a kernel and take its measurements."""
    print(f"==> {title}: {kernel}", file=sys.stderr)
    for file in (kernel, *([module] if module else [])):
        if not file.is_file():
            raise BenchError(f"there is no file {file}")
    log = results_dir / f"{title}.console"
    with tempfile.TemporaryDirectory() as work:
        initramfs = make_initramfs(Path(work), busybox, module)
        guest = parse(boot(kernel, initramfs, log), log)
        for cpus in NEAR_CPUS if module else ():
            console = boot(kernel, initramfs, log, f"bench_near=near_{cpus}", possible_cpus=cpus)
            guest.results.update(parse(console, log).results)
        for cpus in PARALLEL_CPUS if module else ():
            console = boot(kernel, initramfs, log, f"bench_parallel=parallel_{cpus}", cpus=cpus)
            guest.results.update(parse(console, log).results)
    return guest


def built_artifacts(series: str, engine: str) -> Path:
    """The directory with a kernel and its module, built if need be: for scan, Debian's own kernel."""
    program = PROJECT_DIR / {"hooks": "tools/kernel", "scan": "tests/kernel/stock"}[engine]
    done = subprocess.run([program, series], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{program} {series} failed; give --kernel and --module to measure others")
    return Path(done.stdout.splitlines()[-1])


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    parser.add_argument("--series", default="6.1", help="kernel series, a directory of patches/ (default: 6.1)")
    parser.add_argument(
        "--engine", choices=("hooks", "scan"), default="hooks", help="scan: on Debian's own kernel (default: hooks)"
    )
    parser.add_argument("--kernel", type=Path, help="kernel image; default: that of tools/kernel SERIES")
    parser.add_argument("--module", type=Path, help="uid_mem.ko for --kernel")
    parser.add_argument(
        "--baseline-kernel",
        type=Path,
        help="image of the same kernel without CONFIG_UID_MEM; without it, no limits are what others are compared to",
    )
    parser.add_argument("--busybox", type=Path, default=Path("/bin/busybox"), help="static (default: /bin/busybox)")
    options = parser.parse_args()
    if bool(options.kernel) != bool(options.module):
        parser.error("--kernel and --module belong together")
    if not re.fullmatch(r"\d+\.\d+", options.series):
        parser.error(f"--series {options.series}: a series is two numbers, as in 6.1")
    return options


def write_results(directory: Path, text: str, guests: dict[str, Guest]) -> None:
    """Keep the table, and the numbers it was made from."""
    (directory / "table.md").write_text(text + "\n")
    kept = {title: dataclasses.asdict(guest) for title, guest in guests.items()}
    (directory / "results.json").write_text(json.dumps(kept, indent=2) + "\n")
    print(f"==> results in {directory}", file=sys.stderr)


def main() -> int:
    """Run the program; returns the exit status."""
    options = parse_arguments()
    guests: dict[str, Guest] = {}
    try:
        busybox = static_busybox(options.busybox)
        if not options.kernel:
            artifacts = built_artifacts(options.series, options.engine)
            options.kernel, options.module = artifacts / "bzImage", artifacts / "uid_mem.ko"
        now = datetime.datetime.now(tz=datetime.UTC)
        directory = CACHE_DIR / "bench" / f"{now:%Y%m%dT%H%M%SZ}-{options.series}-{options.engine}"
        directory.mkdir(parents=True, exist_ok=True)
        if options.baseline_kernel:
            guests["baseline"] = measure("baseline", options.baseline_kernel, None, busybox, directory)
        guests["patched"] = measure("patched", options.kernel, options.module, busybox, directory)
    except BenchError as error:
        print(f"tests/bench/run: {error}", file=sys.stderr)
        return 1
    patched = guests["patched"]
    results = {**(guests["baseline"].results if options.baseline_kernel else {}), **patched.results}
    text = f"Linux {patched.release}, {patched.features}\n\n{table(patched.release, options.engine, results)}"
    print(text)
    write_results(directory, text, guests)
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/selftests/run: run the kernel's own selftests without the patch, with it, and under a limit; compare.

Conditions: "baseline", a kernel of the same source and configuration without CONFIG_UID_MEM, twice, so that tests that
differ by themselves are known; "patched", no module and no limit; "limited", the module and a limit that is not
reached. A test runs as the same user in each. What differs is run again, and is a difference only if the baseline never
had that result. Exit status: 0 nothing differs and the kernels complain of nothing new, 1 not so, 2 cannot run.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.artifacts import Kernel, SetupError, build_kernel, busybox, cache_dir  # of tests/kernel
from harness.guest import Guest, SilenceError
from harness.initramfs import Initramfs

from .outcome import Condition, Difference, Outcome, complaints, differences, flaky, of_status, points
from .plan import COLLECTIONS, LEFT_OUT, SECONDS, Test, tests

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
UID = 2001
MEMORY_MIB = 2048
# More than the guest has.
LIMIT = f"{UID} max=64G"
AGAIN = 3
# With one CPU, the guest's clock counts its instructions, 4 ns each, and skips the time in which it idles: what a test
# may take does not depend on what this machine does meanwhile. With two, QEMU 7.2 does not get the second one to boot.
CLOCK = "shift=2,sleep=off"
# A guest that says nothing for so long hangs, in seconds of this machine. A test that hangs is stopped by the guest.
SILENCE_SECONDS = 3600


@dataclasses.dataclass(frozen=True)
class Boot:
    """A kernel and how it is used."""

    condition: str
    image: Path
    module: Path | None = None
    limit: str = ""


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="tests/selftests/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", default="6.12", help="kernel series, a directory of patches/ (default: 6.12)")
    parser.add_argument("--artifacts", type=Path, metavar="DIR", help="take kernel and module from here, build nothing")
    parser.add_argument(
        "--baseline-kernel",
        type=Path,
        metavar="IMAGE",
        help="image of the same kernel without CONFIG_UID_MEM (default: build it, tools/kernel SERIES --baseline)",
    )
    parser.add_argument("--anon", action="store_true", help="add a condition: a limit with metric=anon")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="collections or tests: mm, mm:thp, cgroup:test_core"
    )
    parser.add_argument(
        "--seconds",
        type=int,
        default=SECONDS,
        metavar="N",
        help=f"a test may take, by the guest's clock (default: {SECONDS})",
    )
    parser.add_argument(
        "--cpus",
        type=int,
        choices=(1, 2),
        default=1,
        help="2: in parallel, by the clock of this machine, which has to be idle; 1: by a clock that counts "
        "instructions (default: 1)",
    )
    parser.add_argument("--logs", type=Path, metavar="DIR", help="keep logs and results here (default: in the cache)")
    options = parser.parse_args(arguments)
    if not re.fullmatch(r"\d+\.\d+", options.series):
        parser.error(f"--series {options.series}: a series is two numbers, as in 6.12")
    if options.seconds < 1:
        parser.error(f"--seconds {options.seconds}: a test takes at least one")
    return options


def command(words: list[str]) -> Path:
    """Run a program of the project whose last line is a path; returns that."""
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SetupError(f"{' '.join(words)} failed with status {done.returncode}")
    return Path(done.stdout.splitlines()[-1])


def boots(options: argparse.Namespace) -> list[Boot]:
    """The conditions, the first of which is what the others are compared to."""
    patched = Kernel.of_artifacts(options.artifacts or build_kernel(options.series, "x86_64", None))
    baseline: Path | None = options.baseline_kernel
    if baseline is None:
        artifacts = command([str(PROJECT / "tools/kernel"), options.series, "--baseline"])
        baseline = artifacts / json.loads((artifacts / "manifest.json").read_text())["image"]
    if not baseline.is_file():
        raise SetupError(f"there is no {baseline}")
    found = [
        Boot("baseline", baseline),
        Boot("patched", patched.image),
        Boot("limited", patched.image, patched.module, LIMIT),
    ]
    if options.anon:
        found.append(Boot("limited-anon", patched.image, patched.module, f"{LIMIT} metric=anon"))
    return found


def choose(listed: list[str], only: list[str]) -> list[Test]:
    """The tests that the command line asks for."""
    known = list(tests(listed, list(COLLECTIONS)))
    names = {name for test in known for name in test.names}
    for name in only:
        if name not in names:
            raise SetupError(f"there is no collection or test {name!r}; there are: {' '.join(sorted(names))}")
    return [test for test in known if not only or not test.names.isdisjoint(only)]


def make_initramfs(boot: Boot, chosen: list[Test], seconds: int) -> bytes:
    """What the guest starts from, and what it is to run."""
    root = Initramfs()
    for directory in ("bin", "dev", "proc", "root", "sys", "payload"):
        root.directory(directory)
    root.character_device("dev/console", 5, 1)
    for name in ("busybox", "sh"):
        root.copy(f"bin/{name}", busybox("x86_64"), executable=True)
    root.copy("init", HERE / "init", executable=True)
    root.copy("payload/guest", HERE / "guest", executable=True)
    root.file("payload/plan", "".join(test.line(seconds) for test in chosen).encode())
    if boot.module:
        root.copy("payload/uid_mem.ko", boot.module)
    settings = {"UID_LIMITED": UID, "LIMIT": boot.limit}
    root.file("payload/environment", "".join(f"{key}='{value}'\n" for key, value in settings.items()).encode())
    archive: bytes = root.archive()
    return archive


class Run:
    """One boot: what the guest says, and what is wrong with it."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.complete = False
        self.problems: list[str] = []
        self.stats = ""
        self._name = ""
        self._lines: list[str] = []

    def line(self, text: str) -> None:
        """Take a line."""
        word, _space, rest = text.partition(" ")
        if word == "=begin":
            self._name, self._lines = rest, []
        elif word == "=end":
            status, seconds, name = rest.split(" ", 2)
            outcome = Outcome(of_status(int(status)), int(seconds), points(self._lines))
            self.condition.runs.setdefault(name, []).append(outcome)
            print(f"{self.condition.name:14} {name:44} {outcome.cell():20} {seconds:>4} s", file=sys.stderr, flush=True)
            self._name = ""
        elif word == "=stats":
            self.stats = rest
        elif word == "=failed":
            self.problems.append(f"it is not so that {rest}")
        elif word == "=done":
            self.complete = True
        elif text.startswith(" "):
            self._lines.append(text[1:])

    def check(self, boot: Boot, log: str) -> None:
        """Find out whether the guest came to its end, with the limit in force."""
        self.condition.complaints.update(complaints(log))
        if not self.complete:
            where = f" in {self._name}" if self._name else ""
            tail = "\n".join(log.splitlines()[-30:])
            self.problems.append(f"the guest did not come to its end{where}; its kernel's log ends with:\n{tail}")
        if "uid_mem_selftests: begin" not in log:
            self.problems.append("the kernel's log says nothing of the tests, so that it shows nothing")
        if boot.limit and self.complete:
            stats = dict(word.split("=", 1) for word in self.stats.split()[1:])
            if int(stats.get("peak", 0)) == 0 or stats.get("kills") != "0":
                self.problems.append(f"the limit was not in force, or was reached: stats has {self.stats!r}")


def run_guest(boot: Boot, condition: Condition, root: Path, chosen: list[Test], options: argparse.Namespace) -> Run:
    """Boot, run these tests, and add what they came to to the condition."""
    logs: Path = options.logs
    run = Run(condition)
    number = len(list(logs.glob(f"{boot.condition}.*.log")))
    with (
        tempfile.TemporaryDirectory(prefix="uid_mem-selftests-") as name,
        (logs / f"{boot.condition}.{number}.output").open("w") as output,
    ):
        work = Path(name)
        initramfs = work / "initramfs"
        initramfs.write_bytes(make_initramfs(boot, chosen, options.seconds))
        guest = Guest(
            "x86_64",
            boot.image,
            initramfs,
            work=work,
            parallel=options.cpus > 1,
            parameters="",
            cpus=options.cpus,
            memory_mib=MEMORY_MIB,
            root=root,
            options=("-icount", CLOCK) if options.cpus == 1 else (),
        )
        try:
            for line in guest.lines(SILENCE_SECONDS):
                output.write(line + "\n")
                output.flush()
                run.line(line)
        except SilenceError as error:
            run.problems.append(str(error))
        finally:
            guest.stop()
            shutil.copyfile(guest.log, logs / f"{boot.condition}.{number}.log")
    run.check(boot, (logs / f"{boot.condition}.{number}.log").read_text(errors="replace"))
    return run


@dataclasses.dataclass
class Comparison:
    """All conditions, and what was wrong with their boots."""

    conditions: list[Condition]
    problems: list[str]
    chosen: list[Test]

    @property
    def names(self) -> list[str]:
        """The names of the tests."""
        return [test.name for test in self.chosen]

    def differences(self) -> list[Difference]:
        """What a condition has that the first one never had."""
        base, *others = self.conditions
        return [found for other in others for found in differences(base, other, self.names)]

    def new_complaints(self) -> list[str]:
        """What a kernel says that the one without the patch does not."""
        base, *others = self.conditions
        return [
            f"{text} ({other.name})"
            for other in others
            for key, text in other.complaints.items()
            if key not in base.complaints
        ]


def compare(options: argparse.Namespace) -> Comparison:
    """Run everything."""
    collections = list(COLLECTIONS)
    built = command([str(HERE / "build"), options.series, *collections])
    chosen = choose((built / "list").read_text().split(), options.only)
    all_boots = boots(options)
    comparison = Comparison([Condition(boot.condition) for boot in all_boots], [], chosen)
    by_name = dict(zip((boot.condition for boot in all_boots), comparison.conditions, strict=True))

    def boot_once(boot: Boot, which: list[Test]) -> None:
        run = run_guest(boot, by_name[boot.condition], built / "root.img", which, options)
        comparison.problems += [f"{boot.condition}: {problem}" for problem in run.problems]

    for boot in [all_boots[0], *all_boots]:
        boot_once(boot, chosen)
    # What differs may do so by itself, but seldom: more runs of both tell.
    differing = {found.test for found in comparison.differences()}
    if differing:
        again = [test for test in chosen if test.name in differing] * AGAIN
        boot_once(all_boots[0], again)
        for boot in all_boots[1:]:
            mine = {found.test for found in comparison.differences() if found.condition == boot.condition}
            if mine:
                boot_once(boot, [test for test in again if test.name in mine])
    return comparison


def table(comparison: Comparison) -> list[str]:
    """The Markdown tables: collections, then tests."""
    conditions = comparison.conditions
    collections = sorted({test.collection for test in comparison.chosen})
    head = ["collection", "tests", *(condition.name for condition in conditions)]
    rows = [head, ["---"] * len(head)]
    for collection in collections:
        names = [test.name for test in comparison.chosen if test.collection == collection]
        counts = [
            "/".join(str(condition.total(names, result)) for result in ("pass", "fail", "skip", "timeout"))
            for condition in conditions
        ]
        rows.append([collection, str(len(names)), *counts])
    lines = ["Points passed/failed/skipped/timed out, of the first run of each condition:", ""]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    head = ["test", "baseline", "baseline again", *(condition.name for condition in conditions[1:])]
    rows = [head, ["---"] * len(head)]
    for name in comparison.names:
        runs = [conditions[0].runs.get(name, [])[:1], conditions[0].runs.get(name, [])[1:2]]
        runs += [condition.runs.get(name, [])[:1] for condition in conditions[1:]]
        rows.append([name, *(run[0].cell() if run else "missing" for run in runs)])
    return [*lines, "", *(f"| {' | '.join(row)} |" for row in rows)]


def listing(title: str, lines: list[str]) -> list[str]:
    """Lines under a title, or that there are none."""
    return ["", f"{title}: {'' if lines else 'none'}".rstrip(), *(f"- {line}" for line in lines)]


def report(comparison: Comparison) -> str:
    """All that there is to say."""
    base = comparison.conditions[0]
    left_out = [f"{name}: {why}" for name, why in LEFT_OUT.items()]
    return "\n".join(
        [
            *table(comparison),
            *listing("Differs from the kernel without the patch", [str(found) for found in comparison.differences()]),
            *listing("Differs from run to run without the patch", list(flaky(base, comparison.names))),
            *listing("Complaints of a kernel, only with the patch", comparison.new_complaints()),
            *listing("Complaints of a kernel, also without the patch", list(base.complaints.values())),
            *listing("Problems", comparison.problems),
            *listing("Left out", left_out),
        ]
    )


def main() -> int:
    """Run the program; returns the exit status."""
    options = parse_arguments(sys.argv[1:])
    # So that the guest ends with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    now = datetime.datetime.now(tz=datetime.timezone.utc)
    options.logs = options.logs or cache_dir() / "selftests" / "runs" / f"{now:%Y%m%dT%H%M%SZ}-{options.series}"
    try:
        options.logs.mkdir(parents=True, exist_ok=True)
        comparison = compare(options)
    except (SetupError, OSError) as error:
        print(f"tests/selftests/run: {error}", file=sys.stderr)
        return 2
    text = report(comparison)
    print(text)
    (options.logs / "report.md").write_text(text + "\n")
    kept = [dataclasses.asdict(condition) for condition in comparison.conditions]
    (options.logs / "results.json").write_text(json.dumps(kept, indent=1) + "\n")
    print(f"==> logs and results in {options.logs}", file=sys.stderr)
    return 1 if comparison.differences() or comparison.new_complaints() or comparison.problems else 0


if __name__ == "__main__":
    sys.exit(main())

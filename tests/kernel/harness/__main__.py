# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/kernel/run: boot a kernel, run the cases in it, report in TAP."""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .artifacts import (
    TESTS,
    Kernel,
    SetupError,
    build_kernel,
    build_programs,
    build_scan_module,
    build_stock,
    busybox,
    cache_dir,
)
from .console import complaints
from .guest import MACHINES, MEMORY_MIB, Guest, SilenceError
from .initramfs import Initramfs
from .tap import Case, Report

# Seconds a case may take on a kernel without instrumentation, and how much longer on one with it.
CASE_SECONDS = 300
DEBUG_FACTORS = {None: 1, "kasan": 6, "kcsan": 6}
ARCH_FACTORS = {"x86_64": 1, "aarch64": 2}
# A line in the head of a case that switches static keys while there is load. With the CPUs of x86_64 emulated in
# parallel, QEMU may run into the breakpoint of code that is being patched after it has been taken away: "Oops: int3",
# also with the kernel's own keys (seen with QEMU 7.2 and kmem:rss_stat switched on and off). Such cases get a boot with
# one CPU emulated after the other; debug kernels are built without jump labels, and have all of them in parallel.
PATCHES_CODE = "# cpus: one after the other"
# A line in the head of a case that needs more memory than others; it gets a boot of its own as well.
MEMORY = re.compile(r"# memory: ([0-9]+)G")
# What the copy of the module is called that can be loaded beside it; as long as its own name.
COPY = "uid_mec"
DIRECTORIES = ("bin", "dev", "mnt", "proc", "sys", "tmp", "t/bin", "t/cases")


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="tests/kernel/run",
        description="Boots a kernel under QEMU, runs the cases of tests/kernel/cases in it and reports in TAP. "
        "Exit status: 0 all points passed and the kernel complained of nothing, 1 not so, 2 the tests cannot run.",
    )
    parser.add_argument("--series", default="6.1", help="kernel series, built with tools/kernel (default: 6.1)")
    parser.add_argument("--arch", choices=sorted(MACHINES), default=platform.machine(), help="default: the host's")
    parser.add_argument("--debug", choices=("kasan", "kcsan"), help="a kernel that looks for mistakes of that kind")
    parser.add_argument(
        "--engine",
        choices=("hooks", "scan"),
        default="hooks",
        help="how the module learns of memory; scan: on Debian's own kernel, but on ours with --debug, --artifacts or "
        "an --arch that is not the host's (default: hooks)",
    )
    parser.add_argument("--artifacts", type=Path, metavar="DIR", help="take kernel and module from here, build nothing")
    parser.add_argument("--kernel", type=Path, metavar="IMAGE", help="boot this image, with --module")
    parser.add_argument("--module", type=Path, metavar="KO", help="load this uid_mem.ko")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="run these cases, in this order")
    parser.add_argument("--skip", nargs="+", default=[], metavar="NAME", help="leave these cases out")
    parser.add_argument("--stress-seconds", type=int, default=60, metavar="N", help="of the case stress (default: 60)")
    parser.add_argument(
        "--cpus", choices=("parallel", "serial"), help="how both CPUs are emulated (default: what each case asks for)"
    )
    parser.add_argument("--logs", type=Path, metavar="DIR", help="keep the kernels' logs here (default: in the cache)")
    parser.add_argument("--list", action="store_true", help="list the cases and run nothing")
    options = parser.parse_args(arguments)
    if (options.kernel is None) != (options.module is None):
        parser.error("--kernel and --module belong together")
    if options.logs is not None and options.logs.exists() and not options.logs.is_dir():
        parser.error(f"--logs {options.logs} is not a directory")
    return options


def all_cases() -> list[str]:
    """Return the names of the cases; the shortest way through comes first, the longest last."""
    order = {"smoke": -1, "stress": 1}
    return sorted((file.stem for file in (TESTS / "cases").glob("*.t")), key=lambda name: (order.get(name, 0), name))


def choose_cases(only: list[str], skip: list[str]) -> list[str]:
    """Return the cases to run."""
    known = all_cases()
    for name in [*only, *skip]:
        if name not in known:
            raise SetupError(f"there is no case {name!r}; --list shows them")
    return [name for name in only or known if name not in skip]


@dataclass(frozen=True)
class Machine:
    """What a boot has that cases may ask for."""

    parallel: bool = True
    memory_mib: int = MEMORY_MIB


def machine_for(options: argparse.Namespace, case: str) -> Machine:
    """Return the machine that a case asks for in its head."""
    lines = (TESTS / "cases" / f"{case}.t").read_text().splitlines()
    parallel = options.arch != "x86_64" or options.debug or PATCHES_CODE not in lines
    if options.cpus:
        parallel = options.cpus == "parallel"
    sizes = [int(size[1]) * 1024 for size in map(MEMORY.fullmatch, lines) if size]
    return Machine(bool(parallel), max(sizes, default=MEMORY_MIB))


def boots(options: argparse.Namespace, cases: list[str]) -> list[tuple[Machine, list[str]]]:
    """Return the boots it takes, and the cases of each; the first is that of most cases."""
    groups: dict[Machine, list[str]] = {}
    for case in cases:
        groups.setdefault(machine_for(options, case), []).append(case)
    return sorted(groups.items(), key=lambda boot: (boot[0].memory_mib, not boot[0].parallel))


def find_kernel(options: argparse.Namespace) -> Kernel:
    """Return the kernel that the command line asks for."""
    if options.kernel:
        return Kernel.of_files(options.kernel, options.module)
    foreign = options.arch != platform.machine()
    if options.engine == "scan" and not (options.artifacts or options.debug or foreign):
        return Kernel.of_artifacts(build_stock(options.series))
    artifacts = options.artifacts or build_kernel(options.series, options.arch, options.debug)
    kernel = Kernel.of_artifacts(artifacts)
    if options.engine == "scan":
        return Kernel.of_files(kernel.image, build_scan_module(artifacts, options.arch))
    return kernel


def renamed_module(module: bytes) -> bytes:
    """Return a module with another name, which is also that of its directory in /proc, and in those of its symbols."""
    exported = {name[len(b"__ksymtab_") :] for name in re.findall(rb"__ksymtab_uid_mem_\w+", module)}
    names = b"|".join(sorted([b"uid_mem", *exported]))
    return re.sub(rb"(?<=\0)(?:%s)(?=\0)" % names, lambda name: COPY.encode() + name[0][len(COPY) :], module)


def make_initramfs(options: argparse.Namespace, kernel: Kernel, cases: list[str], factor: int) -> bytes:
    """Return the guest's root file system."""
    root = Initramfs()
    for directory in DIRECTORIES:
        root.directory(directory)
    root.character_device("dev/console", 5, 1)
    for name in ("busybox", "sh"):
        root.copy(f"bin/{name}", busybox(options.arch), executable=True)
    root.copy("init", TESTS / "init", executable=True)
    root.copy("t/lib.sh", TESTS / "lib.sh")
    root.copy("t/grammar.txt", TESTS.parent / "grammar" / "cases.txt")
    root.copy("t/uid_mem.ko", kernel.module)
    root.file(f"t/{COPY}.ko", renamed_module(kernel.module.read_bytes()))
    if kernel.unit_tests:
        root.copy("t/uid_mem_test.ko", kernel.unit_tests)
    for program in build_programs(options.arch):
        root.copy(f"t/bin/{program.name}", program, executable=True)
    for number, driver in enumerate(kernel.drivers):
        root.copy(f"t/drivers/{number:02}-{driver.name}", driver)
    for name in cases:
        root.copy(f"t/cases/{name}.t", TESTS / "cases" / f"{name}.t")
    settings = {
        "FACTOR": factor,
        "CASES": f'"{" ".join(cases)}"',
        "CASE_SECONDS": CASE_SECONDS + options.stress_seconds,
        "STRESS_SECONDS": options.stress_seconds,
    }
    root.file("t/environment", "".join(f"{key}={value}\n" for key, value in settings.items()).encode())
    return root.archive()


def follow(guest: Guest, report: Report, patience: float) -> bool:
    """Report what the guest says; returns whether it came to its end."""
    case: Case | None = None
    complete = False
    try:
        for line in guest.lines(patience):
            word, _space, rest = line.partition(" ")
            if word == "=booted":
                report.point(f"boots {rest}")
            elif word == "=begin":
                case = report.begin(rest)
            elif word == "=end" and case is not None:
                report.end(case, case.problem(int(rest.split()[-1])))
                case = None
            elif word == "=done":
                complete = True
            elif case is not None:
                case.line(line)
            else:
                report.comment(line)
    except SilenceError as error:
        report.comment(str(error))
    if case is not None:
        report.end(case, "the guest did not come to its end")
    return complete


def check_end(guest: Guest, report: Report, complete: bool) -> None:
    """Report how the guest ended and what its kernel said."""
    if complete:
        try:
            status = guest.wait(120)
            report.point("the guest switches itself off", None if status == 0 else f"QEMU's status is {status}")
        except Exception as error:
            report.point("the guest switches itself off", f"it does not: {error}")
    guest.stop()
    log = guest.log.read_text(errors="replace")
    if not complete:
        tail = "\n".join(log.splitlines()[-60:])
        report.point("the guest runs all cases", f"it does not; the last of its kernel's log:\n{tail}")
    # What would not be there could not complain.
    silent = None if "uid_mem_tests: begin" in log and "Linux version" in log else "it has no log of this run"
    found, foreign = complaints(log)
    if foreign:
        report.comment(f"data races of the kernel itself, without uid_mem on either side: {foreign}")
    report.point("the kernel complains of nothing", "\n".join(found) or silent)


def boot(options: argparse.Namespace, kernel: Kernel, machine: Machine, cases: list[str], report: Report) -> None:
    """Boot once and run these cases."""
    factor = DEBUG_FACTORS[options.debug] * ARCH_FACTORS[options.arch]
    parameters = "kasan.fault=report kmemleak=on" if options.debug == "kasan" else ""
    with tempfile.TemporaryDirectory(prefix="uid_mem-kernel-test-") as name:
        work = Path(name)
        initramfs = work / "initramfs"
        initramfs.write_bytes(make_initramfs(options, kernel, cases, factor))
        guest = Guest(
            options.arch,
            kernel.image,
            initramfs,
            work=work,
            parallel=machine.parallel,
            memory_mib=machine.memory_mib,
            parameters=parameters,
        )
        try:
            complete = follow(guest, report, (CASE_SECONDS + options.stress_seconds) * factor)
            check_end(guest, report, complete)
        finally:
            guest.stop()
            report.comment(f"the kernel's log: {keep_log(options, guest.log, machine)}")


def keep_log(options: argparse.Namespace, log: Path, machine: Machine) -> Path:
    """Copy a kernel's log to where it can be found later; returns that."""
    engine = "" if options.engine == "hooks" else options.engine
    cpus = "" if machine.parallel else "serial"
    memory = "" if machine.memory_mib == MEMORY_MIB else f"{machine.memory_mib // 1024}G"
    words = ["console", options.series, options.arch, engine, options.debug or "", cpus, memory]
    kept: Path = (options.logs or cache_dir() / "kernel-tests") / ("-".join(word for word in words if word) + ".log")
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(log, kept)
    return kept


def run(options: argparse.Namespace) -> int:
    """Run the cases."""
    cases = choose_cases(options.only, options.skip)
    kernel = find_kernel(options)
    report = Report()
    report.comment(f"kernel {kernel.image}")
    for machine, group in boots(options, cases):
        boot(options, kernel, machine, group, report)
    return report.finish()


def main() -> int:
    """Run the program; returns the exit status."""
    options = parse_arguments(sys.argv[1:])
    if options.list:
        print("\n".join(all_cases()))
        return 0
    # So that the guest ends with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(options)
    except SetupError as error:
        print(f"tests/kernel/run: {error}", file=sys.stderr)
        return 2


sys.exit(main())

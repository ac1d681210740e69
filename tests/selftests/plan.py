# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which selftests are run, as whom, and which are left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# As whom the tests of a collection are run, in every condition, so that the limit is all that differs:
#   user       the limited UID, without privileges
#   effective  real UID the limited one, effective UID 0 with all capabilities: the limit is on the real UID
#   root       UID 0, which cannot have a limit: for tests that look at the real UID. The limit is on another UID then.
COLLECTIONS = {
    "cgroup": ("effective",),
    "clone3": ("effective", "root"),
    "core": ("effective",),
    "exec": ("effective",),
    "futex": ("user",),
    "membarrier": ("user",),
    "mm": ("effective",),
    "pidfd": ("effective", "root"),
    "proc": ("effective",),
    "ptrace": ("user",),
    "rseq": ("user",),
    "sched": ("user",),
    # mm, as it was called up to 6.2
    "vm": ("effective",),
}

# What an emulated machine has no time for, or these guests have nothing for, and why.
CPU_CONTROLLERS = "about CPUs, not about memory or processes"
LEFT_OUT = {
    "cgroup:test_cpu": CPU_CONTROLLERS,
    "cgroup:test_cpuset": CPU_CONTROLLERS,
    "cgroup:test_cpuset_prs.sh": CPU_CONTROLLERS,
    "cgroup:test_cpuset_v1_hp.sh": CPU_CONTROLLERS,
    "cgroup:test_stress.sh": "test_core again, under load",
    "mm:hmm": "needs the kernel's module test_hmm",
    "mm:ksm_numa": "needs two NUMA nodes",
    "mm:vmalloc": "needs the kernel's module test_vmalloc",
    "rseq:run_param_test.sh": "calls param_test, which is run once, with every combination of its options",
}

# Seconds a test may take; the kernel's own 45 are for a real machine.
SECONDS = 240

# How many times as long one takes that is many: up to 6.2, run_vmtests.sh cannot be told to run a part of it.
MANY = {"vm:run_vmtests.sh": 20}

# mm/run_vmtests.sh runs everything there is; by category, one that hangs costs only its own.
MM_CATEGORIES = (
    *("compaction", "cow", "gup_test", "hmm", "hugetlb", "hugevm", "ksm", "ksm_numa", "madv_populate", "mdwe"),
    *("memfd_secret", "migration", "mkdirty", "mlock", "mmap", "mremap", "pagemap", "pkey", "process_mrelease"),
    *("soft_dirty", "thp", "userfaultfd", "vmalloc"),
)
# Programs of mm that run_vmtests.sh does not start: it never does, or only with sudo.
MM_PROGRAMS = {"droppable": "effective", "mseal_test": "effective", "on-fault-limit": "user"}


@dataclass(frozen=True)
class Test:
    """A program of a collection, as one identity."""

    name: str
    collection: str
    identity: str
    directory: str
    command: str

    @property
    def names(self) -> set[str]:
        """What the command line may call it: the collection, the test, or the test as one identity."""
        return {self.collection, self.name, self.name.partition("(")[0]}

    def line(self, seconds: int) -> str:
        """The test as the guest's plan has it; `seconds` is what one test may take."""
        return f"{self.identity} {seconds * MANY.get(self.name, 1)} {self.name} {self.directory} {self.command}\n"


def tests(listed: list[str], collections: list[str]) -> Iterator[Test]:
    """The tests to run; `listed` is what the kernel's build names, as collection:program."""
    for entry in listed:
        collection, _colon, program = entry.partition(":")
        if collection not in collections or f"{collection}:{program}" in LEFT_OUT:
            continue
        directory, _slash, name = f"{collection}/{program}".rpartition("/")
        identities = COLLECTIONS[collection]
        if (collection, name) == ("mm", "run_vmtests.sh"):
            yield from mm_tests(directory)
            continue
        for identity in identities:
            suffix = f"({identity})" if len(identities) > 1 else ""
            yield Test(f"{collection}:{name}{suffix}", collection, identity, directory, f"./{name}")


def mm_tests(directory: str) -> Iterator[Test]:
    """What run_vmtests.sh has, by category, and what it has not."""
    for category in MM_CATEGORIES:
        name = f"mm:{category}"
        if name not in LEFT_OUT:
            yield Test(name, "mm", "effective", directory, f"./run_vmtests.sh -t {category}")
    for program, identity in MM_PROGRAMS.items():
        yield Test(f"mm:{program}", "mm", identity, directory, f"./{program}")

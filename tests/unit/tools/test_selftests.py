# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""tests/selftests: what is read from the output of the kernel's selftests, and what counts as a difference."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ansible_collections.devfleet.uid_mem.tests.unit.tools.loading import load

PROJECT = Path(__file__).parents[3]
# As tests/selftests/run sets it.
sys.path += [str(PROJECT / "tests/kernel"), str(PROJECT / "tests")]
outcome = load("tests/selftests/outcome.py")
plan = load("tests/selftests/plan.py")

RUN_VMTESTS = """\
TAP version 13
# ---------------
# running ./cow
# ---------------
# TAP version 13
# # [RUN] Basic COW after fork() ... with base page
# ok 1 No leak from parent into child
# not ok 2 leak at 0x7f1234567000
# ok 3 vmsplice() # SKIP not there
# ok 4 # SKIP clone3() in a new PID_NS
# [FAIL]
not ok 1 cow # exit=1
ok 2 mkdirty # SKIP
1..2
"""
RUN_VMTESTS_6_1 = """\
-----------------------
running ./map_hugetlb
-----------------------
Default size hugepages
[PASS]
-----------------------
running bash ./test_hmm.sh smoke
-----------------------
[SKIP]
----
running ./ksm_tests -U
[FAIL]
"""


def condition(name: str, *runs: str, **points: str) -> object:
    """A condition in which one test came to these results, one run after the other."""
    found = outcome.Condition(name)
    found.runs["mm:cow"] = [outcome.Outcome(run, 1, dict(points)) for run in runs]
    return found


def test_points_of_tap_in_tap() -> None:
    assert outcome.points(RUN_VMTESTS.splitlines()) == {
        "No leak from parent into child": "pass",
        "leak at N": "fail",
        "vmsplice()": "skip",
        "clone3() in a new PID_NS": "skip",
        "cow": "fail",
        "mkdirty": "skip",
    }


def test_points_without_tap() -> None:
    assert outcome.points(RUN_VMTESTS_6_1.splitlines()) == {
        "map_hugetlb": "pass",
        "test_hmm.sh smoke": "skip",
        "ksm_tests -U": "fail",
    }


def test_points_of_the_same_name_are_told_apart() -> None:
    assert outcome.points(["ok 1 fork", "not ok 2 fork", "ok 3"]) == {
        "fork": "pass",
        "fork (2)": "fail",
        "(no name)": "pass",
    }


def test_output_that_is_no_point() -> None:
    assert outcome.points(["okay 1", "this is ok 1", "[PASS]", "1..3", ""]) == {}


@pytest.mark.parametrize(("status", "result"), [(0, "pass"), (1, "fail"), (139, "fail"), (4, "skip"), (137, "timeout")])
def test_status(status: int, result: str) -> None:
    assert outcome.of_status(status) == result


def test_same_results_are_no_difference() -> None:
    base, other = condition("baseline", "pass", "pass", a="pass"), condition("limited", "pass", a="pass")
    assert not list(outcome.differences(base, other, ["mm:cow"]))
    assert not list(outcome.flaky(base, ["mm:cow"]))


def test_new_failure_is_a_difference_and_named() -> None:
    base, other = (
        condition("baseline", "fail", "fail", a="pass", b="fail"),
        condition("limited", "fail", a="fail", b="fail"),
    )
    found = list(outcome.differences(base, other, ["mm:cow"]))
    assert [str(one) for one in found] == ["mm:cow: a: fail (limited), was pass 2 of 2 without the patch"]


def test_new_success_is_a_difference() -> None:
    assert list(outcome.differences(condition("baseline", "skip", "skip"), condition("patched", "pass"), ["mm:cow"]))


def test_point_and_test_that_are_gone_are_differences() -> None:
    base = condition("baseline", "pass", "pass", a="pass")
    assert [str(one) for one in outcome.differences(base, condition("limited", "pass"), ["mm:cow"])] == [
        "mm:cow: a: missing (limited), was pass 2 of 2 without the patch"
    ]
    gone = outcome.Condition("limited")
    assert [one.point for one in outcome.differences(base, gone, ["mm:cow"])] == ["", "a"]


def test_flaky_is_reported_and_covers_its_results_only() -> None:
    base = condition("baseline", "pass", "fail")
    assert list(outcome.flaky(base, ["mm:cow"])) == ["mm:cow: fail 1 of 2, pass 1 of 2"]
    assert not list(outcome.differences(base, condition("limited", "fail"), ["mm:cow"]))
    assert list(outcome.differences(base, condition("limited", "timeout"), ["mm:cow"]))


def test_complaints_are_the_same_whatever_their_numbers() -> None:
    first = outcome.complaints("[    1.0] BUG: unable to handle page fault at 0xffff8880 pid 17\n[    1.1] all is well")
    second = outcome.complaints("[   99.0] BUG: unable to handle page fault at 0xffff1111 pid 9")
    assert first.keys() == second.keys()
    assert list(first.values()) == ["BUG: unable to handle page fault at 0xffff8880 pid 17"]


def test_plan() -> None:
    chosen = list(plan.tests(["clone3:clone3", "mm:run_vmtests.sh", "net:reuseport"], list(plan.COLLECTIONS)))
    names = [test.name for test in chosen]
    assert names[:2] == ["clone3:clone3(effective)", "clone3:clone3(root)"]
    assert "mm:cow" in names
    assert "mm:on-fault-limit" in names
    assert not [name for name in names if name.startswith("net")]
    assert len(set(names)) == len(names)
    cow = chosen[names.index("mm:cow")]
    assert cow.line(9) == "effective 9 mm:cow mm ./run_vmtests.sh -t cow\n"


def test_plan_of_6_1_gives_its_one_script_more_time() -> None:
    (test,) = plan.tests(["vm:run_vmtests.sh"], list(plan.COLLECTIONS))
    assert test.line(10) == "effective 200 vm:run_vmtests.sh vm ./run_vmtests.sh\n"


@pytest.mark.parametrize("name", plan.LEFT_OUT)
def test_what_is_left_out_has_a_reason_and_is_not_run(name: str) -> None:
    assert plan.LEFT_OUT[name]
    listed = [name, "mm:run_vmtests.sh"]
    assert name not in [test.name for test in plan.tests(listed, list(plan.COLLECTIONS))]


class Kernels:
    """Stand in for the guests: what a test comes to in each boot of a condition, the last one for ever."""

    def __init__(self, program: ModuleType, **results: list[str]) -> None:
        self.program = program
        self.results = {name.replace("_", "-"): list(found) for name, found in results.items()}
        self.booted: list[str] = []

    def run(
        self, boot: object, condition: object, _root: Path, chosen: list[object], _options: argparse.Namespace
    ) -> object:
        found = self.results[boot.condition]  # type: ignore[attr-defined]
        self.booted.append(boot.condition)  # type: ignore[attr-defined]
        run = self.program.Run(condition)
        for test in chosen:
            status = found.pop(0) if len(found) > 1 else found[0]
            run.line(f"=begin {test.name}")  # type: ignore[attr-defined]
            run.line(f" ok 1 first{test.name}")  # type: ignore[attr-defined]
            run.line(f"=end {status} 1 {test.name}")  # type: ignore[attr-defined]
        run.line("=stats 2001 usage=1 peak=2 kills=0")
        run.line("=done")
        run.check(boot, "uid_mem_selftests: begin")
        return run


def report_of(kernels: Kernels, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[int, str]:
    """Run the program on these kernels; its exit status and its report."""
    program = kernels.program
    (tmp_path / "list").write_text("core:close_range_test\n")
    boots = [
        program.Boot("baseline", tmp_path),
        program.Boot("patched", tmp_path),
        program.Boot("limited", tmp_path, tmp_path, program.LIMIT),
    ]
    monkeypatch.setattr(program, "command", lambda _words: tmp_path)
    monkeypatch.setattr(program, "boots", lambda _options: boots)
    monkeypatch.setattr(program, "run_guest", kernels.run)
    monkeypatch.setattr(sys, "argv", ["run", "--logs", str(tmp_path)])
    status = program.main()
    return status, (tmp_path / "report.md").read_text()


@pytest.fixture(name="program")
def program_fixture() -> ModuleType:
    return importlib.import_module("selftests.__main__")


def test_run_without_a_difference(program: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kernels = Kernels(program, baseline=["0"], patched=["0"], limited=["0"])
    status, report = report_of(kernels, monkeypatch, tmp_path)
    assert status == 0
    assert kernels.booted == ["baseline", "baseline", "patched", "limited"]
    assert "| core | 1 | 1/0/0/0 | 1/0/0/0 | 1/0/0/0 |" in report
    assert "Differs from the kernel without the patch: none" in report


def test_run_with_a_difference(program: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kernels = Kernels(program, baseline=["0"], patched=["0"], limited=["1"])
    status, report = report_of(kernels, monkeypatch, tmp_path)
    assert status == 1
    assert kernels.booted == ["baseline", "baseline", "patched", "limited", "baseline", "limited"]
    assert "- core:close_range_test: fail 4 of 4 (limited), was pass 5 of 5 without the patch" in report


def test_run_with_a_test_that_is_flaky(program: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kernels = Kernels(program, baseline=["0", "0", "0", "1"], patched=["0"], limited=["1"])
    status, report = report_of(kernels, monkeypatch, tmp_path)
    assert status == 0
    assert "- core:close_range_test: fail 2 of 5, pass 3 of 5" in report


def test_run_whose_limit_was_not_in_force(program: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kernels = Kernels(program, baseline=["0"], patched=["0"], limited=["0"])
    monkeypatch.setattr(program.Run, "stats", property(lambda _run: "", lambda _run, _text: None), raising=False)
    status, report = report_of(kernels, monkeypatch, tmp_path)
    assert status == 1
    assert "limited: the limit was not in force" in report


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--series", "six"], "a series is two numbers"),
        (["--seconds", "0"], "at least one"),
        (["--fun"], "unrecognized arguments: --fun"),
    ],
)
def test_wrong_arguments(arguments: list[str], message: str) -> None:
    command = [str(PROJECT / "tests/selftests/run"), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert message in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "say which series"), (["6.1"], "say which collections"), (["2.4", "mm"], "no suite of Debian is known")],
)
def test_wrong_arguments_of_build(arguments: list[str], message: str) -> None:
    command = [str(PROJECT / "tests/selftests/build"), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert message in answer.stderr

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The playbook provision on many devices, with what goes wrong on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.devfleet.uid_mem.tests.fleet.conftest import NEW, OLD, Fleet, make_artifacts

WAVES = [3, "100%"]
# What changes a device.
WRITES = {"install", "trial", "reboot", "prove", "abandon", "disarm", "uid_mem present"}


def done(fleet: Fleet, *names: str) -> bool:
    """Whether these devices run the new kernel for good, with module and limit."""
    return all(
        fleet[name].get("running") == fleet[name].get("default") == NEW and fleet[name].limited for name in names
    )


def untouched(fleet: Fleet, *names: str) -> bool:
    """Whether nothing was written to these devices."""
    return all(
        fleet[name].get("running") == fleet[name].get("default") == OLD
        and not fleet[name].get("kernels")
        and not fleet[name].limits.exists()
        and not WRITES & set(fleet[name].commands())
        for name in names
    )


def test_every_device_gets_kernel_module_and_limit(fleet: Fleet) -> None:
    run = fleet.play("provision")
    assert run.status == 0
    assert done(fleet, "d1", "d2", "d3", "d4", "d5")
    assert set(run.outcomes().values()) == {"committed"}
    assert len(run.outcomes()) == 5
    assert "1 host" not in run.report[0]
    assert NEW in run.report[2]
    assert OLD in run.report[2]


def test_nothing_to_do_takes_three_calls_for_each_device(fleet: Fleet) -> None:
    fleet.play("provision")
    for device in fleet.devices.values():
        device.calls()
        device.commands()
    run = fleet.play("provision")
    assert run.status == 0
    assert set(run.changed.values()) == {0}
    assert set(run.outcomes().values()) == {"unchanged"}
    for device in fleet.devices.values():
        assert device.commands() == ["survey", "uid_mem present"]
        assert len(device.calls()) <= 3


def test_a_kernel_that_does_not_prove_itself(fleet: Fleet) -> None:
    """In a wave of several: this device retreats, the others of its wave are finished, no further wave begins."""
    fleet["d3"].fault("prove")
    run = fleet.play("provision", provision_waves=WAVES)
    assert run.status == 2
    assert run.failed == ["d3"]
    assert done(fleet, "d1", "d2", "d4")
    assert fleet["d3"].get("running") == fleet["d3"].get("default") == OLD
    assert "abandon" in fleet["d3"].commands()
    assert untouched(fleet, "d5")
    assert run.outcomes() == {
        "d1": "committed",
        "d2": "committed",
        "d3": "failed",
        "d4": "committed",
        "d5": "not started",
    }
    assert "the module cannot be loaded" in "".join(run.report)
    assert "1 of 5 devices failed, and provision_max_fail_percentage is 0" in "".join(run.report)
    assert "--limit d3,d5," in run.report[-1]

    # And the next run, with the cause gone, takes up what is left.
    fleet["d3"].fault()
    run = fleet.play("provision", provision_waves=WAVES)
    assert run.status == 0
    assert done(fleet, *fleet.devices)
    assert run.changed["d1"] == run.changed["d2"] == run.changed["d4"] == 0


@pytest.mark.parametrize(
    ("fault", "cause"), [("install", "dpkg failed"), ("boot", f"the device runs {OLD}"), ("module", "does not load")]
)
def test_a_device_that_fails_leaves_the_others_of_its_wave_alone(fleet: Fleet, fault: str, cause: str) -> None:
    fleet["d2"].fault(fault)
    run = fleet.play("provision", provision_waves=WAVES)
    assert run.status == 2
    assert run.failed == ["d2"]
    assert done(fleet, "d1", "d3", "d4")
    assert untouched(fleet, "d5")
    assert not any(device.get("armed") for device in fleet.devices.values())
    assert cause in "".join(run.report)


def test_a_device_that_is_off(fleet: Fleet) -> None:
    fleet["d4"].switch(on=False)
    run = fleet.play("provision")
    assert run.status == 4
    assert run.unreachable == ["d4"]
    assert run.failed == []
    assert done(fleet, "d1", "d2", "d3", "d5")
    assert run.outcomes()["d4"] == "unreachable"

    fleet["d4"].switch(on=True)
    run = fleet.play("provision")
    assert run.status == 0
    assert done(fleet, "d4")
    assert [host for host, changed in run.changed.items() if changed] == ["d4"]


def test_the_first_device_is_off(fleet: Fleet) -> None:
    """The canary is the first that answers."""
    fleet["d1"].switch(on=False)
    fleet["d2"].fault("prove")
    run = fleet.play("provision")
    assert run.status == 4
    assert run.failed == ["d2"]
    assert untouched(fleet, "d3", "d4", "d5")
    assert "The canary failed." in "".join(run.report)


def test_all_devices_are_off(fleet: Fleet) -> None:
    for device in fleet.devices.values():
        device.switch(on=False)
    run = fleet.play("provision")
    assert run.status == 4
    assert run.unreachable == sorted(fleet.devices)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"provision_hosts": "devcies"}, "provision_hosts: 'devcies' matches no host and no group"),
        ({"provision_hosts": "devices:!d55"}, "provision_hosts: '!d55' matches no host"),
        ({"provision_canary": "d33"}, "provision_canary: 'd33' matches no host"),
        ({"provision_max_fail_percentage": "few"}, "provision_max_fail_percentage is a percentage"),
    ],
)
def test_what_is_mistyped(fleet: Fleet, variables: dict[str, object], message: str) -> None:
    run = fleet.play("provision", **variables)
    assert run.status != 0
    assert message in " ".join(run.text.split())
    assert all(device.calls() == [] for device in fleet.devices.values())


def test_an_engine_that_is_mistyped(fleet: Fleet) -> None:
    fleet.inventory["d4"]["provision_engine"] = "hoks"
    run = fleet.play("provision")
    assert run.status == 2
    assert run.failed == ["d4"]
    assert "provision_engine is hooks, scan or auto, not 'hoks'" in "".join(run.report)
    assert untouched(fleet, *fleet.devices)


@pytest.mark.parametrize("limit", ["!d4,!d5", "d1,d2,d3", "devices:!d4:!d5"])
def test_limit(fleet: Fleet, limit: str) -> None:
    run = fleet.play("provision", "--limit", limit)
    assert run.status == 0
    assert done(fleet, "d1", "d2", "d3")
    assert untouched(fleet, "d4", "d5")
    assert sorted(run.outcomes()) == ["d1", "d2", "d3"]


def test_limit_without_the_named_canary(fleet: Fleet) -> None:
    fleet["d2"].fault("prove")
    run = fleet.play("provision", "--limit", "!d1", provision_canary="d1")
    assert run.failed == ["d2"]
    assert untouched(fleet, "d1", "d3", "d4", "d5")
    assert "The canary is d2, since --limit leaves out d1." in run.report


def test_a_named_canary_goes_first(fleet: Fleet) -> None:
    fleet["d5"].fault("prove")
    run = fleet.play("provision", provision_canary="d5")
    assert run.failed == ["d5"]
    assert untouched(fleet, "d1", "d2", "d3", "d4")


def test_a_canary_that_fails_is_not_tolerated(fleet: Fleet) -> None:
    fleet["d1"].fault("prove")
    run = fleet.play("provision", provision_max_fail_percentage=100)
    assert run.status == 2
    assert untouched(fleet, "d2", "d3", "d4", "d5")


def test_a_named_canary_that_is_off(fleet: Fleet) -> None:
    fleet["d5"].switch(on=False)
    run = fleet.play("provision", provision_canary="d5")
    assert run.status == 4
    assert untouched(fleet, "d1", "d2", "d3", "d4")
    assert "The canary is unreachable: d5. See that it answers, name another one" in "".join(run.report)


def test_a_device_that_cannot_take_the_kernel(fleet: Fleet) -> None:
    """Told before anything is written to any device."""
    fleet["d5"].fault("preflight")
    run = fleet.play("provision")
    assert run.status == 2
    assert run.failed == ["d5"]
    assert untouched(fleet, *fleet.devices)
    assert "there is no room" in "".join(run.report)


def test_failures_that_are_tolerated(fleet: Fleet) -> None:
    fleet["d2"].fault("preflight")
    fleet["d3"].fault("prove")
    run = fleet.play("provision", provision_waves=WAVES, provision_max_fail_percentage=40)
    assert run.status == 2
    assert run.failed == ["d2", "d3"]
    assert done(fleet, "d1", "d4", "d5")


def test_one_failure_more_than_is_tolerated(fleet: Fleet) -> None:
    fleet["d2"].fault("prove")
    fleet["d3"].fault("prove")
    run = fleet.play("provision", provision_waves=[2, 1, 1], provision_max_fail_percentage=20)
    assert run.failed == ["d2", "d3"]
    assert done(fleet, "d1")
    assert untouched(fleet, "d4", "d5")
    assert "2 of 5 devices failed, and provision_max_fail_percentage is 20." in "".join(run.report)


def test_too_many_devices_are_off(fleet: Fleet) -> None:
    fleet["d4"].switch(on=False)
    fleet["d5"].switch(on=False)
    run = fleet.play("provision", provision_max_unreachable_percentage=39)
    assert run.status == 4
    assert run.failed == []
    assert untouched(fleet, "d1", "d2", "d3")
    assert "2 of 5 devices are unreachable, and provision_max_unreachable_percentage is 39." in "".join(run.report)


def test_check_mode(fleet: Fleet) -> None:
    run = fleet.play("provision", "--check")
    assert run.status == 0
    assert set(run.outcomes().values()) == {"committed"}
    assert run.report[0].startswith("Check mode: nothing was changed")
    assert untouched(fleet, *fleet.devices)

    fleet.play("provision")
    run = fleet.play("provision", "--check")
    assert run.status == 0
    assert set(run.outcomes().values()) == {"unchanged"}
    assert set(run.changed.values()) == {0}


def test_check_mode_where_nothing_is_built_yet(fleet: Fleet) -> None:
    fleet.variables["provision_artifacts"] = ""
    fleet.variables["stand_in_artifacts"] = str(fleet.artifacts)
    (fleet.artifacts / "manifest.json").rename(fleet.artifacts / "manifest.gone")
    (fleet.artifacts / "manifest.json").unlink(missing_ok=True)
    run = fleet.play("provision", "--check", provision_artifacts=str(fleet.artifacts))
    assert run.status == 0
    assert set(run.outcomes().values()) == {"committed"}
    assert "A kernel would be built for it." in "".join(run.report)
    assert untouched(fleet, *fleet.devices)


def test_devices_that_keep_their_kernel(fleet: Fleet) -> None:
    fleet["d4"].set(no_grub="yes")
    fleet["d5"].set(no_grub="yes")
    fleet.inventory["d4"]["provision_engine"] = "scan"
    fleet.inventory["d5"]["provision_engine"] = "auto"
    fleet.inventory["d3"]["provision_engine"] = "auto"
    run = fleet.play("provision")
    assert run.status == 0
    assert done(fleet, "d1", "d2", "d3")
    for name in ("d4", "d5"):
        assert fleet[name].get("running") == OLD
        assert fleet[name].limited
        assert "4294967000" not in fleet[name].limits.read_text()
    assert run.outcomes() == {**dict.fromkeys(["d1", "d2", "d3"], "committed"), "d4": "module", "d5": "module"}
    assert "    No kernel was installed: it has no GRUB" in run.report

    for device in fleet.devices.values():
        device.calls()
    run = fleet.play("provision")
    assert set(run.changed.values()) == {0}
    assert all(len(device.calls()) <= 3 for device in fleet.devices.values())


def test_a_module_that_does_not_load_stops_the_waves(fleet: Fleet) -> None:
    fleet["d2"].fault("module")
    run = fleet.play("provision", provision_engine="scan")
    assert run.failed == ["d2"]
    assert fleet["d1"].limited
    assert untouched(fleet, "d3", "d4", "d5")
    assert "the module does not load" in "".join(run.report)


def test_a_limit_that_does_not_read_back_stops_the_waves(fleet: Fleet) -> None:
    lost = '#!/bin/sh\ncase "$*" in *uid_mem/limits*) exec cat >/dev/null ;; *) exec /bin/dd "$@" ;; esac\n'
    (fleet["d2"].root / "bin" / "dd").write_text(lost)
    run = fleet.play("provision", provision_engine="scan", uid_mem_limits=[])
    assert run.failed == ["d2"]
    assert untouched(fleet, "d3", "d4", "d5")


def test_a_device_that_cannot_take_a_kernel_at_all(fleet: Fleet) -> None:
    fleet["d5"].set(no_grub="yes")
    run = fleet.play("provision")
    assert run.failed == ["d5"]
    assert "it has no GRUB" in "".join(run.report)
    assert untouched(fleet, *fleet.devices)


def test_a_device_that_never_comes_back(fleet: Fleet) -> None:
    fleet["d3"].fault("lost")
    run = fleet.play("provision", provision_waves=WAVES)
    assert run.failed == ["d3"]
    assert run.unreachable == []
    assert done(fleet, "d1", "d2", "d4")
    assert untouched(fleet, "d5")
    assert run.outcomes()["d3"] == "failed"


def test_a_survey_that_goes_wrong(fleet: Fleet) -> None:
    fleet["d3"].fault("survey")
    run = fleet.play("provision", provision_max_fail_percentage=20)
    assert run.failed == ["d3"]
    assert "the survey went wrong" in "".join(run.report)
    assert done(fleet, "d1", "d2", "d4", "d5")


@pytest.mark.parametrize("reboot", ["staged", "forbidden"])
def test_reboots_at_another_time(fleet: Fleet, reboot: str) -> None:
    run = fleet.play("provision", kernel_install_reboot=reboot)
    assert run.status == 0
    assert set(run.outcomes().values()) == {"staged"}
    assert "reboot_required" in "".join(run.report)
    assert all(device.get("running") == OLD and not device.limits.exists() for device in fleet.devices.values())


def test_kinds_of_devices_share_a_build(fleet: Fleet) -> None:
    fleet.variables |= {"provision_artifacts": "", "stand_in_artifacts": str(fleet.artifacts)}
    fleet.inventory["d3"]["kernel_build_series"] = "6.12"
    (fleet["d4"].root / "config").write_text("CONFIG_NET=y\nCONFIG_OTHER=y\n")
    (fleet["d5"].root / "config").write_text("CONFIG_NET=y\nCONFIG_OTHER=y\n")
    run = fleet.play("provision", provision_localmodconfig=True)
    assert run.status == 0
    builds = fleet.builds()
    assert [words[0] for words in builds] == ["d1", "d3", "d4"]
    assert [words[4] for words in builds] == ["6.1", "6.12", "6.1"]
    assert all(words[1] == "running" and words[5] == "ext4+virtio_net" for words in builds)
    configs = [Path(words[2]).read_text() for words in builds]
    assert configs == [(fleet[name].root / "config").read_text() for name in ("d1", "d3", "d4")]

    # The devices run what was built from that, with another configuration, and nothing else is built.
    for device in fleet.devices.values():
        (device.root / "config").write_text("CONFIG_UID_MEM=y\n")
        device.calls()
    run = fleet.play("provision", provision_localmodconfig=True)
    assert set(run.changed.values()) == {0}
    assert next(words[2] for words in fleet.builds()) in [words[2] for words in builds]
    assert all(len(device.calls()) <= 3 for device in fleet.devices.values())


def test_a_kernel_that_cannot_be_built(fleet: Fleet) -> None:
    fleet.variables |= {"provision_artifacts": "", "stand_in_artifacts": str(fleet.artifacts)}
    fleet.inventory["d5"] |= {"stand_in_build_fails": True, "kernel_build_series": "6.12"}
    run = fleet.play("provision")
    assert run.failed == ["d5"]
    assert "There is no kernel for this device: it does not compile" in "".join(run.report)
    assert untouched(fleet, *fleet.devices)


def test_artifacts_of_a_host(fleet: Fleet, tmp_path: Path) -> None:
    fleet.variables.pop("provision_artifacts")
    for name in fleet.devices:
        fleet.inventory[name]["provision_artifacts"] = str(fleet.artifacts)
    fleet.inventory["d2"]["provision_artifacts"] = str(tmp_path / "nowhere")
    run = fleet.play("provision")
    assert run.failed == ["d2"]
    assert "nowhere/manifest.json" in "".join(run.report)
    assert untouched(fleet, *fleet.devices)
    (tmp_path / "nowhere").rmdir() if (tmp_path / "nowhere").exists() else None
    make_artifacts(tmp_path / "nowhere")
    run = fleet.play("provision")
    assert run.status == 0
    assert fleet.builds() == []


def test_fifty_devices(make_fleet: Callable[[int], Fleet]) -> None:
    fleet = make_fleet(50)
    fleet["d7"].fault("prove")
    fleet["d9"].switch(on=False)
    run = fleet.play("provision", provision_waves=[1, "100%"], provision_max_fail_percentage=5)
    assert run.status == 4
    assert run.failed == ["d7"]
    assert run.unreachable == ["d9"]
    assert done(fleet, *[name for name in fleet.devices if name not in ("d7", "d9")])
    assert run.report[0] == "50 hosts: 1 failed, 1 unreachable, 48 committed"
    assert len(run.report) < 10

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The playbook rollback on many devices, with what goes wrong on them."""

from __future__ import annotations

import pytest

from ansible_collections.devfleet.uid_mem.tests.fleet.conftest import NEW, OLD, Fleet


@pytest.fixture
def provisioned(fleet: Fleet) -> Fleet:
    """Five devices with the new kernel."""
    for device in fleet.devices.values():
        device.set(running=NEW, default=NEW, previous=OLD, status="committed", kernels=f"{NEW}:0123456789ab:1:2")
    return fleet


def back(fleet: Fleet, *names: str) -> bool:
    return all(fleet[name].get("running") == fleet[name].get("default") == OLD for name in names)


def test_every_device_returns(provisioned: Fleet) -> None:
    run = provisioned.play("rollback")
    assert run.status == 0
    assert back(provisioned, *provisioned.devices)
    assert set(run.outcomes().values()) == {"rolled back"}


def test_a_device_that_is_off(provisioned: Fleet) -> None:
    provisioned["d1"].switch(on=False)
    run = provisioned.play("rollback")
    assert run.status == 4
    assert run.unreachable == ["d1"]
    assert back(provisioned, "d2", "d3", "d4", "d5")
    assert run.outcomes()["d1"] == "unreachable"


@pytest.mark.parametrize(
    ("fault", "cause"), [("trial", "the menu could not be written"), ("boot", "device runs"), ("prove", "module")]
)
def test_a_device_that_fails(provisioned: Fleet, fault: str, cause: str) -> None:
    provisioned["d3"].fault(fault)
    run = provisioned.play("rollback")
    assert run.status == 2
    assert run.failed == ["d3"]
    assert back(provisioned, "d1", "d2", "d4", "d5")
    assert provisioned["d3"].get("running") == provisioned["d3"].get("default") == NEW
    assert not any(device.get("armed") for device in provisioned.devices.values())
    assert cause in "".join(run.report)


def test_a_failure_does_not_stop_the_waves(provisioned: Fleet) -> None:
    provisioned["d1"].fault("trial")
    run = provisioned.play("rollback", rollback_waves=[1, "100%"])
    assert run.failed == ["d1"]
    assert back(provisioned, "d2", "d3", "d4", "d5")


def test_a_failure_that_is_not_tolerated(provisioned: Fleet) -> None:
    provisioned["d1"].fault("trial")
    run = provisioned.play("rollback", rollback_waves=[1, "100%"], rollback_max_fail_percentage=0)
    assert run.failed == ["d1"]
    assert not any(back(provisioned, name) for name in provisioned.devices)
    assert run.outcomes()["d5"] == "not started"


def test_what_is_mistyped(provisioned: Fleet) -> None:
    run = provisioned.play("rollback", rollback_hosts="devcies")
    assert run.status != 0
    assert "rollback_hosts: 'devcies' matches no host and no group" in " ".join(run.text.split())
    assert all(device.calls() == [] for device in provisioned.devices.values())


def test_limit(provisioned: Fleet) -> None:
    run = provisioned.play("rollback", "--limit", "!d4")
    assert run.status == 0
    assert back(provisioned, "d1", "d2", "d3", "d5")
    assert provisioned["d4"].get("running") == NEW


def test_devices_that_kept_their_kernel(fleet: Fleet) -> None:
    """And one that has nothing of uid_mem."""
    fleet.play("provision", "--limit", "!d5", provision_engine="scan")
    run = fleet.play("rollback")
    assert run.status == 0
    assert not any(device.limits.exists() for device in fleet.devices.values())
    assert run.outcomes() == {**dict.fromkeys(["d1", "d2", "d3", "d4"], "removed"), "d5": "unchanged"}
    run = fleet.play("rollback")
    assert set(run.outcomes().values()) == {"unchanged"}
    assert set(run.changed.values()) == {0}


def test_check_mode(provisioned: Fleet) -> None:
    run = provisioned.play("rollback", "--check")
    assert run.status == 0
    assert set(run.outcomes().values()) == {"rolled back"}
    assert not any(back(provisioned, name) for name in provisioned.devices)

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Limits for a while: what sets them, what ends them, and what does not."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ansible_collections.devfleet.uid_mem.tests.unit.host import Host

MIB = 1 << 20
# As systemd does: $$ is a dollar, and $1 an (empty) variable of its own. What it would run later is kept.
SYSTEMD_RUN = """\
for word do
  case $word in --*) echo "$word" >>"$DEVICE/timer.options"; shift ;; *) break ;; esac
done
for word do
  printf "%s" "$word" | sed "s/\\\\$\\\\$/@/g; s/\\\\$[A-Za-z0-9_{]*}*//g; s/@/\\\\$/g" >"$DEVICE/timer.word"
  set -- "$@" "$(cat "$DEVICE/timer.word")"
  shift
done
printf "%s\\\\0" "$@" >"$DEVICE/timer.words"
"""


def kernel(host: Host) -> list[str]:
    return [line.partition(" high=")[0] for line in host.device.limits.read_text().splitlines()]


def limit_for(host: Host, period: str, **args: Any) -> dict[str, Any]:
    result = host.limit(**{"for": period, **args})
    assert "failed" not in result, result
    return result


@pytest.fixture
def timer_host(host: Host) -> Host:
    """A host with systemd, whose timer is up when the test says so."""
    (host.device.root / "run" / "systemd" / "system").mkdir(parents=True)
    host.device.set_program("systemd-run", SYSTEMD_RUN)
    host.limit(limits=[{"uid": 5, "max": "5M", "high": "4M"}, {"uid": "10-19", "max": "10M"}])
    return host


def timer_is_up(host: Host) -> None:
    words = (host.device.root / "timer.words").read_text().split("\0")[:-1]
    done = subprocess.run(words, env=host.device.environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_process_ends_it(host: Host) -> None:
    host.limit(uid=5, max="5M", high="4M")
    before = host.state()
    task: dict[str, Any] = {"uid": 5, "max": "max", "for": "1s"}
    predicted = host.limit(check=True, **task)
    assert host.state() == before
    result = limit_for(host, "1s", uid=5, max="max")
    assert result == predicted
    assert (result["reverts"], result["kernel_changed"], result["file_changed"]) == (
        {"after_s": 1, "by": "process"},
        True,
        False,
    )
    assert len(host.connection.calls) == 2
    until = time.monotonic() + 100
    while host.state() != before and time.monotonic() < until:
        time.sleep(0.1)
    assert host.state() == before


def test_timer_ends_it(timer_host: Host) -> None:
    """With the keys that the file has, an entry that it does not have goes, and one that was removed is back."""
    before = timer_host.state()
    items = [{"uid": 5, "max": "max"}, {"uid": 12, "max": "1G"}, {"uid": 13, "charge_to": 5}]
    items.append({"uid": "10-19", "state": "absent"})
    result = limit_for(timer_host, "2h", limits=items)
    assert result["reverts"] == {"after_s": 7200, "by": "systemd"}
    assert kernel(timer_host) == ["5 max=max", f"12 max={1024 * MIB}", "13 charge_to=5"]
    assert "--on-active=7200" in (timer_host.device.root / "timer.options").read_text().splitlines()
    timer_is_up(timer_host)
    assert timer_host.state() == before


def test_other_limits_stay(timer_host: Host) -> None:
    """What was set or removed meanwhile is somebody's will, and what is in the file by now counts."""
    limit_for(timer_host, "2h", limits=[{"uid": uid, "max": "max"} for uid in (5, 6, 7)])
    timer_host.limit(uid=5, max="50M")
    timer_host.limit(uid=6, state="absent")
    timer_host.limit(uid=7, max="7M", runtime=False)
    timer_is_up(timer_host)
    assert kernel(timer_host) == [f"5 max={50 * MIB}", f"7 max={7 * MIB}", f"10-19 max={10 * MIB}"]


def test_any_path(timer_host: Host) -> None:
    path = "/etc/it's $HOME $$"
    timer_host.limit(uid=6, max="6M", path=path)
    limit_for(timer_host, "2h", uid=6, max="max", path=path)
    timer_is_up(timer_host)
    assert f"6 max={6 * MIB}" in kernel(timer_host)


def test_limit_that_is_in_force(timer_host: Host) -> None:
    limit_for(timer_host, "2h", uid=5, max="max")
    (timer_host.device.root / "timer.words").unlink()
    again = limit_for(timer_host, "2h", uid=5, max="max")
    assert (again["changed"], "reverts" in again) == (False, False)
    assert not (timer_host.device.root / "timer.words").exists()


def test_no_limits_file(host: Host) -> None:
    limit_for(host, "1s", uid=5, max="1M")
    until = time.monotonic() + 100
    while host.state()[0] and time.monotonic() < until:
        time.sleep(0.1)
    assert host.state() == ("", None)


def test_timer_that_cannot_be_set_up(timer_host: Host) -> None:
    timer_host.device.set_program("systemd-run", "echo no bus; exit 1")
    message = timer_host.refused(**{"uid": 5, "max": "max", "for": "2h"})
    assert message.startswith("systemd-run cannot set up the end of the limits: no bus. Nothing was changed.")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"for": "2"}, "for: '2' is not a time; write a number with its unit: 90s, 30m, 2h or 1d."),
        ({"for": "0s"}, "for: 0s is not between one second and 366 days."),
        ({"for": "400d"}, "for: 400d is not between one second and 366 days."),
        ({"for": "2h", "runtime": False}, "for cannot be given beside runtime: false"),
        ({"for": "2h", "persist": True}, "for cannot be given beside persist: true"),
    ],
)
def test_bad_arguments(host: Host, args: dict[str, Any], message: str) -> None:
    assert message in host.refused(uid=5, max="1M", **args)


def test_bad_lists(host: Host) -> None:
    assert "for cannot be given beside purge: true" in host.refused(**{"limits": [], "purge": True, "for": "2h"})
    limits = [{"uid": uid, "max": "1M"} for uid in range(1, 102)]
    assert "for is for 100 limits at most at once" in host.refused(**{"limits": limits, "for": "2h"})

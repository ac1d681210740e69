# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role uid_mem as a whole on a device that is a directory: its program and uid_mem_limit are real.

The program has the device's directory before its paths; what the kernel makes of limits is the module's own parser.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.devfleet.uid_mem.tests.fleet.conftest import PROJECT, StandIn, playbook_environment
from ansible_collections.devfleet.uid_mem.tests.unit.conftest import build_write_limits

RUNNING = os.uname().release
PLACES = re.compile(
    r"(?<![\w$}/.])(/(?:proc/uid_mem|proc/modules|proc/uptime|etc|run|usr/local|sbin/init|sys/module|lib/modules|boot|var/lib|usr/src)\b)"
)
RANGE = {"uid": "1000-1999", "max": "100M"}
MAIL: dict[str, object] = {"uid_mem_mail_to": ["root"], "uid_mem_daemon": True}


def make_collections(place: Path) -> Path:
    """The collection, whose programs for devices work in $DEVICE."""
    copy = place / "ansible_collections" / "devfleet" / "uid_mem"
    ignored = shutil.ignore_patterns(".git", ".ansible", "tests", "molecule", "patches")
    shutil.copytree(PROJECT, copy, symlinks=True, ignore=ignored)
    for part in ("lib", "uid_mem", "stock"):
        for path in (copy / "device" / part).glob("*.sh"):
            text = PLACES.sub(r"${DEVICE-}\1", path.read_text(encoding="utf-8"))
            path.write_text(text.replace("PATH=/usr/sbin:", "PATH=${DEVICE-}/bin:/usr/sbin:"), encoding="utf-8")
    return place


@pytest.fixture(name="collections", scope="module")
def collections_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_collections(tmp_path_factory.mktemp("collections"))


@pytest.fixture(name="write_limits", scope="module")
def write_limits_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    return build_write_limits(tmp_path_factory.mktemp("kernel"))


class Host:
    """A device with a patched kernel and systemd, until a test says otherwise."""

    def __init__(self, place: Path, collections: Path, write_limits: Path) -> None:
        self.place = place
        self.collections = collections
        self.write_limits = write_limits
        self.root = place / "d1"
        self.device = StandIn(self.root, write_limits)
        self.proc = self.root / "proc/uid_mem"
        self.proc.mkdir()
        (self.proc / "limits").touch()
        (self.proc / "stats").touch()
        self.features = (
            "abi=1 engine=hooks policies=highest_rss,longest_run_time,worst,youngest metrics=rss,anon,footprint"
            " footprint=anon,swap,pgtables on_high=event,term,reclaim\n"
        )
        (self.proc / "features").write_text(self.features)
        (self.root / "boot").mkdir()
        (self.root / f"boot/config-{RUNNING}").write_text("CONFIG_UID_MEM=y\n")
        (self.root / "proc/modules").touch()
        self.start_with("systemd")
        self.command("id", 'case "$*" in -u) echo 0 ;; *) exec /usr/bin/id "$@" ;; esac')
        self.command("modinfo", 'case "$*" in "-n uid_mem") echo /lib/modules/uid_mem.ko ;; esac')
        self.command("systemd-run", "exit 0")
        self.command("systemctl", 'echo "$*" >>"$DEVICE/called"; case "$*" in *is-*) test -e "$DEVICE/$2" ;; esac')

    def command(self, name: str, script: str) -> None:
        path = self.root / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def start_with(self, init: str) -> None:
        """Have the device started by this init."""
        for name in ("run", "sbin"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        if init == "systemd":
            (self.root / "run/systemd/system").mkdir(parents=True)
        elif init == "openrc":
            (self.root / "run/openrc").mkdir(parents=True)
            for runlevel in ("boot", "default", "sysinit"):
                (self.root / "etc/runlevels" / runlevel).mkdir(parents=True)
            (self.root / "etc/runlevels/boot/localmount").touch()
            self.command("rc-update", 'case $2 in add) ln -s x "$DEVICE/etc/runlevels/$4/$3" ;; esac')
            self.command("rc-service", 'echo "$*" >>"$DEVICE/called"')
        elif init == "sysvinit":
            (self.root / "sbin").mkdir()
            (self.root / "sbin/init").write_text("#!/bin/sh\necho SysV init version: 3.06\n")
            (self.root / "sbin/init").chmod(0o755)
            (self.root / "etc/inittab").touch()
            (self.root / "etc/rcS.d").mkdir()
            self.command("update-rc.d", 'case $2 in defaults) ln -s x "$DEVICE/etc/rcS.d/S10$1" ;; esac')

    def has_no_module(self) -> None:
        """Leave a kernel that is not patched and cannot load modules."""
        shutil.rmtree(self.proc)
        (self.root / f"boot/config-{RUNNING}").unlink()
        (self.root / "proc/modules").unlink()
        self.command("modinfo", "exit 1")

    def set_in_kernel(self, line: str) -> None:
        """What echo LINE >/proc/uid_mem/limits does."""
        command = [str(self.write_limits), str(self.proc / "limits"), "0", "Y"]
        subprocess.run(command, input=f"{line}\n".encode(), check=True)

    def in_kernel(self) -> dict[str, str]:
        """UIDs to max."""
        lines = (self.proc / "limits").read_text().splitlines()
        return {line.split()[0]: line.split()[1] for line in lines if line}

    def in_file(self) -> list[str]:
        path = self.root / "etc/uid_mem/limits"
        return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]

    def files(self) -> list[Path]:
        return sorted(path for path in self.root.rglob("*") if path.name not in ("calls", "called"))

    def play(self, *options: str, more: Any = None, **variables: Any) -> tuple[int, str, int]:
        """Run the role: exit status, what was said, and how many tasks changed something."""
        playbook = self.place / "play.json"
        play = {"hosts": "d1", "gather_facts": False, "roles": ["devfleet.uid_mem.uid_mem"]}
        playbook.write_text(json.dumps([{**play, **(more or {})}]))
        inventory = self.place / "inventory.json"
        inventory.write_text(json.dumps({"all": {"hosts": {"d1": {"ansible_connection": "stand_in"}}}}))
        environment = playbook_environment(self.place, self.collections)
        command = [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory), str(playbook), *options]
        command += ["-e", json.dumps(variables)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=900)
        print(done.stdout, done.stderr)
        changed = re.search(r"changed=(\d+)", done.stdout)
        return done.returncode, done.stdout + done.stderr, int(changed[1]) if changed else 0


@pytest.fixture(name="host")
def host_fixture(tmp_path: Path, collections: Path, write_limits: Path) -> Host:
    return Host(tmp_path, collections, write_limits)


def test_the_second_run_changes_nothing(host: Host) -> None:
    assert host.play(uid_mem_limits=[RANGE], uid_mem_parameters={"policy": "worst"})[0] == 2  # it has no such parameter
    (host.root / "sys/module/uid_mem/parameters/policy").write_text("highest_rss\n")
    status, _said, changed = host.play(uid_mem_limits=[RANGE], uid_mem_parameters={"policy": "worst"})
    assert (status, changed > 0) == (0, True)
    assert host.in_file() == ["1000-1999 max=100M"]
    assert (host.root / "etc/modprobe.d/uid_mem.conf").read_text().splitlines()[-1] == "options uid_mem policy=worst"
    unit = (host.root / "etc/systemd/system/uid_mem-limits.service").read_text()
    assert "\nExecStart=/bin/sh /usr/local/lib/uid_mem/uid_mem.sh restore --limits-path /etc/uid_mem/limits\n" in unit
    assert "SPDX" not in unit
    assert host.play(uid_mem_limits=[RANGE], uid_mem_parameters={"policy": "worst"})[::2] == (0, 0)


def test_a_limit_set_beside_the_role_goes(host: Host) -> None:
    """Somebody lifted the limit of one UID of a declared range in the kernel; the role said changed=0."""
    host.play(uid_mem_limits=[RANGE, {"user": "nobody", "max": "1G", "persist": False}])
    host.set_in_kernel("1001 max=max\n1500-1600 max=7G\n5000 max=1G")
    kept = {"1000-1999": "max=104857600", "5000": "max=1073741824", "65534": "max=1073741824"}
    variables = {"uid_mem_limits": [RANGE, {"user": "nobody", "max": "1G", "persist": False}]}
    assert host.play("--check", **variables)[::2] == (0, 1)
    assert "1001" in host.in_kernel()
    assert host.play(uid_mem_remove_overrides=False, **variables)[::2] == (0, 0)
    assert host.play(**variables)[::2] == (0, 1)
    assert host.in_kernel() == kept
    assert host.in_file() == ["1000-1999 max=100M"]
    assert host.play(**variables)[::2] == (0, 0)


def test_a_limit_for_a_while_stays(host: Host) -> None:
    """It has an end of its own, and the role took it away before that."""
    host.play(uid_mem_limits=[RANGE])
    lift = {"name": "Lift a limit", "devfleet.uid_mem.uid_mem_limit": {"uid": 1001, "max": "max", "for": "2h"}}
    assert host.play(more={"roles": [], "tasks": [lift]})[::2] == (0, 1)
    assert host.play(uid_mem_limits=[RANGE])[::2] == (0, 0)
    assert host.in_kernel() == {"1000-1999": "max=104857600", "1001": "max=max"}
    host.set_in_kernel("1001 max=7G")  # by somebody else, so that nothing ends it
    assert host.play(uid_mem_limits=[RANGE])[::2] == (0, 1)
    host.set_in_kernel("1001 max=max")
    assert host.play(uid_mem_limits=[RANGE])[::2] == (0, 0)
    (host.root / "proc/uptime").write_text("8201.00 1.00\n")  # 7,201 s later, and nothing has ended it
    assert host.play(uid_mem_limits=[RANGE])[::2] == (0, 1)
    assert host.in_kernel() == {"1000-1999": "max=104857600"}


def test_a_limit_in_the_file_is_no_override(host: Host) -> None:
    """Another task, with persist: true, is as good as the role."""
    host.play(uid_mem_limits=[RANGE])
    host.set_in_kernel("1001 max=max")
    with (host.root / "etc/uid_mem/limits").open("a") as file:
        file.write("1001 max=max\n")
    assert host.play(uid_mem_limits=[RANGE])[::2] == (0, 0)


def test_a_limit_that_is_not_listed_any_more_goes_with_purge(host: Host) -> None:
    both = [RANGE, {"uid": 5000, "max": "1G"}, {"uid": 6000, "max": "1G", "persist": False}]
    host.play(uid_mem_limits=both, uid_mem_purge=True)
    assert sorted(host.in_kernel()) == ["1000-1999", "5000", "6000"]
    assert len(host.in_file()) == 2
    assert host.play(uid_mem_limits=both, uid_mem_purge=True)[::2] == (0, 0)
    assert host.play(uid_mem_limits=[RANGE])[::2] == (0, 0)
    assert host.play(uid_mem_limits=[RANGE], uid_mem_purge=True)[::2] == (0, 1)
    assert sorted(host.in_kernel()) == ["1000-1999"]
    assert host.in_file() == ["1000-1999 max=100M"]
    assert host.play(uid_mem_limits=[], uid_mem_purge=True)[::2] == (0, 1)
    assert (host.in_kernel(), host.in_file()) == ({}, [])


def test_a_limit_below_usage_is_refused_on_request(host: Host) -> None:
    host.device.limits.parent.parent.joinpath("4711").mkdir()
    status = "Name:\tx\nUid:\t5000\t5000\t5000\t5000\nVmRSS:\t  1 kB\nRssAnon:\t  500000 kB\n"
    host.device.limits.parent.parent.joinpath("4711/status").write_text(status)
    limits = [{"uid": 5000, "max": "64M"}]
    status_, said, _changed = host.play(uid_mem_limits=limits, uid_mem_below_usage="refuse")
    assert status_ == 2
    assert "5000" in said
    assert host.in_kernel() == {}
    assert host.play(uid_mem_limits=limits)[0] == 0
    assert host.in_kernel() == {"5000": "max=67108864"}


def test_check_mode_foretells_a_host_that_the_play_would_prepare(host: Host) -> None:
    """It failed there: not built with CONFIG_UID_MEM."""
    host.has_no_module()
    before = host.files()
    variables: dict[str, object] = {"uid_mem_limits": [RANGE], "uid_mem_daemon": True}
    variables |= {"uid_mem_parameters": {"policy": "worst"}}
    status, said, changed = host.play("--check", "--diff", **variables)
    assert (status, changed) == (0, 3)
    said = " ".join(said.split())
    assert "has no uid_mem module, and cannot load modules at all: run role kernel_install" in said
    assert "The run would fail, unless the play mends this first" in said
    for line in (
        "+1000-1999 max=100M",
        "+WantedBy=sysinit.target",
        "+options uid_mem policy=worst",
        "+ExecStart=/usr/local/sbin/uid_memd --foreground $UID_MEMD_OPTIONS",
    ):
        assert line in said
    assert "module, loaded, modules-load, modprobe, limits-file, program, unit, unit-enabled, facts, daemon" in said
    assert host.files() == before


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"user": "alise", "max": "100M"}, "alise"),
        ({"uid": 1000, "max": "300X"}, "300X"),
        ({"uid": 1000, "max": "300X", "persist": False}, "300X"),
        ({"uid": 1000, "max": "100M", "policy": "worts"}, "worts"),
    ],
)
def test_check_mode_refuses_what_the_run_would_refuse(host: Host, limit: dict[str, object], message: str) -> None:
    """The limits of a bare host were not looked at."""
    host.has_no_module()
    status, said, _changed = host.play("--check", uid_mem_limits=[RANGE | {"uid": "3000-4000"}, limit])
    assert status == 2
    assert message in said


def test_an_init_that_nothing_is_known_of_is_refused_first(host: Host) -> None:
    """The role reported success, and nothing restored the limits at boot."""
    host.start_with("runit")
    before = host.files()
    status, said, changed = host.play(uid_mem_limits=[RANGE])
    assert (status, changed) == (2, 0)
    said = " ".join(said.split())
    assert "nothing on this device would restore the limits at boot" in said
    assert "nothing was changed" in said
    assert host.files() == before
    assert host.in_kernel() == {}


@pytest.mark.parametrize(
    ("init", "link"), [("openrc", "etc/runlevels/boot/uid_mem-limits"), ("sysvinit", "etc/rcS.d/S10uid_mem-limits")]
)
def test_without_systemd_a_service_restores_the_limits(host: Host, init: str, link: str) -> None:
    host.start_with(init)
    status, _said, changed = host.play(uid_mem_limits=[RANGE])
    assert (status, changed > 0) == (0, True)
    assert (host.root / link).is_symlink()
    script = host.root / "etc/init.d/uid_mem-limits"
    assert script.stat().st_mode & 0o777 == 0o755
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    assert "uid_mem.sh restore --limits-path /etc/uid_mem/limits" in script.read_text()
    assert not (host.root / "etc/systemd").exists()
    assert host.play(uid_mem_limits=[RANGE])[::2] == (0, 0)


def test_a_unit_that_failed_at_boot_is_mended(host: Host) -> None:
    """The module was missing at the boot, after a failed DKMS build; the unit stayed failed once it was there."""
    host.play(uid_mem_limits=[RANGE])
    (host.root / "called").unlink()
    (host.root / "is-failed").touch()
    host.play(uid_mem_limits=[RANGE])
    assert "restart uid_mem-limits.service" in (host.root / "called").read_text().splitlines()


def test_facts(host: Host) -> None:
    host.play(uid_mem_limits=[RANGE, {"uid": 5, "max": "1G", "persist": False}])
    program = host.root / "etc/ansible/facts.d/uid_mem.fact"
    places = {"UID_MEM_PROC": str(host.proc), "UID_MEM_LIMITS": str(host.root / "etc/uid_mem/limits")}
    facts = json.loads(subprocess.run([program], env=os.environ | places, capture_output=True, check=True).stdout)
    assert (facts["loaded"], facts["engine"], facts["limits"], facts["limits_in_file"]) == (True, "hooks", 2, 1)
    nothing = {"UID_MEM_PROC": "/nowhere", "UID_MEM_LIMITS": "/nowhere"}
    facts = json.loads(subprocess.run([program], env=os.environ | nothing, capture_output=True, check=True).stdout)
    assert (facts["loaded"], facts["engine"], facts["limits"]) == (False, "", 0)


def test_handlers_of_others_hear_of_changes(host: Host) -> None:
    heard = [
        {"name": topic, "ansible.builtin.debug": {"msg": f"heard: {topic}"}, "listen": f"uid_mem {topic} changed"}
        for topic in ("module", "limits")
    ]
    (host.root / "sys/module/uid_mem/parameters/policy").write_text("highest_rss\n")
    variables = {"uid_mem_limits": [RANGE], "uid_mem_parameters": {"policy": "worst"}}
    said = host.play(more={"handlers": heard}, **variables)[1]
    assert "heard: module" in said
    assert "heard: limits" in said
    host.set_in_kernel("!1000-1999")
    said = host.play(more={"handlers": heard}, **variables)[1]
    assert "heard: module" not in said
    assert "heard: limits" in said
    assert "heard" not in host.play(more={"handlers": heard}, **variables)[1]


def test_tags(host: Host) -> None:
    assert host.play("--tags", "uid_mem_limits", uid_mem_limits=[RANGE])[0] == 0
    assert host.in_kernel() == {"1000-1999": "max=104857600"}
    assert not (host.root / "etc/systemd").exists()
    assert host.play("--skip-tags", "uid_mem_limits", uid_mem_limits=[])[0] == 0
    assert (host.root / "etc/systemd/system/uid_mem-limits.service").exists()


def test_uninstall_removes_the_limits_file_on_request(host: Host) -> None:
    host.command("modprobe", 'rm -r "$DEVICE/proc/uid_mem" "$DEVICE/sys/module/uid_mem"')
    host.play(uid_mem_limits=[RANGE])
    assert host.play("--diff", uid_mem_state="absent")[0] == 0
    assert host.in_file() == ["1000-1999 max=100M"]
    assert host.play(uid_mem_state="absent")[::2] == (0, 0)
    status, said, _changed = host.play("--diff", uid_mem_state="absent", uid_mem_remove_limits=True)
    assert status == 0
    assert "-1000-1999 max=100M" in said
    assert not (host.root / "etc/uid_mem").exists()
    assert not (host.root / "etc/ansible").exists()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"uid_mem_mail_to": ["root"]}, "need the daemon: set uid_mem_daemon to true"),
        (
            {"uid_mem_mail_to": ["root"], "uid_mem_daemon": True, "uid_mem_daemon_options": ["--on-kill", "x"]},
            "leave out --on-kill",
        ),
        ({"uid_mem_mail_to": ["root; reboot"], "uid_mem_daemon": True}, "uid_mem_mail_to is a list of addresses"),
        ({"uid_mem_webhook_url": 'http://x"', "uid_mem_daemon": True}, "uid_mem_webhook_url begins with http://"),
        ({"uid_mem_webhook_url": "ftp://x", "uid_mem_daemon": True}, "uid_mem_webhook_url begins with http://"),
    ],
)
def test_wrong_ways_to_tell_of_kills_are_refused(host: Host, variables: dict[str, object], message: str) -> None:
    before = host.files()
    status, said, _changed = host.play(**variables)
    assert status == 2
    assert message in " ".join(said.split())
    assert host.files() == before


def test_mail_without_a_mail_transport_agent_is_refused(host: Host) -> None:
    if shutil.which("sendmail"):
        pytest.skip("not applicable: this machine has a sendmail")
    before = host.files()
    status, said, _changed = host.play(**MAIL)
    assert status == 2
    assert "uid_mem_mail_to needs a program sendmail on this device" in " ".join(said.split())
    assert host.files() == before

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible itself, with the plugins of the collection, the real adb and the real adbd, which runs as Android's shell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.devfleet.uid_mem.tests.adb.conftest import AdbDevice

PROJECT = Path(__file__).resolve().parents[2]
LIMITS = "/data/local/tmp/limits"
ENTRY = "10070 max=104857600 high=max on_high=event policy=default metric=rss grace_ms=0 mode=enforce\n"

# The variables of docs/android-adb.md.
VARIABLES: dict[str, Any] = {
    "ansible_connection": "devfleet.uid_mem.adb",
    "ansible_shell_executable": "/system/bin/sh",
    "ansible_remote_tmp": "/data/local/tmp/.ansible",
    "ansible_become_method": "devfleet.uid_mem.android_su",
    "ansible_python_interpreter": "/usr/bin/python3",
}

Results = list[dict[str, Any]]


class Controller:
    """Runs Ansible in a directory of its own."""

    def __init__(self, place: Path, environment: dict[str, str]) -> None:
        self.place = place
        collection = place / "collections/ansible_collections/devfleet/uid_mem"
        collection.parent.mkdir(parents=True)
        collection.symlink_to(PROJECT)
        self.environment = environment | {
            "ANSIBLE_COLLECTIONS_PATH": str(place / "collections"),
            "ANSIBLE_CALLBACK_PLUGINS": str(PROJECT / "tests/adb/callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "results",
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
            "RESULTS": str(place / "results"),
            "ANSIBLE_NOCOLOR": "1",
            "LC_ALL": "C.UTF-8",
        }

    def command(self, program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Any of Ansible's programs."""
        found = shutil.which(program)
        assert found
        return subprocess.run(
            [found, *arguments],
            env=self.environment | environment,
            cwd=self.place,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )

    def play(self, device: AdbDevice, *tasks: dict[str, Any], **variables: Any) -> Results:
        """The results of tasks, in which host variables may be changed."""
        host = {**VARIABLES, "ansible_adb_serial": device.serial, **variables}
        (self.place / "hosts.json").write_text(json.dumps({"all": {"hosts": {"phone": host}}}))
        (self.place / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        done = self.command("ansible-playbook", "-i", "hosts.json", "play.json")
        print(done.stdout, done.stderr)  # pytest shows it when a test fails
        return self.results()

    def results(self) -> Results:
        """Of the tasks since the last call."""
        file = self.place / "results"
        lines = file.read_text().splitlines()
        file.unlink()
        return [json.loads(line) for line in lines]


@pytest.fixture
def controller(tmp_path: Path, adb_environment: dict[str, str]) -> Controller:
    return Controller(tmp_path, adb_environment)


def raw(command: str, **keywords: Any) -> dict[str, Any]:
    return {"ansible.builtin.raw": command, "ignore_errors": True, **keywords}


def test_raw_from_the_command_line(controller: Controller, shared_device: AdbDevice) -> None:
    variables = {"ansible_host": "127.0.0.1", "ansible_port": shared_device.port}
    options = ("-i", "phone,", "-c", "devfleet.uid_mem.adb", "-e", json.dumps(variables))
    controller.command("ansible", "all", *options, "-m", "raw", "-a", "id -u; echo no >&2; exit 3")
    (answer,) = controller.results()
    assert (answer["rc"], answer["stdout"], answer["stderr"]) == (3, "2000\n", "no\n")


def test_become(controller: Controller, shared_device: AdbDevice) -> None:
    results = controller.play(
        shared_device,
        raw("id -u"),
        raw("id -u; echo \"it's\" '$HOME'", become=True),
        raw("id -u", become=True, become_user="u0_a70"),
        raw("id -u; exit 4", become=True, become_user="10070"),
        raw("true", become=True, vars={"ansible_become_exe": "no-such-su"}),
        raw("id -u", become=True, vars={"ansible_user": "root"}),
    )
    assert [(result["rc"], result["stdout"]) for result in results] == [
        (0, "2000\n"),
        (0, "0\nit's $HOME\n"),
        (0, "10070\n"),
        (4, "10070\n"),
        (127, ""),
        (0, "2000\n"),  # Ansible was told that it is root already
    ]


def test_stock_su_does_not_fit(controller: Controller, shared_device: AdbDevice) -> None:
    """Why there is a become plugin."""
    (result,) = controller.play(shared_device, raw("id -u", become=True), ansible_become_method="su")
    assert (result["rc"], result["stdout"]) == (1, "")
    assert "su: No such file or directory" in result["stderr"]


def test_script(controller: Controller, shared_device: AdbDevice) -> None:
    (controller.place / "script.sh").write_text('#!/system/bin/sh\nid -u; echo "$1"\nexit 5\n')
    script = {"ansible.builtin.script": "script.sh 'a word'", "ignore_errors": True}
    results = controller.play(shared_device, script, {**script, "become": True})
    assert [(result["rc"], result["stdout"]) for result in results] == [(5, "2000\na word\n"), (5, "0\na word\n")]
    assert list((shared_device.data / ".ansible").iterdir()) == []


@pytest.mark.parametrize("pipelining", [True, False])
def test_modules_where_there_is_python(controller: Controller, shared_device: AdbDevice, pipelining: bool) -> None:
    data = os.urandom(100_000)
    (controller.place / "in").write_bytes(data)
    ping, copy, fetch = controller.play(
        shared_device,
        {"ansible.builtin.ping": {}, "become": True},
        {"ansible.builtin.copy": {"src": "in", "dest": "/data/local/tmp/copied"}},
        {"ansible.builtin.fetch": {"src": "/data/local/tmp/copied", "dest": "out", "flat": True}},
        ansible_pipelining=pipelining,
    )
    assert ping["ping"] == "pong"
    assert not copy.get("failed")
    assert not fetch.get("failed")
    assert (controller.place / "out").read_bytes() == data
    (shared_device.data / "copied").unlink()


def test_module_not_loaded(controller: Controller, shared_device: AdbDevice) -> None:
    """For uid_mem_info that is an answer, for uid_mem_limit a failure; both say why."""
    _moved, info, limit, _back = controller.play(
        shared_device,
        raw("mv /proc/uid_mem /proc/away", become=True),
        {"devfleet.uid_mem.uid_mem_info": {}, "become": True},
        {"devfleet.uid_mem.uid_mem_limit": {"uid": 10070, "max": "100M"}, "become": True, "ignore_errors": True},
        raw("mv /proc/away /proc/uid_mem", become=True),
    )
    reason = "has no /proc/uid_mem and no module uid_mem, so no memory is limited per UID"
    assert not info.get("failed")
    assert info["loaded"] is False
    assert reason in info["not_loaded_because"]
    assert limit["failed"]
    assert reason in limit["msg"]


@pytest.mark.parametrize("pipelining", [True, False])
def test_limits(controller: Controller, shared_device: AdbDevice, pipelining: bool) -> None:
    """With plain files for /proc/uid_mem: what is written reaches them, through su."""
    task = {"devfleet.uid_mem.uid_mem_limit": {"uid": 10070, "max": "100M", "path": LIMITS}, "become": True}
    results = controller.play(
        shared_device,
        raw(": >/proc/uid_mem/limits; rm -f " + LIMITS, become=True),
        {**task, "become": False, "ignore_errors": True},
        task,
        task,
        {"devfleet.uid_mem.uid_mem_info": {}, "become": True},
        ansible_pipelining=pipelining,
    )
    _cleared, refused, first, second, info = results
    assert "UID 2000 may not change /proc/uid_mem/limits on this host. Set 'become: true'" in refused["msg"]
    assert (first["changed"], first["kernel_changed"], first["file_changed"]) == (True, True, True)
    assert not second["changed"]
    assert [limit["uid"] for limit in info["limits"]] == ["10070"]
    assert (shared_device.data / "limits").read_text().endswith("10070 max=100M\n")


def test_many_limits_in_one_write(controller: Controller, shared_device: AdbDevice) -> None:
    """More than a command can hold: on standard input, through su."""
    lines = "".join(f"{uid} max=100M\n" for uid in range(20000, 30000))
    (shared_device.data / "many").write_text(lines)
    results = controller.play(
        shared_device,
        raw(": >/proc/uid_mem/limits; cp /data/local/tmp/many " + LIMITS, become=True),
        {"devfleet.uid_mem.uid_mem_limit": {"uid": 10070, "max": "100M", "path": LIMITS}, "become": True},
    )
    assert results[1]["changed"]
    assert (shared_device.data / "limits").read_text() == f"{lines}10070 max=100M\n"


def test_unreachable_in_bounded_time(controller: Controller, own_device: AdbDevice) -> None:
    own_device.stop()
    before = time.monotonic()
    (result,) = controller.play(own_device, raw("true"))
    assert time.monotonic() - before < 30
    assert result["unreachable"]
    assert "Connection refused" in result["msg"]


def test_adbd_killed_in_the_middle_of_a_task(controller: Controller, own_device: AdbDevice) -> None:
    def kill() -> None:
        until = time.monotonic() + 30
        while not (own_device.data / "started").exists() and time.monotonic() < until:
            time.sleep(0.05)
        own_device.kill_adbd()

    killer = threading.Thread(target=kill)
    killer.start()
    command = "cd /data/local/tmp; echo run >>runs; touch started; sleep 3; echo end >>runs"
    (result,) = controller.play(own_device, raw(command, retries=3, until="false"), ansible_adb_connect_retries=3)
    killer.join()
    assert result["unreachable"]
    assert "it may have run, in whole or in part, and is not run again" in result["msg"]
    time.sleep(4)
    assert (own_device.data / "runs").read_text() == "run\nend\n"


def test_keyword_timeout_ends_a_task_that_hangs(controller: Controller, own_device: AdbDevice) -> None:
    before = time.monotonic()
    (answer,) = controller.play(own_device, raw("sleep 60", timeout=5))
    assert answer["failed"]
    assert not answer.get("unreachable")
    assert "5" in answer["msg"]
    assert time.monotonic() - before < 40


def test_reset_connection_and_wait(controller: Controller, own_device: AdbDevice) -> None:
    own_device.kill_adbd()
    starter = threading.Timer(4, own_device.start_adbd)
    starter.start()
    results = controller.play(
        own_device,
        {"ansible.builtin.wait_for_connection": {"timeout": 40, "sleep": 1}},
        {"ansible.builtin.meta": "reset_connection"},
        raw("echo there"),
    )
    starter.join()
    assert not results[0].get("failed")
    assert results[-1]["stdout"] == "there\n"


# --- inventory


def untagged(value: dict[str, Any]) -> Any:
    """Without the mark of a string that is no template."""
    return value.get("__ansible_unsafe", value)


Inventory = Callable[..., dict[str, Any]]


@pytest.fixture
def inventory(controller: Controller) -> Inventory:
    """What ansible-inventory lists."""

    def listed(**options: Any) -> dict[str, Any]:
        config = {"plugin": "devfleet.uid_mem.adb_devices", "strict": True, **options}
        (controller.place / "adb_devices.yml").write_text(json.dumps(config))
        done = controller.command(
            "ansible-inventory", "-i", "adb_devices.yml", "--list", ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true"
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout, object_hook=untagged)
        return found

    return listed


def test_inventory(controller: Controller, inventory: Inventory, shared_device: AdbDevice) -> None:
    found = inventory(
        connect=[shared_device.serial],
        keyed_groups=[{"key": "adb_transport", "prefix": "via"}],
        compose={"ansible_shell_executable": "'/system/bin/sh'"},
    )
    name = shared_device.serial.replace(":", "_")
    host = found["_meta"]["hostvars"][name]
    assert host["ansible_connection"] == "devfleet.uid_mem.adb"
    assert host["ansible_adb_serial"] == shared_device.serial
    assert (host["adb_state"], host["adb_transport"]) == ("device", "tcp")
    assert host["adb_transport_id"].isdigit()
    assert name in found["via_tcp"]["hosts"]
    done = controller.command("ansible", name, "-i", "adb_devices.yml", "-m", "raw", "-a", "echo $KSH_VERSION")
    assert "MIRBSD KSH" in done.stdout


def test_inventory_with_a_device_that_is_down(inventory: Inventory, own_device: AdbDevice) -> None:
    own_device.stop()
    name = own_device.serial.replace(":", "_")
    options: dict[str, Any] = {"connect": [own_device.serial]}
    assert name not in inventory(**options)["_meta"]["hostvars"]
    found = inventory(**options, states=["device", "unreachable"])
    assert found["_meta"]["hostvars"][name]["adb_state"] == "unreachable"

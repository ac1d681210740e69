# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The connection plugin with an adb that does as it is told, and its commands run by the shell of this machine.

tests/adb has the real one.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from ansible import context
from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound

from ansible_collections.devfleet.uid_mem.plugins.connection import adb as plugin
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils import _adb
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._adb import (
    AdbError,
    Answer,
    AttachedDevice,
    MarkedCommand,
    address_of,
    is_address,
    is_serial,
    parse_devices,
)
from ansible_collections.devfleet.uid_mem.tests.unit.fake_adb import FakeAdb
from ansible_collections.devfleet.uid_mem.tests.unit.loading import adb_connection

ADDRESS = "192.0.2.7:5555"


@pytest.fixture
def fake(tmp_path: Path) -> FakeAdb:
    return FakeAdb(tmp_path / "adb")


def connection(fake: FakeAdb, **options: Any) -> plugin.Connection:
    return adb_connection(executable=str(fake.program), **{"serial": "ABC", **options})


def refused(fake: FakeAdb, **options: Any) -> str:
    """A command that must not reach the device."""
    with pytest.raises(AnsibleConnectionFailure) as failure:
        connection(fake, **options).exec_command("true")
    assert "shell" not in fake.commands()
    return str(failure.value)


# --- commands


def test_command(fake: FakeAdb) -> None:
    adb = connection(fake)
    assert adb.exec_command("cat; echo no >&2; exit 3", b"\0\xff") == (3, b"\0\xff", b"no\n")
    assert adb.exec_command("exit 4") == (4, b"", b"")
    assert fake.commands() == ["start-server", "features", "probe", "shell", "shell"]
    assert fake.calls()[3][:6] == ["-s", "ABC", "shell", "-T", "-e", "none"]


def test_what_is_behind_the_marks_is_not_lost(fake: FakeAdb) -> None:
    """From a process that is left in the background."""
    fake.says("shell", {"run": [["; exit $r", "; echo late; echo later >&2; exit $r"]]})
    assert connection(fake).exec_command("echo out; echo err >&2") == (0, b"out\nlate\n", b"err\nlater\n")


def test_nothing_is_left_of_the_input(fake: FakeAdb) -> None:
    """adbd would close the socket that stdout comes through."""
    fake.says("shell", {"run": [["; exit $r", "; wc -c; exit $r"]]})
    assert connection(fake).exec_command("exit 3", b"x" * 300_000) == (3, b"0\n", b"")


def test_mark_of_another_command_is_output(fake: FakeAdb) -> None:
    other = MarkedCommand("true")._mark
    assert connection(fake).exec_command(f"echo {other}:7") == (0, f"{other}:7\n".encode(), b"")


LOST = [
    # The client's own way to end when adbd goes: success.
    {"out": "some", "status": 0},
    {"run": [[";", "; kill -9 $$;"]], "status": 0},
    {"run": [["; echo", "; exit 0; echo"]]},
    # Only one of the outputs was whole.
    {"run": [["; exit $r", "; exit 0"], [">&2; cat", ">/dev/null; cat"]]},
    {"run": [["=$?; echo", "=$?; : echo"]]},
    {"err": "error: closed\n", "status": 1},
    {"err": "protocol fault\n", "status": 255},
    {"out": "x", "err": "error: device offline\n", "status": 1},
]


@pytest.mark.parametrize("answer", LOST)
def test_end_that_was_not_seen(fake: FakeAdb, answer: dict[str, Any]) -> None:
    fake.says("shell", answer)
    adb = connection(fake, connect_retries=5, connect_retry_delay=0)
    with pytest.raises(AnsibleConnectionFailure, match="it may have run, in whole or in part, and is not run again"):
        adb.exec_command("echo out")
    assert fake.commands().count("shell") == 1
    assert not adb.connected


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("error: device 'ABC' not found", "The adb server knows no such device."),
        ("adb: device 'ABC' not found", "The adb server knows no such device."),
        ("error: device offline", "The device is known, but does not answer"),
        ("error: device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set", "has not authorized"),
        ("adb: cannot connect to daemon", "cannot be started"),
    ],
)
def test_command_that_was_not_run(fake: FakeAdb, message: str, words: str) -> None:
    fake.says("shell", {"err": message + "\n", "status": 1})
    with pytest.raises(AnsibleConnectionFailure, match="the command was not run") as failure:
        connection(fake).exec_command("true")
    assert words in str(failure.value)


def test_shell_that_a_signal_ended(fake: FakeAdb) -> None:
    assert connection(fake).exec_command("echo out; kill -9 $$; sleep 1") == (137, b"out\n", b"")


def test_command_timeout(fake: FakeAdb) -> None:
    fake.says("shell", {"sleep": 20})
    adb = connection(fake, command_timeout=0.3)
    before = time.monotonic()
    with pytest.raises(AnsibleConnectionFailure, match=r"within 0\.3 s \(command_timeout\)"):
        adb.exec_command("true")
    assert time.monotonic() - before < 5
    assert not adb.connected


def test_adb_that_goes_away(fake: FakeAdb) -> None:
    adb = connection(fake)
    adb.exec_command("true")
    fake.program.unlink()
    with pytest.raises(AnsibleError, match="cannot be run on the controller: No such file"):
        adb.exec_command("true")


def test_long_command(fake: FakeAdb) -> None:
    long = "x" * _adb.MAX_COMMAND
    assert connection(fake).exec_command(f"w={long}; echo ${{#w}}; exit 3") == (3, b"65000\n", b"")
    assert len(fake.calls()[-1][-1]) < 200


def test_long_command_with_input(fake: FakeAdb) -> None:
    with pytest.raises(AnsibleError, match="The command was not run: with its quoting it has more than 65000 bytes"):
        connection(fake).exec_command("x" * _adb.MAX_COMMAND, b"data")
    assert "shell" not in fake.commands()


def test_bytes_that_are_not_utf8(fake: FakeAdb) -> None:
    assert connection(fake).exec_command("echo \udce9")[1] == b"\xe9\n"


# --- set-up


def test_network_device_is_connected_once(fake: FakeAdb) -> None:
    fake.says("features", {"err": f"error: device '{ADDRESS}' not found", "status": 1}, {"out": "shell_v2\n"})
    fake.says("connect", {"out": f"connected to {ADDRESS}\n"})
    adb = connection(fake, serial=None, host="192.0.2.7")
    adb.exec_command("true")
    adb.exec_command("true")
    assert fake.commands() == ["start-server", "features", "connect", "features", "probe", "shell", "shell"]
    assert fake.calls()[2] == ["connect", ADDRESS]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("failed to connect to '192.0.2.7:5555': Connection refused", "Connection refused"),
        ("failed to resolve host: 'x': Name or service not known", "host name cannot be resolved"),
        (f"failed to authenticate to {ADDRESS}", "has not authorized this controller's adb key"),
        ("", "adb says: nothing"),
    ],
)
def test_network_device_that_cannot_be_connected(fake: FakeAdb, said: str, words: str) -> None:
    """The client's exit status is 0."""
    fake.says("features", {"err": f"error: device '{ADDRESS}' not found", "status": 1})
    fake.says("connect", {"out": said})
    message = refused(fake, serial=ADDRESS)
    assert message.startswith(f"{ADDRESS}: ")
    assert words in message


def test_network_device_that_another_process_connects(fake: FakeAdb) -> None:
    offline = {"err": "error: device offline", "status": 1}
    fake.says("features", offline, offline, {"out": "shell_v2\n"})
    connection(fake, serial=ADDRESS).exec_command("true")
    assert fake.commands() == ["start-server", "features", "features", "features", "probe", "shell"]


def test_connection_of_no_use_is_made_anew(fake: FakeAdb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "PATIENCE", (0, 0))
    offline = {"err": "adb: device offline", "status": 1}
    fake.says("features", offline, {"err": f"adb: device '{ADDRESS}' not found", "status": 1}, {"out": "shell_v2\n"})
    fake.says("connect", {"out": f"already connected to {ADDRESS}\n"})
    connection(fake, serial=ADDRESS).exec_command("true")
    assert fake.commands() == [
        "start-server",
        "features",
        "disconnect",
        "features",
        "connect",
        "features",
        "probe",
        "shell",
    ]


def test_network_device_that_hangs_in_the_end(fake: FakeAdb) -> None:
    """The reason is what was seen before, and not that there was no time left to ask again."""
    fake.says("features", {"err": "adb: device offline", "status": 1}, {"sleep": 20})
    assert "The device is known, but does not answer" in refused(fake, serial=ADDRESS, connect_timeout=1)


def test_network_device_that_stays_offline(fake: FakeAdb) -> None:
    fake.says("features", {"err": "adb: device offline", "status": 1})
    before = time.monotonic()
    assert "The device is known, but does not answer" in refused(fake, serial=ADDRESS, connect_timeout=1)
    assert time.monotonic() - before < 5


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("error: device 'ABC' not found", "The adb server knows no such device."),
        ("error: device offline", "starting, going down, or its cable or network is gone"),
        ("error: device unauthorized.\nThis adb server's", "Confirm it on the device's screen"),
        ("error: device still authorizing", "starting, going down"),
        ("error: insufficient permissions for device: user in plugdev group", "Add a udev rule"),
        ("error: no devices/emulators found", "No device is attached."),
        ("error: more than one device/emulator", "Several devices are attached and none is chosen."),
        ("something new", "ABC: adb says: something new"),
    ],
)
def test_attached_device_that_is_not_ready(fake: FakeAdb, said: str, words: str) -> None:
    fake.says("features", {"err": said, "status": 1})
    assert words in refused(fake)
    assert fake.commands() == ["start-server", "features"]


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (2, 3)])
def test_retries_are_bounded(fake: FakeAdb, retries: int, attempts: int) -> None:
    fake.says("features", {"err": "error: device offline", "status": 1})
    refused(fake, connect_retries=retries, connect_retry_delay=0.01)
    assert fake.commands().count("features") == attempts


def test_device_that_comes_in_time(fake: FakeAdb) -> None:
    offline = {"err": "error: device offline", "status": 1}
    fake.says("features", offline, offline, {"out": "shell_v2\n"})
    assert connection(fake, connect_retries=2, connect_retry_delay=0).exec_command("exit 7")[0] == 7


@pytest.mark.parametrize(("features", "listed"), [("cmd\nstat_v2\n", "cmd, stat_v2"), ("", "none")])
def test_device_without_the_shell_protocol(fake: FakeAdb, features: str, listed: str) -> None:
    fake.says("features", {"out": features})
    with pytest.raises(AnsibleError, match="ABC: The device has no shell_v2") as failure:
        connection(fake, connect_retries=5).exec_command("true")
    assert not isinstance(failure.value, AnsibleConnectionFailure)
    assert f"(adb features: {listed})" in str(failure.value)
    assert fake.commands() == ["start-server", "features"]


def test_no_adb() -> None:
    with pytest.raises(AnsibleError, match="The program no-such-adb cannot be run on the controller") as failure:
        adb_connection(executable="no-such-adb", connect_retries=5).exec_command("true")
    assert not isinstance(failure.value, AnsibleConnectionFailure)
    assert "apt-get install adb" in str(failure.value)


SERVER = {"err": "* failed to start daemon\nerror: cannot connect to daemon\n", "status": 1}


def test_server_that_does_not_start(fake: FakeAdb) -> None:
    fake.says("start-server", SERVER)
    assert "The adb server does not run and cannot be started" in refused(fake)
    assert fake.commands() == ["start-server"] * _adb.SERVER_ATTEMPTS


def test_server_that_another_process_starts(fake: FakeAdb) -> None:
    fake.says("start-server", SERVER, {})
    assert connection(fake).exec_command("exit 7")[0] == 7


def test_server_that_does_not_answer(fake: FakeAdb) -> None:
    fake.says("start-server", {"sleep": 20})
    before = time.monotonic()
    message = refused(fake, connect_timeout=0.5)
    assert "'adb start-server' did not end in time" in message
    assert "Is something else listening" in message
    assert time.monotonic() - before < 5


def test_device_that_does_not_answer(fake: FakeAdb) -> None:
    # Time enough for start-server, also on a busy machine, and not for what follows.
    fake.says("features", {"sleep": 20})
    assert "'adb -s ABC features' did not end in time" in refused(fake, connect_timeout=5)


def test_timeout_of_ansible_is_that_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own sources come first."""

    def timeout(**variables: Any) -> Any:
        adb: Any = adb_connection()
        adb.set_options(var_options=variables)
        return adb.get_option("connect_timeout")

    assert timeout() == 10
    monkeypatch.setenv("ANSIBLE_TIMEOUT", "20")
    assert timeout() == 20
    monkeypatch.setenv("ANSIBLE_ADB_CONNECT_TIMEOUT", "30")
    assert timeout() == 30
    monkeypatch.setattr(context, "CLIARGS", {"timeout": 40})
    assert timeout() == 40
    assert timeout(ansible_timeout=50) == 50
    assert timeout(ansible_timeout=50, ansible_adb_connect_timeout=60) == 60


@pytest.mark.parametrize("option", ["executable", "server_host", "server_port"])
def test_host_variables_of_shared_options(option: str) -> None:
    adb: Any = adb_connection()
    adb.set_options(var_options={f"ansible_adb_{option}": "5038"})
    assert str(adb.get_option(option)) == "5038"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"sleep": 20}, r"its shell does not answer in time \(connect_timeout\)"),
        ({"out": ""}, "adb says: nothing"),
        ({"err": "error: closed", "status": 1}, "adb says: error: closed"),
    ],
)
def test_device_that_hangs_though_the_server_knows_it(fake: FakeAdb, said: dict[str, Any], words: str) -> None:
    fake.says("probe", said)
    with pytest.raises(AnsibleConnectionFailure, match=words):
        connection(fake, connect_timeout=2).exec_command("true")
    assert fake.commands()[-1] == "probe"


def test_server_elsewhere_is_not_started(tmp_path: Path) -> None:
    client = _adb.AdbClient("adb", "192.0.2.1", 5038)
    assert client.command("x") == ["adb", "-H", "192.0.2.1", "-P", "5038", "x"]
    client.start_server(_adb.Deadline.after(1))  # would raise where there is no adb, and start one where there is
    assert _adb.AdbClient("adb").command("x") == ["adb", "x"]


def test_any(fake: FakeAdb) -> None:
    connection(fake, serial="any").exec_command("true")
    assert fake.calls()[-1][:2] == ["-s", "ABC"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "any: No device is attached."),
        (["ABC device", "DEF unauthorized"], "Several devices are attached and none is chosen: ABC (device), DEF (un"),
    ],
)
def test_any_of_none_or_several(fake: FakeAdb, lines: list[str], words: str) -> None:
    fake.devices(*lines)
    assert words in refused(fake, serial="any")


def test_any_where_the_server_fails(fake: FakeAdb) -> None:
    fake.says("devices", {"err": "error: protocol fault", "status": 1})
    assert "adb says: error: protocol fault" in refused(fake, serial="any")


def test_reset_of_a_network_device(fake: FakeAdb) -> None:
    adb = connection(fake, serial=ADDRESS)
    adb.exec_command("true")
    adb.reset()
    assert fake.calls()[-1] == ["disconnect", ADDRESS]
    adb.exec_command("true")
    assert fake.commands()[-4:] == ["start-server", "features", "probe", "shell"]


def test_reset_never_fails(fake: FakeAdb) -> None:
    fake.says("disconnect", {"err": f"error: no such device '{ADDRESS}'", "status": 1})
    connection(fake, serial=ADDRESS).reset()
    adb_connection(executable="no-such-adb", serial=ADDRESS).reset()
    calls = fake.calls()
    connection(fake).reset()
    assert fake.calls() == calls


def test_transport_test(fake: FakeAdb) -> None:
    """What wait_for_connection asks until it is true."""
    fake.says("features", {"err": "error: device offline", "status": 1}, {"out": "shell_v2\n"})
    adb = connection(fake, connect_retries=5)
    with pytest.raises(AnsibleConnectionFailure, match="does not answer"):
        adb.transport_test(30)
    adb.transport_test(30)
    assert adb.connected
    adb.close()
    assert not adb.connected


# --- files


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_files(fake: FakeAdb, tmp_path: Path) -> None:
    data = os.urandom(300_000)
    (tmp_path / "in").write_bytes(data)
    adb = connection(fake)
    adb.put_file(str(tmp_path / "in"), str(tmp_path / "it's there"))
    assert (tmp_path / "it's there").read_bytes() == data
    adb.fetch_file(str(tmp_path / "it's there"), str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == data


@pytest.mark.parametrize("size", [0, 1, 40, 64, 65])
def test_small_files(fake: FakeAdb, tmp_path: Path, size: int) -> None:
    (tmp_path / "in").write_bytes(b"x" * size)
    connection(fake).fetch_file(str(tmp_path / "in"), str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == b"x" * size


def test_file_that_is_not_here(fake: FakeAdb, tmp_path: Path) -> None:
    with pytest.raises(AnsibleFileNotFound, match="There is no file /none on the controller"):
        connection(fake).put_file("/none", "x")
    with pytest.raises(AnsibleError, match="cannot be read on the controller: Is a directory"):
        connection(fake).put_file(str(tmp_path), "x")
    assert "shell" not in fake.commands()


def test_file_that_does_not_go(fake: FakeAdb, tmp_path: Path) -> None:
    (tmp_path / "in").touch()
    with pytest.raises(AnsibleError, match=r"in cannot be copied to /none/x: \S"):
        connection(fake).put_file(str(tmp_path / "in"), "/none/x")
    with pytest.raises(AnsibleError, match=r"/none cannot be copied to .*out: \S"):
        connection(fake).fetch_file("/none", str(tmp_path / "out"))
    assert names(tmp_path) == ["adb", "in"]


@pytest.mark.parametrize("answer", [{"out": "half of it"}, {"err": "error: closed", "status": 1}])
def test_part_of_a_file(fake: FakeAdb, tmp_path: Path, answer: dict[str, Any]) -> None:
    fake.says("shell", answer)
    (tmp_path / "in").touch()
    with pytest.raises(AnsibleConnectionFailure, match="connection broke"):
        connection(fake).fetch_file("/file", str(tmp_path / "out"))
    assert names(tmp_path) == ["adb", "in"]
    with pytest.raises(AnsibleConnectionFailure, match="connection broke"):
        connection(fake).put_file(str(tmp_path / "in"), "/file")


@pytest.mark.parametrize("answer", [{"out": "half of it"}, {"run": [["cat <", "cat </none"]]}, {"sleep": 20}])
def test_file_that_was_there_stays(fake: FakeAdb, tmp_path: Path, answer: dict[str, Any]) -> None:
    fake.says("shell", answer)
    (tmp_path / "out").write_bytes(b"old")
    with pytest.raises(AnsibleError):
        connection(fake, command_timeout=2).fetch_file("/file", str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == b"old"
    assert names(tmp_path) == ["adb", "out"]


def test_file_that_was_there_is_replaced(fake: FakeAdb, tmp_path: Path) -> None:
    """With its mode, and behind a link; a new one gets the usual mode."""
    for name, data in {"in": b"new", "out": b"old"}.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "out").chmod(0o640)
    (tmp_path / "link").symlink_to("out")
    for name in ("link", "other"):
        connection(fake).fetch_file(str(tmp_path / "in"), str(tmp_path / name))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "out").read_bytes() == b"new"
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "other").stat().st_mode == (tmp_path / "in").stat().st_mode
    assert names(tmp_path) == ["adb", "in", "link", "other", "out"]


def test_place_that_cannot_be_written(fake: FakeAdb, tmp_path: Path) -> None:
    with pytest.raises(AnsibleError, match="out cannot be written on the controller: No such file"):
        connection(fake).fetch_file("/file", str(tmp_path / "none/out"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AnsibleError, match="pipe on the controller is not a regular file"):
        connection(fake).fetch_file("/file", str(tmp_path / "pipe"))
    assert "shell" not in fake.commands()
    assert names(tmp_path) == ["adb", "pipe"]


# --- what adb prints


@pytest.mark.parametrize(
    ("line", "device"),
    [
        ("ABC\tdevice", AttachedDevice("ABC", "device")),
        (
            "0A1B2C       device usb:1-2 product:oriole model:Pixel_6 device:oriole transport_id:3",
            AttachedDevice(
                "0A1B2C",
                "device",
                {"usb": "1-2", "product": "oriole", "model": "Pixel_6", "device": "oriole", "transport_id": "3"},
            ),
        ),
        ("localhost:6000  offline transport_id:1", AttachedDevice("localhost:6000", "offline", {"transport_id": "1"})),
        (
            "????????????    no permissions (user in plugdev group; are your udev rules wrong?);"
            " see [http://developer.android.com/tools/device.html] usb:1-4 transport_id:1",
            AttachedDevice("????????????", "no permissions", {"usb": "1-4", "transport_id": "1"}),
        ),
        (
            "adb-0A1B2C (2)._adb-tls-connect._tcp device transport_id:9",
            AttachedDevice("adb-0A1B2C (2)._adb-tls-connect._tcp", "device", {"transport_id": "9"}),
        ),
        ("X unauthorized", AttachedDevice("X", "unauthorized")),
    ],
)
def test_parse_devices(line: str, device: AttachedDevice) -> None:
    text = f"* daemon started successfully\nList of devices attached\n{line}\n\n"
    assert parse_devices(text) == [device]
    assert is_serial(device.serial)


def test_parse_what_is_no_list() -> None:
    with pytest.raises(AdbError, match="adb listed no devices, but said: oh no"):
        parse_devices("oh\nno\n")
    assert parse_devices("List of devices attached\n\nlonely\n") == []


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7:5555"),
        ("phone.example.net:6000", "phone.example.net:6000"),
        ("2001:db8::7", "[2001:db8::7]:5555"),
        ("[2001:db8::7]", "[2001:db8::7]:5555"),
        ("[2001:db8::7]:6000", "[2001:db8::7]:6000"),
    ],
)
def test_address_of(host: str, address: str) -> None:
    assert address_of(host) == address
    assert is_address(address)
    assert is_serial(address)


@pytest.mark.parametrize("serial", ["0A1B2C", "emulator-5554", "adb-0A._adb-tls-connect._tcp", "usb:1-2", "a:b:5555"])
def test_serial_that_is_no_address(serial: str) -> None:
    assert not is_address(serial)


def test_answer_of_a_client_that_a_signal_ended() -> None:
    assert MarkedCommand("true").result(Answer(-9, b"", b"")) is None

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection plugin with the real adb and the real adbd."""

from __future__ import annotations

import random
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.devfleet.uid_mem.plugins.connection.adb import Connection
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._adb import AdbClient
from ansible_collections.devfleet.uid_mem.tests.adb.conftest import AdbDevice, StartDevice
from ansible_collections.devfleet.uid_mem.tests.unit.loading import adb_connection

MIB = 1 << 20
DATA = random.Random(1).randbytes(MIB) + bytes(range(256)) + b"\r\n\0\n~.\n"


def connection(device: AdbDevice | None = None, **options: Any) -> Connection:
    """The plugin, for that device."""
    chosen = {"serial": device.serial} if device else {}
    return adb_connection(**chosen, **options)


@pytest.fixture
def adb(shared_device: AdbDevice) -> Connection:
    return connection(shared_device)


# --- commands


def test_who_and_where(adb: Connection) -> None:
    status, output, error = adb.exec_command("id -u; echo $KSH_VERSION; command -v sed")
    assert (status, error) == (0, b"")
    assert output.startswith(b"2000\n@(#)MIRBSD KSH")
    assert output.endswith(b"\n/system/bin/sed\n")


def test_a_mebibyte_of_anything_there_and_back(adb: Connection) -> None:
    assert adb.exec_command("cat", DATA) == (0, DATA, b"")
    assert adb.exec_command("cat >&2", DATA) == (0, b"", DATA)


def test_every_exit_status(shared_device: AdbDevice) -> None:
    adb = connection(shared_device)
    assert [adb.exec_command(f"exit {status}")[0] for status in range(256)] == list(range(256))


def test_outputs_are_apart(adb: Connection) -> None:
    command = "i=0; while [ $i -lt 200 ]; do echo out; echo err >&2; i=$((i+1)); done; printf x; printf y >&2; exit 9"
    assert adb.exec_command(command) == (9, b"out\n" * 200 + b"x", b"err\n" * 200 + b"y")


def test_no_input_is_its_end(adb: Connection) -> None:
    assert adb.exec_command("cat; echo end") == (0, b"end\n", b"")
    assert adb.exec_command("cat; echo end", b"") == (0, b"end\n", b"")


def test_command_that_ignores_its_input(adb: Connection) -> None:
    assert adb.exec_command("echo done", b"x" * 100) == (0, b"done\n", b"")


def test_large_input_of_a_command_that_exits_early(adb: Connection) -> None:
    assert adb.exec_command("head -c 3; exit 4", b"abcdef" * MIB) == (4, b"abc", b"")
    assert adb.exec_command("exit 5", b"x" * (8 * MIB)) == (5, b"", b"")
    for _attempt in range(40):
        assert adb.exec_command("echo out; echo err >&2; exit 6", DATA) == (6, b"out\n", b"err\n")


@pytest.mark.parametrize("command", ["if", "echo 'x", ")", "echo $(", "}"])
def test_syntax_error_is_an_exit_status(adb: Connection, command: str) -> None:
    status, output, error = adb.exec_command(command)
    assert (status > 0, output) == (True, b"")
    assert error


def test_quotes_comments_and_here_documents(adb: Connection) -> None:
    command = "cat <<'END' # a comment\nit's \"$HOME\" `x` \\\nEND\necho \"it's\" # last"
    assert adb.exec_command(command) == (0, b"it's \"$HOME\" `x` \\\nit's\n", b"")


def test_signals(adb: Connection) -> None:
    assert adb.exec_command("sh -c 'kill -9 $$'")[0] == 137
    assert adb.exec_command("kill -15 $$; sleep 1")[0] == 143  # the shell that was to say how it ended


def test_process_in_the_background(adb: Connection) -> None:
    before = time.monotonic()
    assert adb.exec_command("sleep 30 </dev/null >/dev/null 2>&1 & echo started") == (0, b"started\n", b"")
    assert time.monotonic() - before < 10


@pytest.mark.parametrize("size", [10_000, 60_000, 66_000, 500_000])
def test_long_command(adb: Connection, size: int) -> None:
    word = "x" * size
    assert adb.exec_command(f"w={word}; echo ${{#w}}; exit 3") == (3, f"{size}\n".encode(), b"")


def test_long_command_with_input_is_refused(adb: Connection, shared_device: AdbDevice) -> None:
    with pytest.raises(AnsibleError, match="was not run: with its quoting it has more than 65000 bytes"):
        adb.exec_command(f"touch /data/local/tmp/ran; : {'x' * 66_000}", b"data")
    assert not (shared_device.data / "ran").exists()


def test_commands_at_the_same_time(shared_device: AdbDevice) -> None:
    answers: dict[int, Any] = {}

    def run(number: int) -> None:
        answers[number] = connection(shared_device).exec_command(
            f"sleep 0.{number}; cat; exit {number}", b"%d" % number
        )

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: (number, b"%d" % number, b"") for number in range(6)}


# --- files


def test_files(adb: Connection, shared_device: AdbDevice, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(DATA)
    adb.put_file(str(tmp_path / "in"), "/data/local/tmp/it's a $file")
    assert (shared_device.data / "it's a $file").read_bytes() == DATA
    adb.fetch_file("/data/local/tmp/it's a $file", str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == DATA


def test_empty_file(adb: Connection, shared_device: AdbDevice, tmp_path: Path) -> None:
    (tmp_path / "in").touch()
    adb.put_file(str(tmp_path / "in"), "/data/local/tmp/empty")
    assert (shared_device.data / "empty").read_bytes() == b""
    adb.fetch_file("/data/local/tmp/empty", str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == b""


def test_files_that_do_not_go(adb: Connection, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(DATA)
    with pytest.raises(AnsibleError, match=r"cannot be copied to /system/x: .*(denied|create)"):
        adb.put_file(str(tmp_path / "in"), "/system/x")
    with pytest.raises(AnsibleError, match=r"/none cannot be copied to .*: .*(such|open)"):
        adb.fetch_file("/none", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


# --- the connection breaks


def run_until_started(adb: Connection, device: AdbDevice, command: str) -> tuple[threading.Thread, list[Any]]:
    """Run a command that makes a file C(started) in a thread; its result, or what it raised, comes into the list."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(adb.exec_command(command))
        except AnsibleError as exc:
            outcome.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for((device.data / "started").exists)
    return thread, outcome


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_adbd_killed_in_the_middle_of_a_command(own_device: AdbDevice) -> None:
    adb = connection(own_device, connect_retries=5)
    command = "cd /data/local/tmp; echo run >>runs; echo some; touch started; sleep 2; echo end >>runs"
    thread, outcome = run_until_started(adb, own_device, command)
    own_device.kill_adbd()
    before = time.monotonic()
    thread.join(20)
    assert time.monotonic() - before < 10
    assert isinstance(outcome[0], AnsibleConnectionFailure)
    assert "the connection broke before the end of the command was seen; it may have run" in str(outcome[0])
    own_device.start_adbd()
    time.sleep(2.5)
    assert (own_device.data / "runs").read_text() == "run\nend\n"
    assert adb.exec_command("echo again") == (0, b"again\n", b"")
    assert (own_device.data / "runs").read_text() == "run\nend\n"


def test_what_the_client_says_of_a_broken_connection(own_device: AdbDevice) -> None:
    """That this is success is why a command has marks; when it fails, adb has become better."""
    connection(own_device).exec_command("true")
    with subprocess.Popen(
        ["adb", "-s", own_device.serial, "shell", "echo some; sleep 20; exit 3"], stdout=subprocess.PIPE
    ) as client:
        assert client.stdout
        assert client.stdout.readline() == b"some\n"
        own_device.kill_adbd()
        assert client.stdout.read() == b""
    assert client.returncode == 0


def test_adbd_killed_in_the_middle_of_a_fetch(own_device: AdbDevice, tmp_path: Path) -> None:
    adb = connection(own_device)
    adb.exec_command("cd /data/local/tmp; mkfifo pipe")
    writer = threading.Thread(
        target=connection(own_device).exec_command,
        args=("(cd /data/local/tmp; echo part; touch started; sleep 20) >/data/local/tmp/pipe 2>/dev/null &",),
    )
    writer.start()

    def kill() -> None:
        wait_for((own_device.data / "started").exists)
        time.sleep(0.3)
        own_device.kill_adbd()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(AnsibleConnectionFailure, match="the connection broke"):
        adb.fetch_file("/data/local/tmp/pipe", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    killer.join()
    writer.join()


def test_device_that_has_gone(start_device: StartDevice) -> None:
    device = start_device()
    adb = connection(device)
    assert adb.exec_command("echo here")[1] == b"here\n"
    device.stop()
    before = time.monotonic()
    with pytest.raises(AnsibleConnectionFailure, match=device.serial):
        adb.exec_command("true")
    with pytest.raises(AnsibleConnectionFailure, match="Connection refused"):
        connection(device).exec_command("true")
    assert time.monotonic() - before < 15


def test_device_that_comes_back(own_device: AdbDevice) -> None:
    adb = connection(own_device, connect_retries=30, connect_retry_delay=0.2)
    own_device.kill_adbd()
    starter = threading.Timer(1, own_device.start_adbd)
    starter.start()
    assert adb.exec_command("echo back") == (0, b"back\n", b"")
    starter.join()


def test_device_that_takes_the_connection_and_says_nothing(adb_environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        adb = connection(host="127.0.0.1", port=silent.getsockname()[1], connect_timeout=2)
        before = time.monotonic()
        with pytest.raises(AnsibleConnectionFailure, match="did not end in time"):
            adb.exec_command("true")
        assert time.monotonic() - before < 6


def test_no_adbd_at_the_port(adb_environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(AnsibleConnectionFailure, match=f"127.0.0.1:{port}.*Connection refused"):
        connection(host="127.0.0.1", port=port).exec_command("true")


def test_command_timeout(shared_device: AdbDevice) -> None:
    adb = connection(shared_device, command_timeout=0.5)
    with pytest.raises(AnsibleConnectionFailure, match=r"within 0\.5 s .*it may have run, and may still run"):
        adb.exec_command("sleep 5")


def test_device_that_hangs(own_device: AdbDevice) -> None:
    """The server still has it as a device."""
    connection(own_device).exec_command("true")
    own_device.hang()
    with pytest.raises(AnsibleConnectionFailure, match="its shell does not answer in time"):
        connection(own_device, connect_timeout=2).exec_command("true")


def test_reset(shared_device: AdbDevice) -> None:
    adb = connection(shared_device)
    adb.exec_command("true")
    adb.reset()
    assert shared_device.serial not in [device.serial for device in AdbClient().devices(10)]
    assert adb.exec_command("echo there") == (0, b"there\n", b"")


# --- which device


def test_host_and_port(shared_device: AdbDevice) -> None:
    assert connection(host="127.0.0.1", port=shared_device.port).exec_command("exit 7")[0] == 7


def test_any_device(start_device: StartDevice, adb_environment: dict[str, str]) -> None:
    subprocess.run(["adb", "disconnect"], check=True, capture_output=True)
    with pytest.raises(AnsibleConnectionFailure, match="No device is attached"):
        connection(serial="any").exec_command("true")
    one, two = start_device(), start_device()
    connection(one).exec_command("true")
    assert connection(serial="any").exec_command("exit 7")[0] == 7
    connection(two).exec_command("true")
    with pytest.raises(AnsibleConnectionFailure, match="Several devices are attached and none is chosen: ") as refusal:
        connection(serial="any").exec_command("true")
    assert f"{one.serial} (device)" in str(refusal.value)
    assert f"{two.serial} (device)" in str(refusal.value)


def test_no_such_serial(adb_environment: dict[str, str]) -> None:
    with pytest.raises(AnsibleConnectionFailure, match=r"0123ABC: The adb server knows no such device\."):
        connection(serial="0123ABC").exec_command("true")


def test_several_clients_that_start_the_server(shared_device: AdbDevice, adb_environment: dict[str, str]) -> None:
    subprocess.run(["adb", "kill-server"], check=True, capture_output=True)
    test_commands_at_the_same_time(shared_device)


def test_port_of_the_server_is_taken(adb_environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        adb = connection(serial="0123ABC", server_port=other.getsockname()[1], connect_timeout=1)
        with pytest.raises(AnsibleConnectionFailure, match="Is something else listening on the server's port"):
            adb.exec_command("true")


def test_server_of_another_host_is_down(adb_environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(AnsibleConnectionFailure, match="The adb server does not run and cannot be started"):
        connection(serial="0123ABC", server_host="127.0.0.1", server_port=port).exec_command("true")


def test_server_by_host_and_port(shared_device: AdbDevice, adb_environment: dict[str, str]) -> None:
    port = int(adb_environment["ANDROID_ADB_SERVER_PORT"])
    adb = connection(shared_device, server_host="127.0.0.1", server_port=port)
    assert adb.exec_command("exit 7")[0] == 7

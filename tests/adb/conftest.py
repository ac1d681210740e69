# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Devices that the real adb reaches: Debian's adbd in namespaces of its own, behind a port of 127.0.0.1."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "uid_mem"
SHELL = 2000

NEEDS = {"adb": "adb", "cc": "gcc", "unshare": "util-linux", "apt-get": "apt", "dpkg-deb": "dpkg"}


@pytest.fixture(scope="session")
def device_files() -> Path:
    """What fetch_device makes, kept by what it says; that apt cannot reach its archive is an error, and no skip."""
    missing = sorted({package for program, package in NEEDS.items() if shutil.which(program) is None})
    if missing:
        pytest.skip(f"these packages are not installed: {', '.join(missing)}")
    script = HERE / "fetch_device"
    files = CACHE / "adb-device" / hashlib.sha256(script.read_bytes()).hexdigest()[:12]
    if not files.exists():
        done = subprocess.run([str(script), str(files)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return files


@pytest.fixture(scope="session")
def su_program(tmp_path_factory: pytest.TempPathFactory, device_files: Path) -> Path:
    """The su that each device gets."""
    program = tmp_path_factory.mktemp("su") / "su"
    subprocess.run(
        [
            "cc",
            "-static",
            "-O1",
            "-Wall",
            "-o",
            str(program),
            str(HERE.parents[1] / "roles/virtual_device/files/android/su.c"),
        ],
        check=True,
    )
    return program


@pytest.fixture(scope="session")
def adb_environment(tmp_path_factory: pytest.TempPathFactory, device_files: Path) -> Iterator[dict[str, str]]:
    """An adb server for these tests, which knows no device of the machine, on a free port and with a key of its own."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "ANDROID_", "ADB_"))},
        "HOME": str(home),
        "TMPDIR": str(home),
        "ANDROID_ADB_SERVER_PORT": str(port),
        "ADB_LOCAL_TRANSPORT_MAX_PORT": "5554",  # it would look for emulators from 5555 on
    }
    with pytest.MonkeyPatch.context() as patch:
        for key, value in environment.items():
            patch.setenv(key, value)
        yield environment
        subprocess.run(["adb", "kill-server"], env=environment, check=False, capture_output=True, timeout=20)


class AdbDevice:
    """A device. Its C(data) is /data/local/tmp there."""

    def __init__(self, files: Path, su: Path, place: Path, uid: int) -> None:
        self.place = place
        self.data = place / "data"
        self.data.mkdir(parents=True)
        self.data.chmod(0o777)
        (place / "mount").mkdir()
        listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        self.serial = f"127.0.0.1:{self.port}"
        number = listener.fileno()
        arguments = (files, place / "mount", self.data, su, uid, number)
        self._log = (place / "log").open("wb")
        self._process = subprocess.Popen(
            [*_unshare(), str(HERE / "start_device"), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            pass_fds=[number],
        )
        listener.close()
        self._wait_for_adbd(0)

    def _wait_for_adbd(self, seen: int) -> None:
        """Until it has said, behind so many bytes of its log, that it listens."""
        assert self._process.stdout
        words = self._process.stdout.readline().split()
        assert words[:1] == [b"adbd"], (self.place / "log").read_text()
        self._inner_pid = int(words[1])
        until = time.monotonic() + 10
        while b"adbd started" not in (self.place / "log").read_bytes()[seen:]:
            assert time.monotonic() < until, (self.place / "log").read_text()
            time.sleep(0.02)

    def adbd_pid(self) -> int:
        """Of the adbd of this device, in the test's own numbering: the one below its unshare with the inner number."""
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            except OSError:
                continue
            numbers = fields["NSpid"].split()
            if fields["Name"] == "adbd" and numbers[1:] == [str(self._inner_pid)] and self._owns(int(numbers[0])):
                return int(numbers[0])
        raise AssertionError("there is no adbd")

    def _owns(self, pid: int) -> bool:
        while pid > 1:
            if pid == self._process.pid:
                return True
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        return False

    def kill_adbd(self) -> None:
        """As when it crashes; what it had started goes on."""
        os.kill(self.adbd_pid(), signal.SIGKILL)

    def hang(self) -> None:
        """As when it is wedged: its connections stay, and nothing answers."""
        os.kill(self.adbd_pid(), signal.SIGSTOP)

    def start_adbd(self) -> None:
        """After kill_adbd."""
        seen = (self.place / "log").stat().st_size
        assert self._process.stdin
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        self._wait_for_adbd(seen)

    def stop(self) -> None:
        """The whole device goes."""
        self._process.kill()
        self._process.communicate()
        self._log.close()


def _unshare() -> list[str]:
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child=KILL"]
    return command if os.geteuid() == 0 else [*command, "--map-root-user", "--map-auto"]


StartDevice = Callable[..., AdbDevice]


@pytest.fixture(scope="session")
def start_device(
    tmp_path_factory: pytest.TempPathFactory, device_files: Path, su_program: Path, adb_environment: dict[str, str]
) -> Iterator[StartDevice]:
    """Starts a device whose adbd runs as I(uid)."""
    started: list[AdbDevice] = []

    def start(uid: int = SHELL) -> AdbDevice:
        device = AdbDevice(device_files, su_program, tmp_path_factory.mktemp("device"), uid)
        started.append(device)
        return device

    yield start
    for device in started:
        device.stop()


@pytest.fixture(scope="session")
def shared_device(start_device: StartDevice) -> AdbDevice:
    """A device whose adbd is not killed, running as shell."""
    return start_device()


@pytest.fixture
def own_device(start_device: StartDevice) -> AdbDevice:
    """A device for one test."""
    return start_device()

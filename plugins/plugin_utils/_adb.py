# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The client C(adb): which devices its server knows, how one is connected, and a command whose end is certain.

Nothing of Ansible is used here. Messages of the client were seen with versions 29.0.6 and 34.0.5; those about keys and
USB, which take a phone, are strings of the former's program.
"""

from __future__ import annotations

import re
import secrets
import shlex
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

# The protocol between client and server has four hexadecimal digits for the length of a request, and the command is
# part of one. Longer ones fail with "closed": measured, 65,507 bytes with their prefix are the most.
MAX_COMMAND = 65_000

# Several clients that find no server all start one, and all but the first fail after a second. Then there is one.
SERVER_ATTEMPTS = 3

DEFAULT_PORT = 5555

# A command that tells devices apart, whatever they say of themselves: the boot of a kernel, and the container on it.
# Each connection to a device gives the same.
IDENTIFY = "cat /proc/sys/kernel/random/boot_id; readlink /proc/self/ns/pid"

# A command that shows that the device answers: all else about it, the server says from memory.
PROBE = "echo ready"

_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\]]+):[0-9]{1,5}")
# Letters and digits on most devices; an address, a name of mDNS ("adb-0A1B2C (2)._adb-tls-connect._tcp") or "????????"
# too. Not "(no serial number)", by which no device can be chosen.
_SERIAL = re.compile(r"[A-Za-z0-9_?\[][A-Za-z0-9_?\[\] .:%/+#@,=()~-]{0,254}")
_LISTED = re.compile(
    r"(?P<serial>\S.*?)\s+(?P<state>no permissions.*?|no device|\S+?)(?P<properties>(?:\s+[a-z_]+:\S+)*)"
)
_BOOT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONNECTED = re.compile(r"(?:already )?connected to ")

# What the client says when it could not even hand the command to a device: the whole of its output is such a line.
_NOT_HANDED_OVER = re.compile(
    rb"(?:error|adb): (?:device '[^'\n]*' not found|device (?:offline|still .*|unauthorized.*)|no devices.*"
    rb"|more than one .*|insufficient permissions.*|.*cannot connect to daemon.*)",
    re.DOTALL,
)

UNAUTHORIZED = "unauthorized"
OFFLINE = "offline"
UNKNOWN = "unknown"

# The first pattern that is found in the client's message tells the reason, and the way out.
_REASONS = {
    "server": (
        re.compile(r"cannot connect to daemon|failed to start daemon|cannot start server"),
        "The adb server does not run and cannot be started: is its port taken, or the server on another host down?",
    ),
    UNAUTHORIZED: (
        re.compile(r"unauthorized|failed to authenticate"),
        "The device has not authorized this controller's adb key. Confirm it on the device's screen,"
        " or put ~/.android/adbkey.pub into the device's /data/misc/adb/adb_keys.",
    ),
    "permissions": (
        re.compile(r"insufficient permissions|no permissions"),
        "The controller's user may not open the USB device. Add a udev rule for it, and start the adb server again.",
    ),
    OFFLINE: (
        re.compile(r"offline|still (?:connecting|authorizing)"),
        "The device is known, but does not answer: it is starting, going down, or its cable or network is gone.",
    ),
    UNKNOWN: (re.compile(r"device '.*' not found|no such device"), "The adb server knows no such device."),
    "none": (re.compile(r"no devices"), "No device is attached."),
    "several": (re.compile(r"more than one"), "Several devices are attached and none is chosen."),
    "name": (re.compile(r"resolve host"), "The device's host name cannot be resolved."),
}


class AdbError(Exception):
    """Why a device cannot be used now; the message names the cause and the way out. I(reason) is for programs."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class AdbUnusableError(AdbError):
    """What trying again does not change: there is no C(adb), or the device is too old."""


class AdbTimeoutError(AdbError):
    """The client did not end in time, and was ended."""


@dataclass(frozen=True)
class Answer:
    """How a run of the client ended. I(status) is negative where a signal ended the client itself."""

    status: int
    output: bytes
    error: bytes

    @property
    def text(self) -> str:
        """Both outputs, for people. Failures to connect come on stdout, with status 0."""
        return " ".join((self.output + b" " + self.error).decode("utf-8", "replace").split())

    def problem(self) -> AdbError:
        """What the client said, with its cause and the way out where they are known."""
        for reason, (pattern, advice) in _REASONS.items():
            if pattern.search(self.text):
                return AdbError(f"{advice} adb says: {self.text}", reason)
        return AdbError(f"adb says: {self.text or 'nothing'}")


@dataclass(frozen=True)
class AttachedDevice:
    """A line of C(adb devices -l). I(also) are the serials of other connections to the same device."""

    serial: str
    state: str
    properties: Mapping[str, str] = field(default_factory=dict)
    shares_serial: bool = False
    also: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """What chooses it: its serial, or, where others have the same, where it is plugged in."""
        return f"usb:{self.properties['usb']}" if self.shares_serial else self.serial

    @property
    def transport(self) -> str:
        """How adb reaches it."""
        return "usb" if "usb" in self.properties else "tcp"


@dataclass(frozen=True)
class Deadline:
    """A moment until which several steps have to be done."""

    end: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """I(seconds) from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds, more than 0 so that it can be a timeout."""
        return max(self.end - time.monotonic(), 0.01)

    @property
    def passed(self) -> bool:
        """Whether the moment is over."""
        return time.monotonic() >= self.end


class AdbClient:
    """The program C(adb), talking to one server."""

    def __init__(self, executable: str = "adb", server_host: str | None = None, server_port: int | None = None) -> None:
        """Without host and port, the client's own environment variables and defaults say where the server is."""
        self._program = [executable]
        self._remote = bool(server_host)
        if server_host:
            self._program += ["-H", server_host]
        if server_port:
            self._program += ["-P", str(server_port)]

    def command(self, *arguments: str | bytes) -> list[str | bytes]:
        """The words to execute."""
        return [*self._program, *arguments]

    def run(self, *arguments: str, timeout: float) -> Answer:
        """Run a command that asks the server only. AdbUnusableError, AdbTimeoutError."""
        try:
            done = subprocess.run(
                self.command(*arguments),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                check=False,
            )
        except OSError as exc:
            raise AdbUnusableError(self.why_not_started(exc)) from exc
        except subprocess.TimeoutExpired as exc:
            raise AdbTimeoutError(
                f"'adb {' '.join(arguments)}' did not end in time: neither the device nor the adb server"
                " answers. Is something else listening on the server's port?"
            ) from exc
        return Answer(done.returncode, done.stdout, done.stderr)

    def why_not_started(self, exc: OSError) -> str:
        """The message for a client that is not there."""
        return (
            f"The program {self._program[0]} cannot be run on the controller: {exc.strerror}."
            " Install adb (Debian: apt-get install adb), or name it with ansible_adb_executable."
        )

    def start_server(self, deadline: Deadline) -> None:
        """See that there is a server. One on another host is not ours to start."""
        if self._remote:
            return
        for attempt in range(SERVER_ATTEMPTS):
            answer = self.run("start-server", timeout=deadline.left)
            if answer.status == 0:
                return
            if attempt + 1 < SERVER_ATTEMPTS:
                time.sleep(min(0.2, deadline.left))
        raise answer.problem()

    def devices(self, timeout: float) -> list[AttachedDevice]:
        """All that the server knows, whatever their state."""
        answer = self.run("devices", "-l", timeout=timeout)
        if answer.status != 0:
            raise answer.problem()
        return parse_devices(answer.output.decode("utf-8", "replace"))

    def connect(self, address: str, timeout: float) -> None:
        """Connect a device of the network. The exit status of the client says nothing about that."""
        answer = self.run("connect", address, timeout=timeout)
        if not _CONNECTED.match(answer.text):
            raise answer.problem()

    def disconnect(self, address: str, timeout: float) -> None:
        """Have the server forget a device of the network, if it knows it."""
        self.run("disconnect", address, timeout=timeout)

    def features(self, serial: str, timeout: float) -> set[str]:
        """What device and client can both do, as the server knows it. It says so of a device that hangs, too."""
        answer = self.run("-s", serial, "features", timeout=timeout)
        if answer.status != 0:
            raise answer.problem()
        return set(answer.output.decode("utf-8", "replace").split())

    def identity(self, serial: str, timeout: float) -> str:
        """What IDENTIFY tells of a device; empty where it does not tell. AdbUnusableError."""
        try:
            answer = self.run("-s", serial, "shell", IDENTIFY, timeout=timeout)
        except AdbTimeoutError:
            return ""
        words = answer.output.decode("utf-8", "replace").split()
        return " ".join(words) if words and _BOOT_ID.fullmatch(words[0]) else ""

    def probe(self, serial: str, timeout: float) -> None:
        """See that the device's shell answers, which takes the feature shell_v2."""
        try:
            answer = self.run("-s", serial, "shell", "-T", "-e", "none", PROBE, timeout=timeout)
        except AdbTimeoutError as exc:
            raise AdbTimeoutError(
                "The adb server knows the device, but its shell does not answer in time (connect_timeout): it hangs or"
                " is overloaded, or its cable or network is gone."
            ) from exc
        if answer.status != 0 or answer.output.split() != [b"ready"]:
            raise answer.problem()


def is_address(serial: str) -> bool:
    """Whether a serial is that of a device of the network, C(HOST:PORT)."""
    return _ADDRESS.fullmatch(serial) is not None


def is_serial(text: str) -> bool:
    """Whether a device can have it as its serial; what is listed as one is whatever the device says."""
    return _SERIAL.fullmatch(text) is not None


def address_of(host: str, port: int = DEFAULT_PORT) -> str:
    """C(HOST:PORT), as the server names such a device. A I(host) that has a port keeps it."""
    if is_address(host):
        return host
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"{host}:{port}"


def parse_devices(text: str) -> list[AttachedDevice]:
    """The devices in the output of C(adb devices -l); lines about the server's start are left out."""
    _before, header, table = text.partition("List of devices attached")
    if not header:
        raise AdbError(f"adb listed no devices, but said: {' '.join(text.split()) or 'nothing'}")
    found = []
    for line in table.splitlines():
        match = _LISTED.fullmatch(line.strip())
        if match:
            state = "no permissions" if match["state"].startswith("no permissions") else match["state"]
            properties = dict(word.split(":", 1) for word in match["properties"].split())
            found.append(AttachedDevice(match["serial"], state, properties))
    return found


class MarkedCommand:
    """A command for the device that says when it has ended, on both outputs, in words nobody can guess.

    The client cannot be asked: when the connection breaks in the middle of a command, it ends with status 0 and the
    output so far. Each output is a stream, so behind its mark nothing of it is missing.
    """

    def __init__(self, command: str) -> None:
        """I(command) is a line for the device's shell; a syntax error in it, or an C(exit), stays within it."""
        self._mark = secrets.token_hex(16)
        quoted = shlex.quote(command)
        self.line = self._marked(f"(eval {quoted})")
        self.data: bytes | None = None
        if len(_encode(self.line)) > MAX_COMMAND:
            self.line = self._marked('(eval "$(cat)")')
            self.data = _encode(command)

    def _marked(self, command: str) -> str:
        # adbd has one socket for standard input and stdout, and closes it, whatever is still to be read from it, when
        # it cannot write: what a command leaves of its input has to be taken.
        marks = f"echo {self._mark}:$r; echo {self._mark}:$r >&2"
        return f"{command}; r=$?; {marks}; cat >/dev/null; exit $r"

    @property
    def arguments(self) -> tuple[str | bytes, ...]:
        """Of the client: no terminal, no escape character, standard input through to the command."""
        return ("shell", "-T", "-e", "none", _encode(self.line))

    def unmarked(self, stream: bytes) -> tuple[bytes, int] | None:
        """An output without its mark, and the status the mark tells; None where it has not come."""
        marks = list(re.finditer(rb"%s:([0-9]{1,3})\n" % self._mark.encode(), stream))
        if not marks:
            return None
        return stream[: marks[-1].start()] + stream[marks[-1].end() :], int(marks[-1][1])

    def result(self, answer: Answer) -> tuple[int, bytes, bytes] | None:
        """Exit status, stdout and stderr of the command; None where its end was not seen."""
        output = self.unmarked(answer.output)
        error = self.unmarked(answer.error)
        if output and error:
            return output[1], output[0], error[0]
        if 128 < answer.status < 255:
            # Only the device gives such a status: a signal ended the shell that was to print the marks.
            return answer.status, answer.output, answer.error
        return None


def was_not_run(answer: Answer) -> bool:
    """Whether the client tells that it had no device to hand the command to."""
    return not answer.output and _NOT_HANDED_OVER.fullmatch(answer.error.strip()) is not None


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def retried(step: Callable[[], None], *, retries: int, delay: float) -> None:
    """Do it until it works, I(retries) times more at most. Raises the last AdbError, and AdbUnusableError at once."""
    for _attempt in range(retries):
        try:
            return step()
        except AdbUnusableError:
            raise
        except AdbError:
            time.sleep(delay)
    return step()

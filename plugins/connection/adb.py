# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Commands and files to an Android device, through the client C(adb) on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
name: adb
short_description: Run tasks on an Android device through adb
version_added: 0.2.0
author:
  - The uid_mem authors (@devfleet)
description:
  - Runs commands and copies files with the client C(adb) of the controller, on a device that is attached by USB or
    reached over the network. The device needs a POSIX shell only, and no Python for the modules of this collection,
    M(ansible.builtin.raw) and M(ansible.builtin.script).
  - Standard input, stdout and stderr are binary safe and apart from each other, and exit statuses are those of the
    command. That takes the device's feature C(shell_v2) (Android 7 or newer); without it, the host fails.
  - A command is never run twice. Where the connection breaks before its end was seen, the host is unreachable, and the
    message says that the command may have run. Only the set-up of a connection is tried again (O(connect_retries)).
  - Files are copied by the user that C(adbd) runs as (C(shell), or C(root) after C(adb root)), through the same kind
    of command, and not by C(adb push), so a file in C(/proc) can be fetched too.
  - A file that is fetched replaces the one on the controller when all of it is there. Where that fails, the old one is
    as it was.
extends_documentation_fragment:
  - devfleet.uid_mem.adb
options:
  executable:
    vars:
      - name: ansible_adb_executable
  server_host:
    vars:
      - name: ansible_adb_server_host
  server_port:
    vars:
      - name: ansible_adb_server_port
  connect_timeout:
    vars:
      - name: ansible_timeout
      - name: ansible_adb_connect_timeout
    cli:
      - name: timeout
  serial:
    description:
      - The device, by its serial as C(adb devices) shows it. A serial that is an address (V(192.0.2.7:5555)) is
        connected where the adb server does not know it yet.
      - V(any) takes the one device that is attached, and fails where there are several.
      - Where it is not set, the device is the one at O(host) and O(port).
    type: str
    vars:
      - name: ansible_adb_serial
  host:
    description:
      - The address of a device in the network. Not used with O(serial).
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: ansible_adb_host
  port:
    description:
      - The TCP port that C(adbd) listens on.
    type: int
    default: 5555
    ini:
      - section: adb_connection
        key: port
    env:
      - name: ANSIBLE_ADB_PORT
    vars:
      - name: ansible_port
      - name: ansible_adb_port
    keyword:
      - name: port
  remote_user:
    description:
      - The user that C(adbd) runs as on the device. C(adb) cannot change it; this only tells Ansible, so that a task
        with C(become) does without it where it is that user already.
    type: str
    vars:
      - name: ansible_user
      - name: ansible_adb_user
  connect_retries:
    description:
      - How often to try again to set up a connection, for example while the device boots.
    type: int
    default: 0
    env:
      - name: ANSIBLE_ADB_CONNECT_RETRIES
    ini:
      - section: adb_connection
        key: connect_retries
    vars:
      - name: ansible_adb_connect_retries
  connect_retry_delay:
    description:
      - Seconds between two attempts.
    type: float
    default: 1
    env:
      - name: ANSIBLE_ADB_CONNECT_RETRY_DELAY
    ini:
      - section: adb_connection
        key: connect_retry_delay
    vars:
      - name: ansible_adb_connect_retry_delay
  command_timeout:
    description:
      - Seconds until a command, or the copy of a file, is given up; V(0) is no limit. The host is unreachable then.
        What runs on the device is not stopped.
      - Without a limit, a device that hangs in the middle of a command, or is gone without its connection being ended,
        holds the task for as long as the adb server keeps the connection, which may be for ever. A device that hangs
        before is found out within O(connect_timeout).
      - Set it to more than the longest command takes. The keyword C(timeout) of a task does the same for one task,
        which fails then.
    type: float
    default: 0
    env:
      - name: ANSIBLE_ADB_COMMAND_TIMEOUT
    ini:
      - section: adb_connection
        key: command_timeout
    vars:
      - name: ansible_adb_command_timeout
  pipelining:
    description:
      - Whether modules get their data on standard input, in place of files on the device.
    type: bool
    default: true
    env:
      - name: ANSIBLE_PIPELINING
    ini:
      - section: defaults
        key: pipelining
      - section: connection
        key: pipelining
    vars:
      - name: ansible_pipelining
notes:
  - Set C(ansible_shell_executable=/system/bin/sh) and C(ansible_remote_tmp=/data/local/tmp/.ansible) for Android, and
    C(ansible_become_method=devfleet.uid_mem.android_su) where C(adbd) does not run as root.
  - A command with standard input may have 65,000 bytes, quoting included. Without input, the device's own limit on
    arguments counts (128 KiB each).
  - A process that a command leaves in the background keeps the command from ending while it has stdout or stderr open.
  - M(ansible.builtin.wait_for_connection) needs Python on the device. Without, use M(ansible.builtin.raw) with
    O(connect_retries).
  - An adb server of another version is stopped by C(adb) and started anew, which breaks the connections it has. Use one
    version on a controller.
seealso:
  - plugin: devfleet.uid_mem.android_su
    plugin_type: become
  - plugin: devfleet.uid_mem.adb_devices
    plugin_type: inventory
"""

import os
import random
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.plugins.connection import ConnectionBase

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._adb import (
    MAX_COMMAND,
    OFFLINE,
    UNKNOWN,
    AdbClient,
    AdbError,
    AdbTimeoutError,
    AdbUnusableError,
    Answer,
    Deadline,
    MarkedCommand,
    address_of,
    is_address,
    retried,
    was_not_run,
)

# How many seconds an address may be offline before it is connected anew: it is while another process connects it.
PATIENCE = (1.0, 2.0)

# A mark of the longest status, which is looked for at the end of a fetched file.
MARK_SPACE = 64


class Connection(ConnectionBase):
    """A device, through the adb server. All state is the server's: closing leaves the device connected."""

    transport = "devfleet.uid_mem.adb"
    has_pipelining = True
    has_tty = False

    _serial = ""

    # --- set-up

    @property
    def _client(self) -> AdbClient:
        return AdbClient(self.get_option("executable"), self.get_option("server_host"), self.get_option("server_port"))

    def _connect(self) -> Connection:
        """Reach the device. AnsibleConnectionFailure where it is not there, AnsibleError where it cannot be used."""
        if not self._connected:
            self._reach(self.get_option("connect_timeout"), self.get_option("connect_retries"))
        return self

    def _reach(self, timeout: float, retries: int) -> None:
        self._serial = self._named()
        try:
            retried(lambda: self._set_up(timeout), retries=retries, delay=self.get_option("connect_retry_delay"))
        except AdbUnusableError as exc:
            raise AnsibleError(f"{self._serial}: {exc}") from exc
        except AdbError as exc:
            raise AnsibleConnectionFailure(f"{self._serial}: {exc}") from exc
        self._connected = True
        self._display.vvv(f"ADB DEVICE {self._serial}", host=self._serial)

    def _named(self) -> str:
        """The serial that the options give, or V(any)."""
        return self.get_option("serial") or address_of(self.get_option("host"), self.get_option("port"))

    def _set_up(self, timeout: float) -> None:
        """One attempt. AdbError."""
        deadline = Deadline.after(timeout)
        self._client.start_server(deadline)
        if self._named() == "any":
            self._serial = self._only_one(deadline)
        features = self._features(deadline)
        if "shell_v2" not in features:
            raise AdbUnusableError(
                f"The device has no shell_v2 (adb features: {', '.join(sorted(features)) or 'none'}), without which"
                " exit statuses and standard input do not get through. Android 7 or newer has it."
            )
        self._client.probe(self._serial, deadline.left)

    def _only_one(self, deadline: Deadline) -> str:
        devices = self._client.devices(deadline.left)
        if len(devices) == 1:
            return devices[0].serial
        if not devices:
            raise AdbError("No device is attached.")
        listed = ", ".join(f"{device.serial} ({device.state})" for device in devices)
        raise AdbError(
            f"Several devices are attached and none is chosen: {listed}. Set ansible_adb_serial to one of them."
        )

    def _features(self, deadline: Deadline) -> set[str]:
        """Of the device, which is connected first where that is possible and needed. AdbError."""
        patience = Deadline.after(random.uniform(*PATIENCE))
        problem: AdbError | None = None
        while True:
            try:
                return self._client.features(self._serial, deadline.left)
            except AdbTimeoutError as exc:
                raise problem or exc from exc
            except AdbError as exc:
                if not is_address(self._serial) or exc.reason not in (UNKNOWN, OFFLINE) or deadline.passed:
                    raise
                problem = exc
            if problem.reason == UNKNOWN:
                self._client.connect(self._serial, deadline.left)
            elif patience.passed:
                # A connection that is of no use any more; the server would not make another one beside it.
                self._client.disconnect(self._serial, deadline.left)
                patience = Deadline.after(random.uniform(*PATIENCE))
            else:
                time.sleep(0.1)

    def transport_test(self, connect_timeout: float) -> None:
        """For wait_for_connection: raise unless the device can be reached anew in that time."""
        self.reset()
        self._reach(connect_timeout, 0)

    def reset(self) -> None:
        """Drop the connection to a device of the network; the next command makes another one."""
        self._connected = False
        serial = self._named()
        if is_address(serial):
            try:
                self._client.disconnect(serial, self.get_option("connect_timeout"))
            except AdbError as exc:
                self._display.vvv(f"ADB RESET {exc}", host=serial)

    def close(self) -> None:
        """Nothing is open between two commands."""
        self._connected = False

    # --- commands

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Exit status, stdout and stderr of a command, which gets I(in_data) on its standard input and then its end."""
        self._connect()
        self._display.vvv(f"ADB EXEC {cmd}", host=self._serial)
        command = MarkedCommand(cmd)
        if command.data is not None and in_data:
            raise AnsibleError(
                f"The command was not run: with its quoting it has more than {MAX_COMMAND} bytes, the most that adb"
                " takes together with standard input."
            )
        data = command.data if command.data is not None else in_data
        answer = self._run(command, data or b"", subprocess.PIPE)
        return self._finished(command, answer)

    def _run(self, command: MarkedCommand, data: bytes | IO[bytes], output: int | IO[bytes]) -> Answer:
        """Run the client once."""
        words = self._client.command("-s", self._serial, *command.arguments)
        source: dict[str, Any] = {"input": data} if isinstance(data, bytes) else {"stdin": data}
        timeout = self.get_option("command_timeout") or None
        try:
            done = subprocess.run(words, **source, stdout=output, stderr=subprocess.PIPE, timeout=timeout, check=False)
        except OSError as exc:
            raise AnsibleError(self._client.why_not_started(exc)) from exc
        except subprocess.TimeoutExpired as exc:
            self._connected = False
            raise AnsibleConnectionFailure(
                f"{self._serial}: the command did not end within {timeout} s (command_timeout), and was given up;"
                " it may have run, and may still run on the device."
            ) from exc
        return Answer(done.returncode, done.stdout or b"", done.stderr)

    def _finished(self, command: MarkedCommand, answer: Answer) -> tuple[int, bytes, bytes]:
        """What the command gave; AnsibleConnectionFailure where its end was not seen."""
        result = command.result(answer)
        if result is not None:
            return result
        self._connected = False
        if was_not_run(answer):
            raise AnsibleConnectionFailure(f"{self._serial}: the command was not run. {answer.problem()}")
        words = Answer(answer.status, b"", answer.error).text
        raise AnsibleConnectionFailure(
            f"{self._serial}: the connection broke before the end of the command was seen; it may have run, in whole or"
            f" in part, and is not run again. adb ended with status {answer.status}, and stderr was: {words or 'empty'}"
        )

    # --- files

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file to the device. AnsibleFileNotFound where there is none, AnsibleError where it does not go."""
        self._connect()
        self._display.vvv(f"ADB PUT {in_path} TO {out_path}", host=self._serial)
        command = MarkedCommand(f"cat >{self._shell.quote(out_path)}")
        try:
            with open(in_path, "rb") as source:
                answer = self._run(command, source, subprocess.PIPE)
        except FileNotFoundError as exc:
            raise AnsibleFileNotFound(f"There is no file {in_path} on the controller.") from exc
        except OSError as exc:
            raise AnsibleError(f"{in_path} cannot be read on the controller: {exc.strerror}.") from exc
        status, _output, error = self._finished(command, answer)
        if status != 0:
            raise AnsibleError(_not_copied(in_path, out_path, error))

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file from the device. Where that fails, AnsibleError, and what was at I(out_path) stays as it was."""
        self._connect()
        self._display.vvv(f"ADB FETCH {in_path} TO {out_path}", host=self._serial)
        command = MarkedCommand(f"cat <{self._shell.quote(in_path)}")
        try:
            with _replaced(out_path) as target:
                answer = self._run(command, b"", target)
                status, error = self._fetched(command, answer, target)
                if status != 0:
                    raise AnsibleError(_not_copied(in_path, out_path, error))
        except OSError as exc:
            raise AnsibleError(f"{out_path} cannot be written on the controller: {exc.strerror}.") from exc

    def _fetched(self, command: MarkedCommand, answer: Answer, target: IO[bytes]) -> tuple[int, bytes]:
        """Take the mark off the end of the file; exit status and stderr of the command."""
        size = target.seek(0, os.SEEK_END)
        start = max(size - MARK_SPACE, 0)
        target.seek(start)
        status, tail, error = self._finished(command, Answer(answer.status, target.read(), answer.error))
        target.truncate(start + len(tail))
        return status, error


@contextmanager
def _replaced(path: str) -> Iterator[IO[bytes]]:
    """A new file, beside the one at I(path) and of the same mode, which takes its place unless something is raised."""
    path = os.path.realpath(path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise AnsibleError(f"{path} on the controller is not a regular file.")
    part = os.path.join(os.path.dirname(path), f".{secrets.token_hex(8)}.part")
    try:
        with open(part, "xb+") as target:
            if os.path.exists(path):
                shutil.copymode(path, part)
            yield target
        os.replace(part, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(part)
        raise


def _not_copied(in_path: str, out_path: str, error: bytes) -> str:
    return f"{in_path} cannot be copied to {out_path}: {error.decode('utf-8', 'replace').strip()}"

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host for the tests to run tasks on: the real action plugins and shells, with only the transport replaced."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext

from ansible_collections.devfleet.uid_mem.plugins.action import uid_mem_info, uid_mem_limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.devfleet.uid_mem.tests.unit.device import Device


class FakeConnection:
    """The transport."""

    transport = "fake"
    allow_executable = False
    always_pipeline_modules = False

    def __init__(self, device: Device) -> None:
        self.device = device
        self.calls: list[tuple[str, bytes | None]] = []
        self.become: Any = None
        self.has_pipelining = True
        self.pipelining = True
        self.answer: str | None = None
        self.after_call: Callable[[], None] = lambda: None
        self.change_answer: Callable[[bytes], bytes] = lambda output: output
        self._shell = SimpleNamespace(tmpdir=None, _IS_WINDOWS=False)

    def get_option(self, name: str) -> bool:
        return {"pipelining": self.pipelining}[name]

    def exec_command(
        self, command: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        self.calls.append((command, in_data))
        if self.answer is not None:
            return 1, self.answer.encode(), b"no such thing\n"
        done = self.device.run(command, in_data)
        self.after_call()
        return done.returncode, self.change_answer(done.stdout), done.stderr


class Host:
    """A device with its connection, to run tasks on."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.connection = FakeConnection(device)

    def run(
        self, action: Any, args: dict[str, Any], *, check: bool = False, diff: bool = True, job: int = 0
    ) -> dict[str, Any]:
        """What a task's result is."""
        self.connection.calls.clear()
        task = SimpleNamespace(
            action="devfleet.uid_mem." + action.__name__.rpartition(".")[2],
            args=args,
            async_val=job,
            check_mode=check,
            diff=diff,
        )
        context: Any = PlayContext
        loader: Any = DataLoader
        plugin = action.ActionModule(task, self.connection, context(), loader(), None, None)
        result: dict[str, Any] = plugin.run(task_vars={})
        return result

    def info(self, **args: Any) -> dict[str, Any]:
        """Run uid_mem_info."""
        return self.run(uid_mem_info, args)

    def limit(self, *, check: bool = False, diff: bool = True, job: int = 0, **args: Any) -> dict[str, Any]:
        """Run uid_mem_limit."""
        return self.run(uid_mem_limit, args, check=check, diff=diff, job=job)

    def refused(self, **args: Any) -> str:
        """Run uid_mem_limit, which must fail and change nothing."""
        limits, file = self.state()
        result = self.limit(**args)
        assert result["failed"]
        assert not result.get("changed")
        assert self.state() == (limits, file)
        return str(result["msg"])

    def state(self) -> tuple[str | None, str | None]:
        """Kernel and file as they are."""
        return (
            self.device.limits.read_text() if self.device.limits.exists() else None,
            self.device.read_file() if self.device.file.exists() else None,
        )

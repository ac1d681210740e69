# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The scripts' way to the device and back, through the connection of an action plugin."""

from __future__ import annotations

from typing import Any, Protocol

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._command_size import fits
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import (
    Change,
    DeviceError,
    Query,
    Reading,
    Written,
    embedded,
    parse_reading,
    parse_written,
    read_command,
    write_command,
)

# Of meta/runtime.yml, as module_defaults names it.
ACTION_GROUP = "group/devfleet.uid_mem.uid_mem"


class Action(Protocol):
    """What is used of Ansible's ActionBase."""

    _connection: Any
    _task: Any
    _templar: Any

    def _low_level_execute_command(self, cmd: str, *, in_data: bytes | None, encoding_errors: str) -> dict[str, Any]:
        """Run a command on the host."""


def refuse_async(action: Action) -> None:
    """A job in the background would need Python on the device."""
    if action._task.async_val:
        raise DeviceError(
            f"{action._task.action} does not support async: it makes at most two short remote calls."
            " Take async and poll off the task."
        )


def module_defaults_of(action: Action) -> set[str]:
    """The options that the task has from C(module_defaults).

    By the time a plugin runs, Ansible has put them among the arguments. One that the task gives with the same value
    counts as one of them.
    """
    task = action._task
    found: dict[str, Any] = {}
    for defaults in getattr(task, "module_defaults", None) or []:
        for name in (ACTION_GROUP, task.resolved_action):
            found.update(action._templar.template(defaults.get(name) or {}))
    return {name for name, value in found.items() if name in task.args and task.args[name] == value}


def read_device(action: Action, query: Query) -> Reading:
    """The one remote read."""
    require_posix_shell(action)
    command = read_command(query)
    if not fits(command):
        raise DeviceError(
            f"So many names of users at once ({len(query.users)}) do not fit into a command."
            " Split the list, or give their numbers as uid."
        )
    answer = execute(action, command, None)
    return parse_reading(answer["stdout"], query, rc=answer["rc"], stderr=answer["stderr"])


def write_device(action: Action, change: Change) -> Written:
    """The one remote write, and what the kernel has afterwards."""
    command: str | None = write_command(change)
    data: bytes | None = change.data
    if not takes_stdin(action, enabled=True):
        # Pipelining is off or cannot be: a terminal may stand in the way of standard input.
        command, data = embedded(write_command(change), change.data), None
        if command is None and takes_stdin(action, enabled=False):
            command, data = write_command(change), change.data
    if command is None:
        raise DeviceError(
            f"So many limits at once ({len(change.data)} bytes) do not fit into a command, and need pipelining."
            " Nothing was changed. Set 'ansible_pipelining: true' for the host,"
            " where its connection and become method can do it (sudo can, su cannot)."
        )
    answer = execute(action, command, data)
    return parse_written(answer["stdout"], change, rc=answer["rc"], stderr=answer["stderr"])


def takes_stdin(action: Action, *, enabled: bool) -> bool:
    """Whether a command can be given data on its standard input; with I(enabled), whether its user wants that.

    The conditions are those that Ansible has for the pipelining of modules. Without pipelining ssh takes a terminal for
    become, which some sudoers demand, and the local connection reads a become password through one and drops the data.
    """
    connection = action._connection
    become = connection.become
    if not connection.has_pipelining or (become and become.name == "su"):
        return False
    try:
        wanted = bool(connection.get_option("pipelining"))
    except (AttributeError, KeyError, ValueError):
        wanted = False
    if enabled:
        return wanted
    return wanted or not (connection.transport == "local" and become and become.expect_prompt())


def require_posix_shell(action: Action) -> None:
    """Nothing here is for Windows."""
    if getattr(action._connection._shell, "_IS_WINDOWS", False):
        raise DeviceError("uid_mem needs Linux, and this host is reached through a Windows shell.")


def execute(action: Action, command: str, data: bytes | None) -> dict[str, Any]:
    """One remote call."""
    return action._low_level_execute_command(command, in_data=data, encoding_errors="surrogateescape")

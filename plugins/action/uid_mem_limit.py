# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Declare memory limits: at most one remote read and one remote write, through POSIX sh."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import DeviceError
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import Table, Vocabulary
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._plan import (
    Plan,
    TaskError,
    make_plan,
    names_of,
    parse_arguments,
    parse_kernel_table,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._remote import read_device, refuse_async, write_device


class ActionModule(ActionBase):
    """The work of C(devfleet.uid_mem.uid_mem_limit); its documentation is in C(plugins/modules)."""

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Arguments, one read, plan, one write."""
        result: dict[str, Any] = {}
        try:
            refuse_async(self)
            result = super().run(tmp, task_vars)
            result.update(self._declare())
        except (TaskError, DeviceError) as exc:
            result.update(failed=True, msg=str(exc))
        return result

    def _declare(self) -> dict[str, Any]:
        wish = parse_arguments(self._task.args)
        reading = read_device(self, wish.path)
        reading.require_kernel()
        if wish.persist:
            reading.require_file()
        plan = make_plan(wish, reading)
        reading.require_permission(kernel=plan.kernel_changed, file=plan.file_changed)
        after = plan.kernel_after
        if plan.changed and not self._task.check_mode:
            text = write_device(self, plan.change())
            if text is not None:
                after = _confirmed(text, plan, names_of(reading))
        result: dict[str, Any] = {
            "changed": plan.changed,
            "kernel_changed": plan.kernel_changed,
            "file_changed": plan.file_changed,
            "before": plan.entries(plan.kernel_before),
            "after": plan.entries(after),
            "usage": plan.usage,
            "engine": reading.features.get("engine", ""),
            "kernel": reading.release,
        }
        if self._task.diff:
            result["diff"] = plan.diff()
        return result


def _confirmed(text: str, plan: Plan, names: Vocabulary) -> Table:
    """The kernel's table as read back after the write, once it has what was declared."""
    table = parse_kernel_table(text, names)
    if plan.entries(table) != plan.entries(plan.kernel_after):
        raise DeviceError(
            "The kernel took the limits, but does not list them now: someone else changed its table at the same time,"
            " or it evicted them (module parameters max_entries and evict). Run the task again."
        )
    return table

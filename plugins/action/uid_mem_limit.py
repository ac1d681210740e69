# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Declare memory limits: at most one remote read and one remote write, through POSIX sh."""

from __future__ import annotations

import random
import time
from typing import Any

from ansible.module_utils import basic
from ansible.plugins.action import ActionBase

from ansible_collections.devfleet.uid_mem.plugins.module_utils._argument_specs import RUN_DIRECTLY, UID_MEM_LIMIT_MODULE
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import (
    TaskError,
    TaskParameters,
    parse_arguments,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import ConflictError, DeviceError, Written
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import Table, Vocabulary
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._plan import (
    Plan,
    make_plan,
    names_of,
    parse_kernel_table,
    query_of,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._remote import (
    module_defaults_of,
    read_device,
    refuse_async,
    write_device,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._usage import parse_stats

# How often a task looks anew because someone else has changed the limits since it read them. Of any number of tasks
# that do, one succeeds each time.
ATTEMPTS = 200
# Longest pause before that, in seconds: it grows by STEP each time, since a task that fails often has many beside it.
STEP = 0.1
MAX_PAUSE = 2.0


class ActionModule(ActionBase):
    """The work of C(devfleet.uid_mem.uid_mem_limit); its documentation is in C(plugins/modules)."""

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Arguments, then one read, plan, one write; again where someone else came in between."""
        result: dict[str, Any] = {}
        try:
            refuse_async(self)
            result = super().run(tmp, task_vars)
            parameters = parse_arguments(self._task.args, module_defaults_of(self))
            result.update(self._declare(parameters))
        except (TaskError, DeviceError) as exc:
            result.update(failed=True, msg=str(exc))
        return result

    def _declare(self, parameters: TaskParameters) -> dict[str, Any]:
        for attempt in range(1, ATTEMPTS):
            try:
                return self._attempt(parameters)
            except ConflictError:
                time.sleep(random.uniform(0, min(STEP * attempt, MAX_PAUSE)))
        return self._attempt(parameters)

    def _attempt(self, parameters: TaskParameters) -> dict[str, Any]:
        reading = read_device(self, query_of(parameters))
        if parameters.runtime:
            reading.require_kernel("limits")
        reading.require_linux()
        if parameters.persist:
            reading.require_file()
        plan = make_plan(parameters, reading)
        reading.require_permission(kernel=plan.kernel_changed, file=plan.file_changed)
        after, written = plan.after, Written()
        if plan.changed and not self._task.check_mode:
            written = write_device(self, plan.change())
            if written.limits_text is not None:
                after = _confirmed(written.limits_text, plan, names_of(reading))
        result: dict[str, Any] = {
            "changed": plan.changed,
            "kernel_changed": plan.kernel_changed,
            "file_changed": plan.file_changed,
            **plan.told(after, parse_stats(written.stats_text)),
            "engine": reading.features.get("engine", ""),
            "kernel": reading.release,
        }
        if plan.ending:
            result["reverts"] = {"after_s": plan.ending.seconds, "by": plan.ending.timer}
        if plan.warnings:
            result["warnings"] = plan.warnings
        if self._task.diff:
            result["diff"] = plan.diff(after)
        return result


def _confirmed(text: str, plan: Plan, names: Vocabulary) -> Table:
    """The kernel's table as read back after the write, once it has what was declared."""
    table = parse_kernel_table(text, names)
    if plan.entries(table) != plan.entries(plan.after):
        raise DeviceError(
            "The kernel took the limits, but does not list them now: someone else changed its table at the same time,"
            " or it evicted them (module parameters max_entries and evict). Run the task again."
        )
    return table


def main() -> None:
    """Check the arguments of a task for ansible-lint, which looks for this in the action plugin where there is one."""
    basic.AnsibleModule(**UID_MEM_LIMIT_MODULE).fail_json(msg=RUN_DIRECTLY)

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read memory limits, usage and features: one remote read through POSIX sh."""

from __future__ import annotations

from typing import Any

from ansible.module_utils import basic
from ansible.plugins.action import ActionBase

from ansible_collections.devfleet.uid_mem.plugins.module_utils._argument_specs import RUN_DIRECTLY, UID_MEM_INFO_MODULE
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import TaskError
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import DeviceError, Reading
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._drift import desired_drift, file_drift
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._events import (
    InfoRequest,
    parse_info_arguments,
    tell_events,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._plan import (
    file_problems,
    kernel_table,
    names_of,
    parse_limits_file,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._remote import read_device, refuse_async
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._usage import parse_stats


class ActionModule(ActionBase):
    """The work of C(devfleet.uid_mem.uid_mem_info); its documentation is in C(plugins/modules)."""

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """One read."""
        result: dict[str, Any] = {}
        try:
            refuse_async(self)
            result = super().run(tmp, task_vars)
            request = parse_info_arguments(self._task.args)
            reading = read_device(self, request.query())
            reading.require_linux()
            if reading.loaded:
                reading.require_kernel(*request.required)
            result.update(_result(reading, request))
        except (TaskError, DeviceError) as exc:
            result.update(failed=True, msg=str(exc))
        return result


def _result(reading: Reading, request: InfoRequest) -> dict[str, Any]:
    result: dict[str, Any] = {
        "changed": False,
        "kernel": reading.release,
        "loaded": reading.loaded,
        "not_loaded_because": "" if reading.loaded else reading.why_not_loaded(),
    }
    if "features" in request.parts:
        result["features"] = {name: _feature(name, value) for name, value in reading.features.items()}
    if "limits" in request.parts:
        result["limits"] = [limit.as_dict() for limit in kernel_table(reading)]
    if "stats" in request.parts:
        result["stats"] = parse_stats(reading.stats_text)
    if reading.events_text is not None:
        result.update(tell_events(reading, request))
    if "file" in request.parts:
        result.update(_file(reading, request))
    if request.desired is not None:
        kernel, names = kernel_table(reading), names_of(reading)
        result["desired_drift"] = desired_drift(request.desired, kernel, reading.users, reading.ram, names)
    return result


def _file(reading: Reading, request: InfoRequest) -> dict[str, Any]:
    """The limits file and where the kernel differs from it, or what keeps it from being read."""
    result: dict[str, Any] = {"file_path": reading.path}
    try:
        if reading.file_state != "absent":
            reading.require_file()
        file = parse_limits_file(reading.file_text, names_of(reading), reading.path)
    except DeviceError as exc:
        if "file" in request.required:
            raise
        return {**result, "file_error": str(exc)}
    except TaskError as exc:
        return {**result, "file_error": str(exc)}
    outside = request.desired.outside_file(reading.users) if request.desired else ()
    return {
        **result,
        "file_error": " ".join(file_problems(file, reading.path)),
        "file_limits": [limit.as_dict() for limit in file.table],
        "drift": file_drift(kernel_table(reading), file.table, outside),
    }


def _feature(name: str, value: str) -> str | list[str]:
    return value.split(",") if name in ("policies", "metrics", "footprint", "on_high") else value


def main() -> None:
    """Check the arguments of a task for ansible-lint, which looks for this in the action plugin where there is one."""
    basic.AnsibleModule(**UID_MEM_INFO_MODULE).fail_json(msg=RUN_DIRECTLY)

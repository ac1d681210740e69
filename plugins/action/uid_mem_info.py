# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read memory limits, usage and features: one remote read through POSIX sh."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import TaskError
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import DeviceError, Reading
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._events import (
    InfoWish,
    parse_info_arguments,
    tell_events,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._plan import kernel_table
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
            wish = parse_info_arguments(self._task.args)
            reading = read_device(self, wish.query())
            reading.require_kernel(*wish.required)
            result.update(_tell(reading, wish))
        except (TaskError, DeviceError) as exc:
            result.update(failed=True, msg=str(exc))
        return result


def _tell(reading: Reading, wish: InfoWish) -> dict[str, Any]:
    told: dict[str, Any] = {"changed": False, "kernel": reading.release}
    if "features" in wish.parts:
        told["features"] = {name: _feature(name, value) for name, value in reading.features.items()}
    if "limits" in wish.parts:
        told["limits"] = [limit.as_dict() for limit in kernel_table(reading)]
    if "stats" in wish.parts:
        told["stats"] = parse_stats(reading.stats_text)
    if reading.events_text is not None:
        told.update(tell_events(reading, wish))
    return told


def _feature(name: str, value: str) -> str | list[str]:
    return value.split(",") if name in ("policies", "metrics") else value

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Read memory limits, usage and features: one remote read through POSIX sh."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import DeviceError, parse_stats
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._plan import (
    DEFAULT_PATH,
    TaskError,
    kernel_table,
    parse_no_arguments,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._remote import read_device, refuse_async


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
            result.update(self._read())
        except (TaskError, DeviceError) as exc:
            result.update(failed=True, msg=str(exc))
        return result

    def _read(self) -> dict[str, Any]:
        parse_no_arguments(self._task.args)
        reading = read_device(self, DEFAULT_PATH)
        reading.require_kernel()
        return {
            "changed": False,
            "features": dict(reading.features),
            "limits": [limit.as_dict() for limit in kernel_table(reading)],
            "stats": parse_stats(reading.stats_text),
            "kernel": reading.release,
        }

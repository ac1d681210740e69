# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: task_times
type: aggregate
short_description: Seconds that each task took
description:
  - Writes a line for each task and host, C(HOST SECONDS CHANGED), to the file that the environment variable
    E(TASK_TIMES) names. For C(tests/bench/controller).
"""


class CallbackModule(CallbackBase):
    """From a task's start on a host to its result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_times"

    def __init__(self) -> None:
        super().__init__()
        self.started: dict[str, float] = {}

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """A task begins on a host."""
        self.started[host.name] = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        """It has ended."""
        host = result._host.name
        changed = bool(result._result.get("changed"))
        with open(os.environ["TASK_TIMES"], "a", encoding="utf-8") as times:
            times.write(f"{host} {time.monotonic() - self.started[host]:.4f} {changed}\n")

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from ansible.plugins.callback.default import CallbackModule as DefaultCallback

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: One line for each play, what it tells, and failures
description:
  - For C(make demo) and C(make device), where the headings of some hundred tasks hide what happens.
  - Each play is a line with the time since the start. Below it is what tasks tell (C(ansible.builtin.debug),
    C(ansible.builtin.assert)), and how far a command is that is looked at in a loop.
  - A failure, a warning and the recap of a run that failed are shown as by the callback C(default).
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""

# Modules whose results are for the reader.
TELLING = {"ansible.builtin.assert", "ansible.builtin.debug"}
# What assert says where it is not told what to say.
NOTHING = {"", "All assertions passed"}
COMMANDS = {"ansible.builtin.command"}


class CallbackModule(DefaultCallback):
    """A run for somebody who wants to know how far it is, not how it is done."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "progress"

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._began = time.monotonic()
        self._last_label = ""

    def _say(self, text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        self._display.display(f"[{minutes:3}:{seconds:02}] {text}")

    def _show(self, lines: Iterable[object]) -> None:
        for line in lines:
            self._display.display(f"         {line}")

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """The only heading."""
        self._play = play
        self._say(play.get_name().strip())

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """No heading, unless the task fails."""

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """The same."""

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Nor anything else."""

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Files of tasks are not of interest."""

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Nor are tasks that have nothing to do."""

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        """The same."""

    def v2_runner_retry(self, result: Any) -> None:
        """A task that tries again has not failed."""

    def v2_runner_on_ok(self, result: Any) -> None:
        """What a task tells."""
        self._handle_warnings_and_exception(result)
        message = result.result.get("msg", "")
        lines = message if isinstance(message, list) else str(message).splitlines()
        if result.task.action in TELLING and str(message) not in NOTHING:
            self._show(lines)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """How far a command is."""
        label = str(self._get_item_label(result.result) or "")
        if result.task.action in COMMANDS and label != self._last_label:
            self._last_label = label
            self._show([label] if label else [])

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """As usual, unless it does not matter."""
        if not ignore_errors:
            super().v2_runner_on_failed(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The recap of a run that failed."""
        if stats.failures or stats.dark:
            super().v2_playbook_on_stats(stats)  # type: ignore[no-untyped-call]
            self._say("failed")
        else:
            self._say("done")

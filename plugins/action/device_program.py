# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Run a program of the collection on a device: joined from its parts, one remote call, through POSIX sh."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils import basic
from ansible.plugins.action import ActionBase

from ansible_collections.devfleet.uid_mem.plugins.module_utils._argument_specs import (
    DEVICE_PROGRAM,
    DEVICE_PROGRAM_MODULE,
    RUN_DIRECTLY,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import TaskError
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._artifacts import digest_of
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import DeviceError
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._owner import has_ended, owner_of_this_run
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._program import (
    Answer,
    embedded_command,
    join_program,
    option_words,
    parse_answer,
    stdin_command,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._remote import (
    execute,
    refuse_async,
    require_posix_shell,
    takes_stdin,
)

# Seconds between two attempts to reach a host.
PAUSE = 1.0

# How Ansible's ssh connection begins when a host stops answering while the program is being sent. What ssh said may
# follow.
NOT_SENT = re.compile(
    r'^Data could not be sent to remote host "[^"]*"\. Make sure this host can be reached over ssh:\s*'
)


def lost_message(exc: AnsibleConnectionFailure) -> str:
    """What is told of a connection that was lost: what happened to the host, rather than to the data."""
    said = NOT_SENT.sub("", str(exc)).strip()
    if said == str(exc).strip():
        return said
    return f"the host did not answer: {said}" if said else "the host did not answer"


class ActionModule(ActionBase):
    """The work of C(devfleet.uid_mem.device_program); its documentation is in C(plugins/modules)."""

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Arguments, then one call; with a payload, its way to the host and away again around it."""
        result: dict[str, Any] = {}
        lost_connection = self._task.args.get("lost_connection")
        try:
            refuse_async(self)
            result = super().run(tmp, task_vars)
            args = self.validate_argument_spec(argument_spec=DEVICE_PROGRAM)[1]
            require_posix_shell(self)
            if self._task.check_mode:
                result.update(
                    skipped=True, msg="Not run in check mode: 'check_mode: false' is for commands that only read."
                )
                return result
            result.update(self._told(args, self._patiently(args)))
        except (TaskError, DeviceError) as exc:
            result.update(failed=True, msg=str(exc))
        except AnsibleConnectionFailure as exc:
            # A host that Ansible takes for unreachable gets no rescue.
            if lost_connection != "fail":
                raise
            before = self._task.args.get("on_failure")
            result.update(failed=True, connection_lost=True, msg=": ".join(filter(None, [before, lost_message(exc)])))
        return result

    def cleanup(self, force: bool = False) -> None:
        """Ansible's own, after the result is there: a connection that is lost for it as well changes nothing."""
        try:
            super().cleanup(force)
        except AnsibleConnectionFailure:
            self._display.vvv(f"{self._connection._shell.tmpdir} is left on the host")

    def _told(self, args: dict[str, Any], answer: Answer) -> dict[str, Any]:
        told: dict[str, Any] = {
            "changed": answer.said.get("changed") == "yes",
            # Ansible takes any exit status but 0 for a failure where this is not there.
            "failed": answer.rc not in args["expected_rc"],
            "rc": answer.rc,
            "said": answer.said,
            "lines": answer.lines,
        }
        if answer.warnings:
            told["warnings"] = answer.warnings
        if self._task.diff and answer.diffs:
            told["diff"] = answer.diffs
        if told["failed"]:
            before = f"{args['on_failure']}: " if args["on_failure"] else ""
            told["msg"] = before + answer.errors()
        return told

    def _patiently(self, args: dict[str, Any]) -> Answer:
        """The answer, which may take a reboot of the host to come."""
        until = time.monotonic() + args["patience"]
        time.sleep(args["delay"])
        while True:
            late = time.monotonic() >= until
            try:
                answer = self._lawfully(args)
                if answer.rc not in args["retry_rc"] or late:
                    return answer
            except AnsibleConnectionFailure:
                if late:
                    raise
                self._reconnect()
            time.sleep(PAUSE)

    def _reconnect(self) -> None:
        """What is left of the connection would be in the way of the next one."""
        try:
            self._connection.reset()
        except (AttributeError, AnsibleConnectionFailure):
            self._connection.close()

    def _lawfully(self, args: dict[str, Any]) -> Answer:
        """The answer; where an earlier run on this controller has left a lock behind, without it."""
        words = [args["command"], *args["operands"], *option_words(args["arguments"])]
        if args["owner"]:
            words += ["--owner", owner_of_this_run() if args["owner"] == "auto" else args["owner"]]
        answer = self._call(args, words)
        holder = answer.said.get("locked_by", "")
        if holder and has_ended(holder):
            answer = self._call(args, [*words, "--take-over", holder])
        return answer

    def _call(self, args: dict[str, Any], words: list[str]) -> Answer:
        if not args["payload"]:
            return self._run(args["program"], words)
        for path in args["payload"]:
            if not Path(path).is_file():
                raise TaskError(f"payload: there is no file {path} on the controller.")
        directory = self._make_tmp_path()
        try:
            for path in args["payload"]:
                self._transfer_file(path, self._connection._shell.join_path(directory, Path(path).name))
            # Readable for the user that become makes of us.
            self._fixup_perms2([directory], execute=False)
            sums = [
                word for path in args["payload"] for word in ("--payload-sum", f"{digest_of(path)}:{Path(path).name}")
            ]
            return self._run(args["program"], [*words, "--payload", directory, *sums])
        finally:
            try:
                self._remove_tmp_path(directory)
            except AnsibleConnectionFailure:
                # Whatever broke the connection is what is to be told.
                self._display.vvv(f"{directory} is left on the host")

    def _run(self, program: str, words: list[str]) -> Answer:
        text = join_program(program)
        if takes_stdin(self, enabled=True):
            return parse_answer(execute(self, stdin_command(program, words), text.encode()))
        return parse_answer(execute(self, embedded_command(text, program, words), None))


def main() -> None:
    """Check the arguments of a task for ansible-lint, which looks for this in the action plugin where there is one."""
    basic.AnsibleModule(**DEVICE_PROGRAM_MODULE).fail_json(msg=RUN_DIRECTLY)

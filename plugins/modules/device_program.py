#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: device_program
short_description: Run a shell program of this collection on a host
version_added: 0.2.0
description:
  - Joins a program from its parts in the collection's directory C(device), runs it on the host by one remote call, and
    returns what it said. The roles of this collection use it; a playbook rarely needs it.
  - The program travels on standard input where pipelining is on, and in the command otherwise. Nothing is left behind.
author:
  - The uid_mem authors (@devfleet)
extends_documentation_fragment:
  - devfleet.uid_mem.attributes
  - devfleet.uid_mem.attributes.action
attributes:
  async:
    support: none
    details:
      - A task with C(async) fails.
  check_mode:
    support: none
    details:
      - Skipped in check mode. A task whose command only reads sets C(check_mode=false).
  diff_mode:
    support: partial
    details:
      - What the program tells of files is shown; the role C(devfleet.uid_mem.uid_mem) asks for it.
  idempotent:
    support: N/A
    details:
      - As the command is.
  platform:
    platforms: Linux
    support: full
options:
  program:
    description: Name of the program, a directory of C(device).
    type: str
    required: true
  command:
    description: Its command, the first word on its command line.
    type: str
    required: true
  operands:
    description: Words that follow the command as they are, before the options.
    type: list
    elements: str
    default: []
  arguments:
    description:
      - Options of the command. C(keep=2) becomes C(--keep 2), underscores in names become dashes, a boolean becomes
        C(yes) or C(no), a list repeats its option.
      - An option whose value is empty or null is left out.
    type: dict
    default: {}
  payload:
    description:
      - Files on the controller that the command needs. They are copied to a temporary directory of the host, whose
        path the program gets as C(--payload), and which is removed afterwards. C(--payload-sum) has the SHA-256 of
        each.
    type: list
    elements: path
    default: []
  expected_rc:
    description: Exit statuses that are no failure.
    type: list
    elements: int
    default: [0]
  on_failure:
    description: What a failure means, put before the program's own words.
    type: str
  owner:
    description:
      - Who the command is run for, which the program gets as C(--owner). V(auto) names this controller and this run of
        Ansible.
      - Where the program says that an earlier run on this controller, which has ended, holds a lock, it is run again
        with C(--take-over).
    type: str
  lost_connection:
    description:
      - What a host that cannot be reached is. Ansible runs no C(rescue) for an unreachable host; with V(fail) the task
        fails instead, and returns C(connection_lost).
    type: str
    choices: [unreachable, fail]
    default: unreachable
  patience:
    description:
      - For how many seconds the program is run again where the host cannot be reached, or where it ends with a status
        of O(retry_rc). Only for a command that can be repeated.
    type: int
    default: 0
  retry_rc:
    description: Exit statuses that are those of a program which was run too early.
    type: list
    elements: int
    default: []
  delay:
    description: How many seconds to wait before the first attempt.
    type: int
    default: 0
seealso:
  - module: ansible.builtin.script
"""

EXAMPLES = r"""
- name: Read what the device is and runs
  devfleet.uid_mem.device_program:
    program: kernel_install
    command: survey
  check_mode: false
  register: answer

- name: Fail unless the running kernel is the default
  ansible.builtin.assert:
    that: answer.said.settled == 'yes'
"""

RETURN = r"""
rc:
  description: Exit status of the program.
  returned: when the program ran
  type: int
  sample: 0
said:
  description: The C(key=value) lines it printed. Where a key is there more than once, the last one.
  returned: when the program ran
  type: dict
  sample:
    running: 6.1.158-uidmem-0123abcd
lines:
  description: All lines it printed.
  returned: when the program ran
  type: list
  elements: str
diff:
  description: What its C(diff_path=), C(diff_before=) and C(diff_after=) lines tell of files.
  returned: when it told, and with C(--diff)
  type: list
  elements: dict
warnings:
  description: Its C(warning=) lines.
  returned: when it printed some
  type: list
  elements: str
connection_lost:
  description: Whether the host could not be reached.
  returned: when it could not, and O(lost_connection=fail)
  type: bool
  sample: true
msg:
  description: Its C(error=) lines.
  returned: on failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.devfleet.uid_mem.plugins.module_utils._argument_specs import (
    DEVICE_PROGRAM_MODULE,
    RUN_DIRECTLY,
)


def main() -> None:
    """The work is that of the action plugin of the same name."""
    AnsibleModule(**DEVICE_PROGRAM_MODULE).fail_json(msg=RUN_DIRECTLY)


if __name__ == "__main__":
    main()

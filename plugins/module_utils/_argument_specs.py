# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The options of the modules: what their action plugins check arguments against, and what ansible-lint reads."""

from __future__ import annotations

from typing import Any

Spec = dict[str, dict[str, Any]]

# Options of which a task has one: whose limit it is.
WHOSE = ("uid", "user", "group", "limits")

# A limit: options of the task, or of an item of limits.
LIMIT_SPEC: Spec = {
    "uid": {"type": "raw"},
    "user": {"type": "str"},
    "group": {"type": "list", "elements": "str"},
    "max": {"type": "raw"},
    "high": {"type": "raw", "default": "max"},
    "on_high": {"type": "str", "default": "event", "choices": ["event", "term", "reclaim"]},
    "policy": {"type": "str", "default": "default"},
    "metric": {"type": "str", "default": "rss", "choices": ["rss", "anon", "footprint"]},
    "grace": {"type": "raw", "default": 0},
    "mode": {"type": "str", "default": "enforce", "choices": ["enforce", "audit"]},
    "subordinate": {"type": "bool", "default": False},
    "charge_to": {"type": "raw"},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
}
TASK_SPEC: Spec = {
    "purge": {"type": "bool", "default": False},
    "persist": {"type": "bool", "default": True},
    "runtime": {"type": "bool", "default": True},
    "for": {"type": "raw"},
    "below_usage": {"type": "str", "default": "warn", "choices": ["warn", "refuse", "ignore"]},
    "path": {"type": "str"},
    "return_all": {"type": "bool", "default": False},
}
UID_MEM_LIMIT: Spec = {
    **LIMIT_SPEC,
    "limits": {"type": "list", "elements": "dict", "options": LIMIT_SPEC},
    **TASK_SPEC,
}

# What the kernel tells, and what is on the disk.
KERNEL_PARTS = ("features", "limits", "stats", "events")
PARTS = (*KERNEL_PARTS, "file")

UID_MEM_INFO: Spec = {
    "gather": {"type": "list", "elements": "str", "choices": list(PARTS)},
    "since": {"type": "raw"},
    "max_events": {"type": "int", "default": 1000},
    "event_types": {"type": "list", "elements": "str"},
    "desired": {"type": "list", "elements": "dict"},
    "path": {"type": "str"},
}

DEVICE_PROGRAM: Spec = {
    "program": {"type": "str", "required": True},
    "command": {"type": "str", "required": True},
    "operands": {"type": "list", "elements": "str", "default": []},
    "arguments": {"type": "dict", "default": {}},
    "owner": {"type": "str"},
    "payload": {"type": "list", "elements": "path", "default": []},
    "expected_rc": {"type": "list", "elements": "int", "default": [0]},
    "on_failure": {"type": "str"},
    "lost_connection": {"type": "str", "choices": ["unreachable", "fail"], "default": "unreachable"},
    "patience": {"type": "int", "default": 0},
    "retry_rc": {"type": "list", "elements": "int", "default": []},
    "delay": {"type": "int", "default": 0},
}

# How these are given to AnsibleModule, by modules and, for ansible-lint, by action plugins.
UID_MEM_LIMIT_MODULE: dict[str, Any] = {
    "argument_spec": UID_MEM_LIMIT,
    "mutually_exclusive": [WHOSE],
    "required_one_of": [WHOSE],
    "supports_check_mode": True,
}
UID_MEM_INFO_MODULE: dict[str, Any] = {"argument_spec": UID_MEM_INFO, "supports_check_mode": True}
DEVICE_PROGRAM_MODULE: dict[str, Any] = {"argument_spec": DEVICE_PROGRAM, "supports_check_mode": False}

# What a module says that is not run by its action plugin.
RUN_DIRECTLY = (
    "The work of this module is done on the controller, by the action plugin of the same name in devfleet.uid_mem."
    " Call it as a task of a playbook, by its full name, or with 'ansible -m'."
)

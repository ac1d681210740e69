# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Plugins with their options, as Ansible's loader would make them, which needs an installed collection."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import yaml
from ansible import constants
from ansible.playbook.play_context import PlayContext
from ansible.plugins.doc_fragments import constructed

from ansible_collections.devfleet.uid_mem.plugins.connection import adb
from ansible_collections.devfleet.uid_mem.plugins.doc_fragments import adb as adb_fragment

CONNECTION = "devfleet.uid_mem.adb"


def load(plugin: Any, module: ModuleType) -> Any:
    """Give I(plugin), of the class in I(module), the options that are documented there."""
    kind = type(plugin).__module__.split(".")[-2]
    name = f"devfleet.uid_mem.{module.__name__.rpartition('.')[2]}"
    documentation = yaml.safe_load(module.DOCUMENTATION)
    options = dict(documentation["options"])
    for fragment in documentation.get("extends_documentation_fragment", []):
        for key, option in yaml.safe_load(_fragment(fragment))["options"].items():
            options[key] = option | options.get(key, {})
    manager: Any = constants.config
    manager.initialize_plugin_configuration_definitions(kind, name, options)
    plugin._load_name = name
    plugin._redirected_names = [name]
    return plugin


def _fragment(name: str) -> str:
    known: dict[str, Any] = {
        CONNECTION: adb_fragment.ModuleDocFragment,
        "ansible.builtin.constructed": constructed.ModuleDocFragment,
    }
    return str(known[name].DOCUMENTATION)


def adb_connection(**options: Any) -> adb.Connection:
    """The connection plugin, with options by their own names. The host's name in the inventory is C(none)."""
    context: Any = PlayContext
    plugin = load(adb.Connection(context(), task_uuid="", ansible_playbook_pid=""), adb)
    plugin.set_options(direct={"host": "none", **options})
    return plugin  # type: ignore[no-any-return]

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The devices that the adb server of the controller knows, as an inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: adb_devices
short_description: Android devices that adb knows
version_added: 0.2.0
author:
  - The uid_mem authors (@devfleet)
description:
  - Makes a host of each device in C(adb devices -l), reached by P(devfleet.uid_mem.adb#connection).
  - The file has to end with C(adb_devices.yml) or C(adb_devices.yaml). An option it does not have is an error.
  - A host has the variables C(ansible_connection) and C(ansible_adb_serial), C(adb_serial), C(adb_also), C(adb_state),
    C(adb_transport) (V(usb) or V(tcp)), and each property that C(adb devices -l) shows, with C(adb_) before its name
    (C(adb_model), C(adb_product), C(adb_device), C(adb_usb), C(adb_transport_id)).
  - What a device says of itself is never taken for a template. It is no proof either; any device can have any serial.
  - A device that adb sees several times, by USB, by TCP and by mDNS, is one host, reached by USB where it can be.
    C(adb_also) lists the serials of its other connections.
  - Devices with the same serial, as some boards have, are told apart by the USB port they are plugged into
    (C(ansible_adb_serial=usb:1-2)), which becomes a part of their names. The inventory warns of them.
  - A device is left out with a warning where what it gives as its serial cannot be one, where nothing tells it apart
    from another one, or where its host would have the name of the controller (V(localhost), V(127.0.0.1)).
extends_documentation_fragment:
  - ansible.builtin.constructed
  - devfleet.uid_mem.adb
options:
  plugin:
    description:
      - Says that a file is for this plugin.
    type: str
    required: true
    choices:
      - devfleet.uid_mem.adb_devices
  connect:
    description:
      - Devices of the network, as V(HOST) or V(HOST:PORT), that are connected first. The port is 5555 by default.
      - One that cannot be connected is left out with a warning, or has the state V(unreachable) where O(states) names
        that.
    type: list
    elements: str
    default: []
  states:
    description:
      - The states in which a device becomes a host.
    type: list
    elements: str
    choices:
      - device
      - offline
      - unauthorized
      - authorizing
      - connecting
      - recovery
      - rescue
      - sideload
      - bootloader
      - host
      - no permissions
      - unreachable
    default:
      - device
  hostnames:
    description:
      - Jinja2 expressions over the variables of a host, in order of preference. The first that gives something is its
        name; by default it is the serial. Where that is the same for two devices, each gets its serial or its USB port
        behind it, with a warning.
      - In a name, what is not an ASCII letter, a digit, C(.), C(_) or C(-) becomes C(_), because a colon has a meaning
        in host patterns, and braces in templates.
    type: list
    elements: str
    default: []
  duplicates:
    description:
      - What becomes of several connections to one device. With V(merge) they are one host; with V(keep) each is a host.
      - Connections are of one device where they show the same boot and the same namespace of processes. Only devices
        of the same model are asked for that, and only where adb sees one of them by network.
    type: str
    choices:
      - merge
      - keep
    default: merge
seealso:
  - plugin: devfleet.uid_mem.adb
    plugin_type: connection
"""

EXAMPLES = r"""
# phones.adb_devices.yml: whatever is attached by USB, grouped by model
plugin: devfleet.uid_mem.adb_devices
strict: true
keyed_groups:
  - prefix: model
    key: adb_model | default('unknown')
compose:
  ansible_shell_executable: "'/system/bin/sh'"
  ansible_remote_tmp: "'/data/local/tmp/.ansible'"
  ansible_become_method: "'devfleet.uid_mem.android_su'"
---
# lab.adb_devices.yml: two boards of the network, hosts of a play even while they are down
plugin: devfleet.uid_mem.adb_devices
connect:
  - 192.0.2.7
  - board2.example.net:6000
states:
  - device
  - offline
  - unreachable
hostnames:
  - adb_serial | split(':') | first
"""

import re
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ansible.constants import LOCALHOST
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._adb import (
    AdbClient,
    AdbError,
    AdbUnusableError,
    AttachedDevice,
    Deadline,
    address_of,
    is_address,
    is_serial,
)

CONNECTION = "devfleet.uid_mem.adb"
# Options that a host's connection needs as well, unless they have these values.
HANDED_ON = {"executable": "adb", "server_host": None, "server_port": None}
AT_ONCE = 16
# Properties that a device has by each of its connections.
LOOKS = ("product", "model", "device")


class InventoryModule(BaseInventoryPlugin, Constructable):
    """Reads the options, asks adb, makes hosts."""

    NAME = "devfleet.uid_mem.adb_devices"
    # Set by parse().
    inventory: Any

    def verify_file(self, path: str) -> bool:
        """Whether a file is for this plugin, by its name."""
        return super().verify_file(path) and path.endswith(("adb_devices.yml", "adb_devices.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Fill the inventory. AnsibleParserError."""
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        unknown = sorted(set(config) - set(self._options))
        if unknown:
            raise AnsibleParserError(f"{path}: there is no option {', '.join(unknown)}.")
        try:
            devices = self._devices()
        except AdbError as exc:
            raise AnsibleParserError(f"{path}: {exc}") from exc
        for name, device in self._named(devices):
            self._add(name, device)

    # --- devices

    def _devices(self) -> list[AttachedDevice]:
        """All that adb knows, and those of O(connect) that it could not reach. AdbError."""
        client = AdbClient(
            self.get_option("executable"), self.get_option("server_host"), self.get_option("server_port")
        )
        timeout = self.get_option("connect_timeout")
        client.start_server(Deadline.after(timeout))
        addresses = [address_of(entry) for entry in self.get_option("connect")]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            problems = pool.map(lambda address: _connected(client, address, timeout), addresses)
        unreachable = self._unreachable(dict(zip(addresses, problems, strict=True)))
        devices = [device for device in client.devices(timeout) if device.serial not in unreachable]
        devices += [AttachedDevice(address, "unreachable") for address in unreachable]
        return self._merged(client, self._with_addresses(devices), addresses)

    def _with_addresses(self, devices: list[AttachedDevice]) -> list[AttachedDevice]:
        """Those that are wanted and can be chosen."""
        wanted = [device for device in devices if device.state in self.get_option("states")]
        count = Counter(device.serial for device in devices)
        found = {}
        for device in wanted:
            if not is_serial(device.serial):
                self.display.warning(f"A device is not in the inventory: {device.serial!a} cannot be its serial.")
            elif count[device.serial] == 1:
                found[device.address] = device
            elif "usb" in device.properties and f"usb:{device.properties['usb']}" not in found:
                device = replace(device, shares_serial=True)  # noqa: PLW2901
                found[device.address] = device
                self.display.warning(
                    f"{count[device.serial]} devices have the serial {device.serial}. One of them is chosen by its USB"
                    f" port, {device.address}; another port makes it another host."
                )
            else:
                self.display.warning(
                    f"A device with the serial {device.serial} is not in the inventory: another one has the same, and"
                    " nothing tells them apart."
                )
        return list(found.values())

    def _merged(self, client: AdbClient, devices: list[AttachedDevice], connected: list[str]) -> list[AttachedDevice]:
        """One connection to each device, the best one, in the place of the first. AdbUnusableError."""
        if self.get_option("duplicates") == "keep":
            return devices
        alike: dict[tuple[str | None, ...], list[AttachedDevice]] = {}
        for device in devices:
            alike.setdefault(tuple(device.properties.get(name) for name in LOOKS), []).append(device)
        asked = [
            device
            for group in alike.values()
            for device in group
            if device.state == "device" and len(group) > 1 and any(other.transport == "tcp" for other in group)
        ]
        timeout = self.get_option("connect_timeout")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = pool.map(lambda device: client.identity(device.address, timeout), asked)
        identity = {device.address: answer for device, answer in zip(asked, answers, strict=True) if answer}
        places: dict[str, list[AttachedDevice]] = {}
        for device in devices:
            places.setdefault(identity.get(device.address, device.address), []).append(device)

        def rank(device: AttachedDevice) -> int:
            ways = (device.transport == "usb", device.serial in connected, is_address(device.serial))
            return ways.index(True) if any(ways) else len(ways)

        merged = []
        for same in places.values():
            best = min(same, key=rank)
            merged.append(replace(best, also=tuple(device.address for device in same if device is not best)))
        return merged

    def _unreachable(self, problems: dict[str, str]) -> list[str]:
        """The addresses that have a problem; it is told, unless such hosts are wanted."""
        unreachable = [address for address, problem in problems.items() if problem]
        if "unreachable" not in self.get_option("states"):
            for address in unreachable:
                self.display.warning(f"{address} is not in the inventory: {problems[address]}")
        return unreachable

    # --- hosts

    def _named(self, devices: list[AttachedDevice]) -> list[tuple[str, AttachedDevice]]:
        """The devices with names of their own."""
        by_name: dict[str, list[AttachedDevice]] = {}
        for device in devices:
            name = self._name(device)
            if name in LOCALHOST:
                self.display.warning(f"{device.serial} is not in the inventory: its name, {name}, is the controller's.")
            else:
                by_name.setdefault(name, []).append(device)
        named: dict[str, AttachedDevice] = {}
        for name, same in by_name.items():
            if len(same) == 1:
                named[name] = same[0]
                continue
            names = [f"{name}_{_as_name(device.address)}" for device in same]
            self.display.warning(f"{len(same)} devices would have the name {name}. They are {', '.join(names)}.")
            named.update(zip(names, same, strict=True))
        return list(named.items())

    def _add(self, name: str, device: AttachedDevice) -> None:
        """One host."""
        variables = self._variables(device)
        self.inventory.add_host(name)
        for key, value in variables.items():
            self.inventory.set_variable(name, key, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)

    def _variables(self, device: AttachedDevice) -> dict[str, Any]:
        """Of its host. ansible-core before 2.19 runs each string as a template that is not marked as unsafe."""
        properties = {f"adb_{key}": value for key, value in device.properties.items()}
        values = {key: self.get_option(key) for key in HANDED_ON}
        options = {f"ansible_adb_{key}": value for key, value in values.items() if value != HANDED_ON[key]}
        said: dict[str, Any] = wrap_var(
            {
                **properties,
                "ansible_adb_serial": device.address,
                "adb_serial": device.serial,
                "adb_also": list(device.also),
                "adb_state": device.state,
            }
        )
        return {
            **said,
            **options,
            "ansible_connection": CONNECTION,
            "adb_transport": device.transport,
        }

    def _name(self, device: AttachedDevice) -> str:
        """Of a host, in which nothing has a meaning for Ansible: names are templates too, before ansible-core 2.19."""
        return _as_name(self._wanted_name(device))

    def _wanted_name(self, device: AttachedDevice) -> str:
        variables = self._variables(device)
        expressions: Iterable[str] = self.get_option("hostnames")
        if not expressions:
            return f"{device.serial} {device.address}" if device.shares_serial else device.serial
        problems = []
        for expression in expressions:
            try:
                name = self._compose(expression, variables)
            except AnsibleError as exc:
                problems.append(f"{expression}: {exc}")
                continue
            if name:
                return str(name)
        raise AnsibleParserError(
            f"No expression of hostnames gives the device {device.serial} a name. {' '.join(problems)}".rstrip()
        )


def _as_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)


def _connected(client: AdbClient, address: str, timeout: float) -> str:
    """Connect a device; the problem, or nothing. AdbUnusableError."""
    if not is_address(address):
        return f"'{address}' is not HOST or HOST:PORT."
    try:
        client.connect(address, timeout)
    except AdbUnusableError:
        raise
    except AdbError as exc:
        return str(exc)
    return ""

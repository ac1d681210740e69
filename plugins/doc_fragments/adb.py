# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """How the client adb is called on the controller. Variables of hosts are the connection's only, and stand there."""

    DOCUMENTATION = r"""
options:
  executable:
    description:
      - The program C(adb) on the controller, by name or path.
    type: str
    default: adb
    env:
      - name: ANSIBLE_ADB_EXECUTABLE
    ini:
      - section: adb_connection
        key: executable
  server_host:
    description:
      - The host of the adb server. Where it is not set, C(adb) decides by its environment variables
        C(ANDROID_ADB_SERVER_ADDRESS) and C(ADB_SERVER_SOCKET), and takes a server on the controller.
      - A server is started where none runs, but not where this option is set.
    type: str
    env:
      - name: ANSIBLE_ADB_SERVER_HOST
    ini:
      - section: adb_connection
        key: server_host
  server_port:
    description:
      - The TCP port of the adb server. Where it is not set, C(adb) takes C(ANDROID_ADB_SERVER_PORT), or 5037.
    type: int
    env:
      - name: ANSIBLE_ADB_SERVER_PORT
    ini:
      - section: adb_connection
        key: server_port
  connect_timeout:
    description:
      - Seconds until an attempt to reach the adb server and the device is given up.
    type: float
    default: 10
    env:
      - name: ANSIBLE_TIMEOUT
      - name: ANSIBLE_ADB_CONNECT_TIMEOUT
    ini:
      - section: defaults
        key: timeout
      - section: adb_connection
        key: connect_timeout
"""

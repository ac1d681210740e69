# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """What the modules of this collection support."""

    DOCUMENTATION = r"""
options: {}
attributes:
  async:
    description: Supports being run in the background with C(async).
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the host.
  diff_mode:
    description: Returns details on what has changed (or would change in C(check_mode)) when in diff mode.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run changes nothing.
  platform:
    description: Systems the module can work on.
"""

    ACTION = r"""
options: {}
attributes:
  action:
    description: Runs on the controller, as an action plugin.
    support: full
    details:
      - The host needs a POSIX shell and its utilities only (dash, busybox, or toybox with mksh); no Python.
      - >-
        With pipelining off, the lines to write travel in the command, which ends at 124 KiB, some 3,000 new limits.
        More of them need C(ansible_pipelining=true), or a connection and become method that hand standard input
        through anyway.
"""

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How long a command for a device may be."""

from __future__ import annotations

import shlex

# A single argument of a command may have 128 KiB on Linux (MAX_ARG_STRLEN); some KiB are left for what become and the
# connection put around the command.
MAX_ARGUMENT = 124 * 1024
# So often a command may be quoted on its way: as the argument of a shell, by become, by the connection.
QUOTINGS = 3


def fits(command: str) -> bool:
    """Whether a command can be an argument, after all the quoting on its way, which is long where it has quotes."""
    for _level in range(QUOTINGS):
        command = shlex.quote(command)
    return len(command.encode("utf-8", "surrogateescape")) <= MAX_ARGUMENT

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who holds a device's lock: a run of Ansible, by the controller's name, its process and when that began."""

from __future__ import annotations

import os
import socket
from pathlib import Path

PROC = Path("/proc")


def owner_of_this_run() -> str:
    """The same for all tasks of a run: they are run by children of one process."""
    pid = os.getppid()
    return f"{socket.gethostname()}:{pid}:{_start_of(pid)}"


def has_ended(owner: str) -> bool:
    """Whether that is a run on this machine which is over; any doubt means that it is not."""
    # A host name has no colon in it.
    host, process, start = owner.split(":") if owner.count(":") == 2 else ("", "", "?")
    if host != socket.gethostname() or not process.isdigit() or start == "?":
        return False
    return _start_of(int(process)) != start


def _start_of(pid: int) -> str:
    """In clock ticks since the machine was booted; empty without a process, C(?) where nobody tells (macOS)."""
    if not (PROC / "self" / "stat").exists():
        return "?"
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name of the program, in parentheses, may have blanks.
    return stat.rpartition(")")[2].split()[19]

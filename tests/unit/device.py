# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A device for the tests to work on."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

FEATURES = "abi=1 engine=hooks policies=highest_rss,longest_run_time,worst,youngest metrics=rss,anon\n"


class Device:
    """A directory that stands for a device's root, and the shell and utilities it has.

    The scripts run for real. ``/proc/uid_mem`` is made of plain files, so a test of what the kernel makes of a write
    lets the Python table, which the grammar cases hold to the kernel's, do it (see ``FakeConnection`` in the tests of
    the action plugin).
    """

    def __init__(self, root: Path, path: str) -> None:
        self.root = root
        self.environment = {"PATH": path, "LC_ALL": "C"}
        self.release = platform.release()
        self.proc = root / "proc" / "uid_mem"
        self.limits = self.proc / "limits"
        self.file = root / "etc" / "uid_mem" / "limits"
        (root / "proc").mkdir()
        (root / "etc").mkdir()
        (root / "proc" / "meminfo").write_text("MemTotal:        4096000 kB\nMemFree:  1 kB\n")

    def load_module(self, limits: str = "", stats: str = "", features: str = FEATURES) -> None:
        """Make /proc/uid_mem appear."""
        self.proc.mkdir()
        self.limits.write_text(limits)
        (self.proc / "stats").write_text(stats)
        (self.proc / "features").write_text(features)

    def write_file(self, text: str) -> None:
        """Write the limits file."""
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_bytes(text.encode("utf-8", "surrogateescape"))

    def read_file(self) -> str:
        """The limits file as it is."""
        return self.file.read_bytes().decode("utf-8", "surrogateescape")

    def files(self) -> list[str]:
        """The names beside the limits file, to see that nothing is left behind."""
        return sorted(entry.name for entry in self.file.parent.iterdir())

    def run(self, command: str, data: bytes | None = None, **options: object) -> subprocess.CompletedProcess[bytes]:
        """Run a command as the connection's shell would."""
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            ["sh", "-c", command],
            input=data or b"",
            capture_output=True,
            env=self.environment,
            check=False,
            timeout=60,
            **options,
        )

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A device for the tests to work on."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

FEATURES = (
    "abi=1 engine=hooks policies=highest_rss,longest_run_time,worst,youngest metrics=rss,anon,footprint"
    " footprint=anon,swap,pgtables on_high=event,term,reclaim\n"
)


class Device:
    """A directory that stands for a device's root, and the shell and utilities it has.

    The scripts run for real. ``/proc/uid_mem`` is made of plain files, so that a write replaces what is there. What the
    kernel makes of it is seen with ``install_kernel``.
    """

    def __init__(self, root: Path, path: str) -> None:
        self.root = root
        self.environment = {"PATH": path, "LC_ALL": "C"}
        self.release = platform.release()
        self.prelude = ":"
        self.proc = root / "proc" / "uid_mem"
        self.limits = self.proc / "limits"
        self.file = root / "etc" / "uid_mem" / "limits"
        self.parameters = root / "sys" / "module" / "uid_mem" / "parameters"
        (root / "proc").mkdir()
        (root / "etc").mkdir()
        (root / "proc" / "uptime").write_text("1000.50 1.00\n")
        (root / "proc" / "meminfo").write_text("MemTotal:        4096000 kB\nMemFree:  1 kB\n")

    def load_module(self, limits: str = "", stats: str = "", features: str = FEATURES) -> None:
        """Make /proc/uid_mem appear."""
        self.proc.mkdir()
        self.limits.write_text(limits)
        (self.proc / "stats").write_text(stats)
        (self.proc / "features").write_text(features)
        self.set_room(0, evict=True)

    def install_kernel(self, program: Path) -> None:
        """Let the module's own parser and table take what dd writes to the limits, as one write().

        The shell of busybox has a dd of its own, for which C(prelude) has to be put at the beginning of a script.
        """
        self.prelude = f'dd() {{ {Path(self.environment["PATH"].split(":")[0]) / "dd"} "$@"; }}'
        place = Path(self.environment["PATH"].split(":")[0]) / "dd"
        real = shutil.which("dd", path=self.environment["PATH"])
        place.unlink(missing_ok=True)
        place.write_text(
            "#!/bin/sh\n"
            f'case $1 in "of={self.limits}") exec {program} {self.limits} "$(cat {self.parameters}/max_entries)"'
            f' "$(cat {self.parameters}/evict)" ;; esac\n'
            f'exec {real} "$@"\n'
        )
        place.chmod(0o755)

    def program(self, name: str) -> str | None:
        """The path of one of its utilities."""
        return shutil.which(name, path=self.environment["PATH"].partition(":")[2])

    def set_program(self, name: str, text: str) -> None:
        """Give it a utility of its own, a script that finds the device's directory in DEVICE. For dash."""
        place = Path(self.environment["PATH"].split(":")[0]) / name
        place.unlink(missing_ok=True)
        place.write_text(f"#!/bin/sh\nDEVICE={self.root}\n{text}\n")
        place.chmod(0o755)

    def set_room(self, max_entries: int, *, evict: bool) -> None:
        """Set the module's parameters."""
        self.parameters.mkdir(parents=True, exist_ok=True)
        (self.parameters / "max_entries").write_text(f"{max_entries}\n")
        (self.parameters / "evict").write_text("Y\n" if evict else "N\n")

    def add_process(self, pid: int, uid: int, **sizes: int) -> None:
        """Make a process appear in /proc, with sizes in KiB by their names in its status."""
        directory = self.root / "proc" / str(pid)
        directory.mkdir()
        lines = [f"Name:\tp{pid}", f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}", "VmRSS:\t  1 kB"]
        lines += [f"{name}:\t{size:8} kB" for name, size in sizes.items()]
        (directory / "status").write_text("".join(f"{line}\n" for line in lines))

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

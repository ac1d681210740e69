# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual machine: how it is started, and what it says."""

from __future__ import annotations

import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .artifacts import SetupError

MIB = 1 << 20
MEMORY_MIB = 1024
SWAP_BYTES = 256 * MIB
DISK_BYTES = 128 * MIB


@dataclass(frozen=True)
class Machine:
    """How QEMU emulates an architecture."""

    program: str
    package: str
    parameters: str
    options: tuple[str, ...]


MACHINES = {
    "x86_64": Machine(
        "qemu-system-x86_64",
        "qemu-system-x86",
        # On a busy host an emulated timer may be late, and a kernel that checks it does not boot then.
        "console=ttyS0 no_timer_check",
        ("-M", "pc", "-cpu", "max"),
    ),
    # pauth-impdef: pointer authentication by an algorithm that is quick to emulate.
    "aarch64": Machine(
        "qemu-system-aarch64",
        "qemu-system-arm",
        "console=ttyAMA0",
        ("-M", "virt", "-cpu", "max,pauth-impdef=on"),
    ),
}


class SilenceError(Exception):
    """The guest has said nothing for too long."""


class Guest:
    """A booted kernel; what it reports comes by its second serial port, line by line."""

    def __init__(
        self,
        arch: str,
        kernel: Path,
        initramfs: Path,
        *,
        work: Path,
        parallel: bool,
        parameters: str = "",
        cpus: int = 2,
        memory_mib: int = MEMORY_MIB,
        root: Path | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        machine = MACHINES[arch]
        if shutil.which(machine.program) is None:
            raise SetupError(f"{machine.program} is missing: install the package {machine.package}")
        self.log = work / "console.log"
        self._lines: queue.Queue[str | None] = queue.Queue()
        command = [
            machine.program,
            *machine.options,
            *("-accel", f"tcg,thread={'multi' if parallel else 'single'}"),
            *("-smp", str(cpus), "-m", str(memory_mib)),
            *("-display", "none", "-monitor", "none", "-nodefaults", "-no-reboot"),
            *("-kernel", str(kernel), "-initrd", str(initramfs)),
            *("-append", f"{machine.parameters} panic=-1 {parameters}"),
            *("-chardev", f"file,id=console,path={self.log}", "-serial", "chardev:console"),
            *("-chardev", "stdio,id=tap,signal=off", "-device", "virtio-serial-pci"),
            *("-device", "virtserialport,chardev=tap,name=tap"),
            *self._disk(work, "swap", SWAP_BYTES),
            *self._disk(work, "disk", DISK_BYTES),
            *self._root(root),
            *options,
        ]
        # Its input has to stay open: at its end the port would count as not connected.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        threading.Thread(target=self._receive, daemon=True).start()

    @staticmethod
    def _disk(work: Path, name: str, size: int) -> tuple[str, ...]:
        image = work / name
        with image.open("wb") as file:
            file.truncate(size)
        return (
            *("-drive", f"file={image},if=none,id={name},format=raw,cache=unsafe"),
            *("-device", f"virtio-blk-pci,drive={name}"),
        )

    @staticmethod
    def _root(image: Path | None) -> tuple[str, ...]:
        """A disk that several guests may start from: what one writes is gone with it."""
        if image is None:
            return ()
        return (
            *("-drive", f"file={image},if=none,id=root,format=raw,cache=unsafe,snapshot=on"),
            *("-device", "virtio-blk-pci,drive=root"),
        )

    def _receive(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.decode(errors="replace").rstrip("\r\n"))
        self._lines.put(None)

    def lines(self, patience: float) -> Iterator[str]:
        """Yield what the guest says until it is switched off; SilenceError after so many seconds without a word."""
        while True:
            try:
                line = self._lines.get(timeout=patience)
            except queue.Empty:
                raise SilenceError(f"the guest has said nothing for {patience:.0f} s") from None
            if line is None:
                return
            yield line

    def wait(self, seconds: float) -> int:
        """Wait for the end of the machine and return its status."""
        return self._process.wait(seconds)

    def stop(self) -> None:
        """End the machine if it runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

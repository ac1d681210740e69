# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A root file system for the guest, as a cpio archive in the "newc" format of the kernel's initramfs."""

from __future__ import annotations

import stat
from pathlib import Path


class Initramfs:
    """Collects files; an archive is some bytes, so no privilege is needed for its device nodes."""

    def __init__(self) -> None:
        self._archive = bytearray()
        self._inode = 0
        self._directories: set[str] = set()

    def _add(self, name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        self._inode += 1
        raw_name = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(raw_name), 0)
        self._archive += b"070701" + b"".join(b"%08X" % field for field in fields)
        self._append_padded(raw_name)
        self._append_padded(data)

    def _append_padded(self, data: bytes) -> None:
        self._archive += data
        self._archive += b"\0" * (-len(self._archive) % 4)

    def directory(self, name: str) -> None:
        """Add a directory and those above it, unless they are there."""
        parts = name.split("/")
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            if path not in self._directories:
                self._directories.add(path)
                self._add(path, stat.S_IFDIR | 0o755)

    def file(self, name: str, data: bytes, *, executable: bool = False) -> None:
        """Add a file with these contents, readable by all."""
        if "/" in name:
            self.directory(name.rpartition("/")[0])
        self._add(name, stat.S_IFREG | (0o755 if executable else 0o644), data)

    def copy(self, name: str, source: Path, *, executable: bool = False) -> None:
        """Add a file of the host."""
        self.file(name, source.read_bytes(), executable=executable)

    def character_device(self, name: str, major: int, minor: int) -> None:
        """Add a device node."""
        self._add(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def archive(self) -> bytes:
        """Return the complete archive."""
        end = Initramfs()
        end._add("TRAILER!!!", 0)
        return bytes(self._archive) + bytes(end._archive)

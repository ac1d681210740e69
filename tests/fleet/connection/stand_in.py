# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The connection to a device that is a directory: $FLEET/<host>. Each use is a line of its file "calls".

With a file "down" there, the device does not answer. With "blink", a number, it does not so many times.
"""

from __future__ import annotations

DOCUMENTATION = r"""
name: stand_in
short_description: A device that is a directory
description: [A device that is a directory.]
extends_documentation_fragment: [connection_pipelining]
options: {}
"""

import os
import shlex
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as LocalConnection


class Connection(LocalConnection):
    """Like local, with the device's directory as $DEVICE and its programs first."""

    transport = "stand_in"

    @property
    def device(self) -> Path:
        return Path(os.environ["FLEET"]) / str(self._play_context.remote_addr)

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def reset(self) -> None:
        """Nothing is kept."""

    def _use(self, kind: str) -> None:
        with (self.device / "calls").open("a") as calls:
            calls.write(f"{kind}\n")
        blink = self.device / "blink"
        if blink.exists():
            times = int(blink.read_text())
            if times > 1:
                blink.write_text(str(times - 1))
            else:
                blink.unlink()
        elif not (self.device / "down").exists():
            return
        raise AnsibleConnectionFailure("no route to the stand-in")

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> Any:
        self._use("exec")
        path = f"{self.device / 'bin'}:{os.environ['PATH']}"
        environment = f"DEVICE={shlex.quote(str(self.device))} PATH={shlex.quote(path)}; export DEVICE PATH"
        return super().exec_command(f"{environment}; {cmd}", in_data, sudoable)

    def put_file(self, in_path: str, out_path: str) -> None:
        self._use("put")
        super().put_file(in_path, out_path)

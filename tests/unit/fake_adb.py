# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A program C(adb) that says and does what a test has written down: failures that no real device can be brought to."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._adb import IDENTIFY, PROBE

PROGRAM = """\
#!{python} -I
import json, os, subprocess, sys, time
here = {here!r}
words = sys.argv[1:]
serial = ""
if words[:1] == ["-s"]:
    serial = words[1]
    words = words[2:]
with open(here + "/calls", "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if words[-1] == {identify!r}:
    print(json.load(open(here + "/identities")).get(serial, "sh: not found"))
    sys.exit()
path = here + "/" + ("probe" if words[-1] == {probe!r} else words[0]) + ".json"
answers = json.load(open(path))
answer = answers.pop(0) if len(answers) > 1 else answers[0]
with open(path + ".new", "w") as rest:
    json.dump(answers or [answer], rest)
os.rename(path + ".new", path)
time.sleep(answer.get("sleep", 0))
if "run" in answer:
    line = words[-1]
    for old, new in answer["run"]:
        line = line.replace(old, new)
    status = subprocess.run(["sh", "-c", line]).returncode
    sys.exit(answer.get("status", status if status >= 0 else 128 - status))
sys.stdout.write(answer.get("out", ""))
sys.stderr.write(answer.get("err", ""))
sys.exit(answer.get("status", 0))
"""


class FakeAdb:
    """The program, and its answers: for each command a list, of which the last one stays."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        self.program = place / "adb"
        self.program.write_text(PROGRAM.format(python=sys.executable, here=str(place), probe=PROBE, identify=IDENTIFY))
        self.identities()
        self.program.chmod(0o755)
        self.says("start-server")
        self.says("disconnect")
        self.says("features", {"out": "shell_v2\ncmd\n"})
        self.says("probe", {"out": "ready\n"})
        self.says("shell", {"run": []})
        self.devices("ABC device usb:1-2 product:p model:m device:d transport_id:1")

    def says(self, command: str, *answers: dict[str, Any]) -> None:
        """What C(command) does: C(out), C(err), C(status), C(sleep), or C(run), replacements in a line that is run."""
        (self.place / f"{command}.json").write_text(json.dumps(answers or [{}]))

    def devices(self, *lines: str) -> None:
        """What C(devices -l) lists."""
        self.says("devices", {"out": "\n".join(["List of devices attached", *lines, "", ""])})

    def identities(self, **device_of: str) -> None:
        """Which device is behind a serial, told by the id of its boot."""
        boots = {serial: f"{boot * 8}-1111-2222-3333-{boot * 12}\npid:[1]" for serial, boot in device_of.items()}
        (self.place / "identities").write_text(json.dumps(boots))

    def calls(self) -> list[list[str]]:
        """The arguments of each call so far."""
        path = self.place / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def commands(self) -> list[str]:
        """The command of each call; C(probe) is the shell's that shows that the device answers."""
        return ["probe" if words[-1] == PROBE else words[2] if words[0] == "-s" else words[0] for words in self.calls()]

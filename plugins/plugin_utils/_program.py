# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Programs for devices: joined from their parts, turned into one command, and their answer read.

The parts are in C(device/) of the collection. A program is a directory there with a file C(parts), which lists the
parts in order, one path a line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import TaskError
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._command_size import fits

DIRECTORY = Path(__file__).resolve().parents[2] / "device"

HEADER = """\
#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Joined from the parts in device/ of the collection devfleet.uid_mem. Change those.
"""

# Reads the program from standard input at once, so that nothing the program starts can take a part of it.
# The text stays in a variable for programs that leave a copy of themselves on the device.
START = 'program_text=$(cat); exec </dev/null; eval "$program_text"'

# Stands for a single quote in an embedded program: each level of quoting would make five characters of one.
STAND_IN = "\001"


def program_names() -> list[str]:
    """The programs there are."""
    return sorted(parts.parent.name for parts in DIRECTORY.glob("*/parts"))


@cache
def join_program(name: str) -> str:
    """The text of a program."""
    try:
        listed = (DIRECTORY / name / "parts").read_text(encoding="utf-8")
    except OSError:
        raise TaskError(f"program: there is no '{name}'; there are {', '.join(program_names())}.") from None
    paths = [line for line in listed.splitlines() if line and not line.startswith("#")]
    return HEADER + "".join("\n" + _body(DIRECTORY / path) for path in paths)


@cache
def compact_program(name: str) -> str:
    """The same without blank lines and lines of comment, for a program that travels in a command."""
    lines = join_program(name).splitlines(keepends=True)
    return "".join(line for line in lines if line.strip() and not line.lstrip().startswith("#"))


def _body(part: Path) -> str:
    """A part without its licence and what only linters read."""
    lines = part.read_text(encoding="utf-8").splitlines(keepends=True)
    while lines and lines[0].startswith(("# SPDX-", "# shellcheck shell=", "\n")):
        del lines[0]
    return "".join(lines)


def option_words(arguments: Mapping[str, Any]) -> list[str]:
    """Options of a command: I(keep=2) is C(--keep 2), a list repeats its option, an empty value leaves it out."""
    words: list[str] = []
    for name, value in arguments.items():
        for item in value if isinstance(value, list) else [value]:
            if item is None or item == "":
                continue
            if isinstance(item, (dict, list)):
                raise TaskError(f"arguments: {name} is neither a word, a number, a boolean nor a list of these.")
            text = ("no", "yes")[item] if isinstance(item, bool) else str(item)
            if "\n" in text or "\0" in text:
                raise TaskError(f"arguments: {name} has a line feed in it.")
            words += [f"--{name.replace('_', '-')}", text]
    return words


def stdin_command(name: str, words: Sequence[str]) -> str:
    """The command that takes the program from its standard input."""
    return shlex.join(["sh", "-c", START, name, *words])


def embedded_command(text: str, name: str, words: Sequence[str]) -> str:
    """The command with the program in it."""
    # Without tr, which not every toybox has.
    put_back = f'sed "s/{STAND_IN}/\'/g"'
    command = f"printf %s {shlex.quote(text.replace(chr(39), STAND_IN))} | {put_back} | {stdin_command(name, words)}"
    if not fits(command):
        raise TaskError(
            f"The program {name} with its arguments does not fit into a command and needs pipelining."
            " Set 'ansible_pipelining: true' for the host."
        )
    return command


@dataclass(frozen=True)
class Answer:
    """What a program said on standard output: C(key=value) lines, and others."""

    lines: list[str]
    rc: int
    stderr: str

    @property
    def said(self) -> dict[str, str]:
        """The C(key=value) lines; the last one of a key."""
        pairs = (line.split("=", 1) for line in self.lines if "=" in line)
        return {key: value for key, value in pairs if key.replace("_", "").isalnum() and key.islower()}

    @property
    def warnings(self) -> list[str]:
        """What the user should know: its C(warning=) lines."""
        return [line.removeprefix("warning=") for line in self.lines if line.startswith("warning=")]

    @property
    def diffs(self) -> list[dict[str, str]]:
        """What becomes of files, as Ansible shows it: its C(diff_path=), C(diff_before=) and C(diff_after=) lines."""
        diffs: list[dict[str, str]] = []
        for line in self.lines:
            key, _equals, value = line.partition("=")
            if key == "diff_path":
                diffs.append({"before_header": value, "after_header": value, "before": "", "after": ""})
            elif key in ("diff_before", "diff_after") and diffs:
                diffs[-1][key.removeprefix("diff_")] = _unescaped(value)
        return diffs

    def errors(self) -> str:
        """Why it failed: its own words, or whatever it said last."""
        told = [line.removeprefix("error=") for line in self.lines if line.startswith("error=")]
        if told:
            return "; ".join(told)
        last = [line for line in [*self.lines, *self.stderr.splitlines()] if line.strip()][-5:]
        return f"it ended with status {self.rc} and said: {' / '.join(last) or 'nothing'}"


def _unescaped(text: str) -> str:
    """The text that was put in one line, with a backslash and n for a line feed and two backslashes for one."""
    return re.sub(r"\\(n|\\)", lambda found: "\n" if found[1] == "n" else "\\", text)


def parse_answer(result: Mapping[str, Any]) -> Answer:
    """What a low-level command returned; a terminal on the way ends lines with CR LF."""
    return Answer(
        lines=[line.rstrip("\r") for line in str(result.get("stdout", "")).split("\n") if line.strip()],
        rc=int(result.get("rc", 0)),
        stderr=str(result.get("stderr", "")),
    )

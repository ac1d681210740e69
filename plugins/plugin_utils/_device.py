# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a device has and how it is changed: the programs C(read_limits) and C(write_limits), and their answers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._command_size import fits
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import KNOWN, Vocabulary, split_lines
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._program import compact_program
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._users import (
    HostUsers,
    parse_members,
    parse_names,
    parse_subordinate,
)

PROC_LIMITS = "/proc/uid_mem/limits"
ABI = "1"

# In place of the path of the limits file: the one that is right for the kind of device.
OWN_PATH = "own"


class DeviceError(Exception):
    """What stands in the way on the device; the message names it and the way out."""


class ConflictError(DeviceError):
    """Somebody else changed the limits between the read and the write, which changed nothing."""


@dataclass(frozen=True)
class Query:
    """What the read script is asked for.

    I(path) is that of the limits file or OWN_PATH, empty where it is not to be looked at. I(parts) are of C(limits),
    C(stats), C(processes), C(events), C(subordinate), C(logins). Of the events, the newest I(max_events) are told, with
    the names of their UIDs. I(users) and I(groups) are looked up.
    """

    path: str = ""
    parts: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    max_events: int = 0
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What one run of C(read_limits) saw.

    Sizes are bytes, C(uptime_ns) is the CLOCK_BOOTTIME of events, and C(clock_s) the time of day at the same moment, in
    seconds since 1970. C(container) is the kind of container that the host is, empty where it is none.
    """

    system: str
    release: str
    euid: int
    container: str
    android: bool
    timer: str
    ram: int | None
    loaded: bool
    module_installed: bool
    patched: str
    kernel_writable: bool
    kernel_sum: str
    features: Mapping[str, str]
    module_version: str
    limits_text: str | None
    max_entries: int
    evicts: bool
    stats_text: str
    processes_text: str
    events_text: str | None
    events_first: str
    uptime_ns: int
    clock_s: int | None
    event_users: Mapping[int, str]
    users: HostUsers
    path: str
    file_state: str
    file_sum: str
    file_text: str | None
    file_writable: bool
    file_parent_exists: bool

    @property
    def policies(self) -> tuple[str, ...]:
        """The names that C(policy=) may have on this device."""
        return ("default", *(name for name in self._names("policies") if name != "default"))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names that C(metric=) may have on this device."""
        return self._names("metrics")

    @property
    def on_high(self) -> tuple[str, ...]:
        """The names that C(on_high=) may have on this device; none where its module is older than that key."""
        return self._names("on_high")

    def _names(self, key: str) -> tuple[str, ...]:
        return tuple(name for name in self.features.get(key, "").split(",") if name)

    def require_linux(self) -> None:
        """Raise unless the device runs Linux."""
        if self.system != "Linux":
            raise DeviceError(f"uid_mem needs Linux, and this host runs {self.system or 'something else'}.")

    def require_kernel(self, *parts: str) -> None:
        """Raise unless the kernel keeps limits, and told those parts of what was asked for."""
        self.require_linux()
        if not self.loaded:
            raise DeviceError(self.why_not_loaded())
        told = {"limits": self.limits_text is not None, "events": self.events_text is not None}
        missing = [part for part in parts if not told.get(part, True)]
        if missing or not self.features:
            what = f"/proc/uid_mem/{missing[0]}" if self.features else "/proc/uid_mem"
            raise DeviceError(f"UID {self.euid} may not read {what} on this host. Set 'become: true' for the task.")
        if self.features.get("abi") != ABI:
            raise DeviceError(
                f"The module uid_mem on this host speaks abi={self.features.get('abi')}, this collection abi={ABI}."
                " Bring both to the same version with the role devfleet.uid_mem.uid_mem."
            )

    def why_not_loaded(self) -> str:
        """Why no limit is enforced where the module is not loaded, and the way out."""
        if self.container:
            return (
                f"This host is a container ({self.container}) and has no /proc/uid_mem: its kernel is that of the"
                " machine it runs on. Give that machine the module uid_mem and the limits, for the UIDs that the users"
                " of this container have there, which /proc/self/uid_map of the container tells."
            )
        if self.module_installed:
            return (
                f"The module uid_mem is installed for the running kernel {self.release}, but not loaded."
                " Load it with 'modprobe uid_mem', or apply the role devfleet.uid_mem.uid_mem,"
                " which also loads it at every boot."
            )
        if self.patched == "yes":
            return (
                f"The running kernel {self.release} is built with CONFIG_UID_MEM,"
                " but the module uid_mem is not installed for it."
                " Apply the role devfleet.uid_mem.uid_mem with the artifacts of this kernel."
            )
        cause = (
            "is not built with CONFIG_UID_MEM" if self.patched == "no" else "has no /proc/uid_mem and no module uid_mem"
        )
        return (
            f"The running kernel {self.release} {cause}, so no memory is limited per UID."
            " Install the module for this kernel, as it is, with the role devfleet.uid_mem.uid_mem;"
            " or build a kernel that has it with devfleet.uid_mem.kernel_build"
            " and install it with devfleet.uid_mem.kernel_install."
        )

    def require_file(self) -> None:
        """Raise unless the limits file can be read, or can be told not to exist."""
        if self.file_state == "unreadable":
            raise DeviceError(
                f"UID {self.euid} may not read {self.path} on this host. Set 'become: true' for the task."
            )
        if self.file_state == "special":
            raise DeviceError(
                f"{self.path} on this host is not a regular file. Name another path, or move it out of the way."
            )
        if not self.file_parent_exists:
            raise DeviceError(
                f"The directory of {self.path} does not exist on this host, nor does the one above it."
                " Create it, or name another path; only the last directory is created when needed."
            )

    def require_permission(self, *, kernel: bool, file: bool) -> None:
        """Raise unless what is to be changed can be changed by the user the task runs as."""
        if kernel and not self.kernel_writable:
            raise DeviceError(self._no_permission(PROC_LIMITS, self._where_to_run()))
        if file and not self.file_writable:
            raise DeviceError(
                self._no_permission(
                    self.path,
                    "is its file system read-only? Mount it read-write, name another path, or set 'persist: false'",
                )
            )

    def _where_to_run(self) -> str:
        if self.container:
            return (
                f"this host is a container ({self.container}), and limits are those of the machine it runs on."
                " Run it there, for the UIDs that the users of this container have there (/proc/self/uid_map)"
            )
        return "it needs CAP_SYS_RESOURCE in the initial user namespace. Run it on the machine itself"

    def _no_permission(self, what: str, even_as_root: str) -> str:
        if self.euid:
            return f"UID {self.euid} may not change {what} on this host. Set 'become: true' for the task."
        return f"The task may not change {what} on this host, although it runs as root: {even_as_root}."


@dataclass(frozen=True)
class Ending:
    """When limits end that are for a while, by what (C(systemd), C(process)), and which: UIDs, and what they have."""

    seconds: int
    timer: str
    limits: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Change:
    """One run of C(write_limits). I(file_text) is None where the file stays as it is.

    The kernel knows those C(names), which are for messages.
    """

    path: str
    file_sum: str = ""
    kernel_sum: str = ""
    file_text: str | None = None
    set_lines: list[str] = field(default_factory=list)
    undo_lines: list[str] = field(default_factory=list)
    ending: Ending | None = None
    names: Vocabulary = KNOWN

    @property
    def data(self) -> bytes:
        """The script's standard input."""
        tagged = [f"k{line}" for line in self.set_lines] + [f"u{line}" for line in self.undo_lines]
        tagged += [f"f{line}" for line in split_lines(self.file_text or "")]
        return _encode("".join(f"{line}\n" for line in tagged))


def read_command(query: Query, root: str = "") -> str:
    """The command that reads a device."""
    names = (str(len(query.groups)), *query.groups, *query.users)
    return _command("read_limits", root, query.path, " ".join(query.parts), str(query.max_events), *names)


def write_command(change: Change, root: str = "") -> str:
    """The command that makes a change, with C(change.data) on its standard input."""
    size = -1 if change.file_text is None else len(_encode(change.file_text))
    sizes = (str(size), str(_size_of(change.set_lines)), str(_size_of(change.undo_lines)))
    words: tuple[str, ...] = (root, change.path, change.file_sum, change.kernel_sum, *sizes)
    if change.ending:
        limits = (word for limit in change.ending.limits for word in limit)
        end = (str(change.ending.seconds), change.ending.timer, compact_program("end_limits"), change.path, *limits)
        words = (*words, *end)
    return _command("write_limits", *words)


def embedded(command: str, data: bytes) -> str | None:
    """The same command with its standard input in it, or None where that makes it too long for one argument."""
    whole = f"printf %s {shlex.quote(_decode(data))} | {command}"
    return whole if fits(whole) else None


def _command(program: str, *arguments: str) -> str:
    return " ".join(["sh", "-c", shlex.quote(compact_program(program)), "uid_mem", *map(shlex.quote, arguments)])


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _size_of(lines: Iterable[str]) -> int:
    return sum(len(_encode(line)) + 1 for line in lines)


@dataclass(frozen=True)
class _Section:
    text: str
    complete: bool


@dataclass
class _Answer:
    """The output of a script: its C(name=value) lines and the files it showed."""

    values: dict[str, str]
    sections: dict[str, _Section]

    @classmethod
    def parse(cls, output: str, first: str) -> _Answer | None:
        """None where the output is not a whole answer. What stands before the first line (a banner) is left out."""
        lines = output.split("\n")
        if f"{first}\r" in lines:  # over a terminal each line got a carriage return
            lines = [line.removesuffix("\r") for line in lines]
        if first not in lines or "uid_mem_end" not in lines:
            return None
        answer = cls({}, {})
        shown: list[str] = []
        for line in lines[lines.index(first) + 1 : len(lines) - lines[::-1].index("uid_mem_end") - 1]:
            if line.startswith("|"):
                shown.append(line[1:])
            elif line.startswith("begin "):
                shown = []
            elif match := re.fullmatch(r"end (\w+) ([0-9]+)", line):
                text = "".join(f"{row}\n" for row in shown)
                answer.sections[match[1]] = _Section(text, match[2] == "0")
            elif match := re.fullmatch(r"(\w+)=(.*)", line):
                answer.values[match[1]] = match[2]
        return answer

    def text(self, name: str) -> str | None:
        """The lines of a file that could be read."""
        section = self.sections.get(name)
        return section.text if section and section.complete else None


def parse_reading(output: str, query: Query, *, rc: int = 0, stderr: str = "") -> Reading:
    """What the read script said."""
    answer = _Answer.parse(output, "uid_mem_read 1")
    if answer is None:
        raise DeviceError(f"The host did not answer the read script (exit status {rc}): {_last_words(output, stderr)}")
    values = answer.values
    file_text = answer.text("file")
    if file_text is not None and values.get("file_newline") == "no":
        file_text = file_text.removesuffix("\n")
    ids = split_lines(answer.text("users") or "")
    return Reading(
        system=values.get("system", ""),
        release=values.get("release", ""),
        euid=int(values.get("euid") or 0),
        container=values.get("container", ""),
        android=values.get("android") == "yes",
        timer=values.get("timer", "process"),
        ram=_number(values.get("ram_kib"), 1024),
        loaded=values.get("loaded") == "yes",
        module_installed=values.get("module") == "yes",
        patched=values.get("patched", "unknown"),
        kernel_writable=values.get("kernel_writable") == "yes",
        kernel_sum=values.get("kernel_sum", ""),
        features=_pairs((answer.text("features") or "").split()),
        module_version=values.get("module_version", ""),
        limits_text=answer.text("limits"),
        max_entries=_number(values.get("max_entries")) or 0,
        evicts=values.get("evict") != "N",
        stats_text=answer.text("stats") or "",
        processes_text=answer.text("processes") or "",
        events_text=answer.text("events"),
        events_first=values.get("first", ""),
        uptime_ns=int(float(values.get("uptime") or 0) * 1e9),
        clock_s=_number(values.get("clock")),
        event_users=parse_names(answer.text("event_users") or ""),
        users=HostUsers(
            {name: _number(uid) for name, uid in zip(query.users, ids, strict=True)},
            parse_subordinate(answer.text("subordinate") or ""),
            parse_members(answer.text("members") or "", query.groups),
            parse_names(answer.text("logins") or ""),
        ),
        path=values.get("path", ""),
        file_state=values.get("file", "unreadable")
        if file_text is not None or values.get("file") != "present"
        else "unreadable",
        file_sum=values.get("file_sum", ""),
        file_text=file_text,
        file_writable=values.get("file_writable") == "yes",
        file_parent_exists=values.get("file_parent") != "absent",
    )


def _number(text: str | None, unit: int = 1) -> int | None:
    return int(text) * unit if text and text.isascii() and text.isdigit() else None


@dataclass(frozen=True)
class Written:
    """The kernel's table and stats right after the write; I(limits_text) is None where only the file was written."""

    limits_text: str | None = None
    stats_text: str = ""


def parse_written(output: str, change: Change, *, rc: int = 0, stderr: str = "") -> Written:
    """What the write script left, or a DeviceError about what it did not do."""
    answer = _Answer.parse(output, "uid_mem_write 1")
    if answer is None:
        raise DeviceError(
            f"The host did not finish the write script (exit status {rc}), so limits may or may not have been set;"
            f" run the task again: {_last_words(output, stderr)}"
        )
    step, message = answer.values.get("failed"), (answer.text("message") or "").strip()
    if step == "changed":
        what = change.path if message == "file" else PROC_LIMITS
        raise ConflictError(f"{what} keeps being changed by another process. Nothing was changed; run the task again.")
    if step:
        raise DeviceError(_why_not_written(step, message, change))
    return Written(answer.text("limits"), answer.text("stats") or "")


def _why_not_written(step: str, message: str, change: Change) -> str:
    if step == "locked":
        return (
            f"{change.path} has been kept locked by another run for two minutes. Nothing was changed."
            f" If none is under way any more, delete {message} and {message}.break on the host, and run the task again."
        )
    if step == "timer":
        return (
            f"systemd-run cannot set up the end of the limits: {message}. Nothing was changed."
            " Correct that, or leave out 'for' and put the limits back by another task."
        )
    if step == "input":
        return "Only a part of the limits has reached the host. Nothing was changed; run the task again."
    if step == "file":
        return (
            f"{change.path} cannot be written: {message}. Nothing was changed."
            " Make room or make it writable, name another path, or set 'persist: false'."
        )
    if step == "incomplete":
        return (
            f"The kernel took the limits, but {change.path} could not be put in place,"
            f" and the kernel did not take them back: {message}."
            " Run the task again once the file can be written."
        )
    return f"The kernel refused the limits: {message}. Nothing was changed. {_kernel_hint(message, change)}"


def _kernel_hint(message: str, change: Change) -> str:
    if "not permitted" in message or "ermission denied" in message:
        return (
            "It wants CAP_SYS_RESOURCE in the initial user namespace: set 'become: true',"
            " and run the task on the host itself, not in a container."
        )
    if "No space left" in message:
        return (
            "Its table is full (module parameter max_entries) and eviction is off:"
            " remove a limit, or raise max_entries."
        )
    if "nvalid argument" in message and any(" charge_to=" in line for line in change.set_lines):
        return (
            "An older module uid_mem does not know charge_to, which subordinate needs as well:"
            " bring it to the version of this collection with the role devfleet.uid_mem.uid_mem."
        )
    if "not supported" in message.lower() and any(" metric=footprint" in line for line in change.set_lines):
        return f"metric=footprint {change.names.why_no_footprint()}."
    return f"Look at {PROC_LIMITS}: did someone else change it at the same time? Then run the task again."


def _last_words(output: str, stderr: str) -> str:
    lines = [line for line in (output + "\n" + stderr).splitlines() if line.strip()]
    return " / ".join(lines[-5:]) or "it said nothing"


def _pairs(words: Iterable[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in words if "=" in word)

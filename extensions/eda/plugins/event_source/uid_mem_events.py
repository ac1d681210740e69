# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Event source of ansible-rulebook: what happens to the memory limits of hosts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import shlex
import signal
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

DOCUMENTATION = r"""
---
name: uid_mem_events
short_description: Follow the events of memory limits on hosts
version_added: 0.2.0
description:
  - Follows C(/proc/uid_mem/events) of hosts, each through a command of its own (C(ssh), C(adb shell)), and makes an
    event of each line.
  - A connection that ends is made again. Events are then resumed by their number, so none comes twice.
    What was overwritten on the host meanwhile is one event V(lost).
  - Needs nothing on the hosts but C(sh), C(cat), C(date) and C(ls), and the right to read the file, which is root's.
options:
  hosts:
    description:
      - Names of hosts, as the inventory of the rulebook has them, or dictionaries with the keys O(hosts[].name) and
        O(hosts[].address).
    type: list
    elements: raw
    required: true
    suboptions:
      name:
        description:
          - The name of the host in the inventory. Playbooks that the rulebook runs for an event are limited to it.
        type: str
        required: true
      address:
        description: What the transport needs to reach it. The name, where it is left out.
        type: str
  transport:
    description:
      - The command that runs a command on a host, as a list of its words. V({address}) and V({name}) stand for those
        of the host. The command to run is added as one more word.
      - For Android devices, V([adb, -s, "{address}", shell]).
    type: list
    elements: str
    default: [ssh, -o, BatchMode=yes, -o, ConnectTimeout=30, -o, ServerAliveInterval=15, "{address}"]
  become:
    description:
      - How the command becomes root on the host, for example V(sudo -n). Empty where the transport logs in as root.
      - V({command}) stands for the command as one quoted word, for example V(su -c {command}). Without it, the command
        is added.
    type: str
    default: ""
  start:
    description:
      - Which events of a host are wanted when it is reached for the first time.
      - V(new), those that come from then on; V(all), also those that the kernel has kept.
      - It is for hosts that O(state_file) does not know.
    type: str
    choices: [new, all]
    default: new
  state_file:
    description:
      - A file that keeps up to which event each host was followed, so that a rulebook that is started again goes on
        there. It is written once a second. Where the rulebook is killed, events of the last second come again.
      - Without it, events from before the start are not followed up.
    type: str
  events:
    description:
      - The types of events that are wanted, for example V(kill). All, where it is left out.
      - V(lost), V(reachable) and V(unreachable) are this plugin's own types, and always wanted.
    type: list
    elements: str
  retry_seconds:
    description:
      - How long to wait before a lost connection is made again. It doubles with each failure, up to
        O(max_retry_seconds).
    type: float
    default: 1
  max_retry_seconds:
    description: The longest time to wait before a lost connection is made again.
    type: float
    default: 60
notes:
  - The keys of an event are C(host), C(event) (V(kill), V(max), V(high), V(unkillable), V(limit_set) and so on, or
    V(lost), V(reachable), V(unreachable)), and the fields of the line. Numbers are numbers; C(uid), which may be a
    range, is text, and C(uid_first) and C(uid_last) are numbers. C(time) is the time by the clock of the host, in UTC.
  - V(lost) has C(count), and C(seq), the number of the last event that was lost. V(unreachable) has C(reason), and
    comes once for each time that a host cannot be reached.
  - The transport has to hand on its input, as C(ssh) does without C(-n). Its end is what ends the command on the host.
"""

EXAMPLES = r"""
- name: Answer kills
  hosts: all
  sources:
    - devfleet.uid_mem.uid_mem_events:
        hosts: [web1, web2]
        become: sudo -n
        state_file: /var/lib/rulebook/uid_mem.json
  rules:
    - name: Tell of a kill
      condition: event.event == "kill"
      action:
        debug:
          msg: "{{ event.comm }} of UID {{ event.uid }} was killed on {{ event.host }}"

- name: Android devices
  hosts: all
  sources:
    - devfleet.uid_mem.uid_mem_events:
        hosts:
          - {name: phone1, address: 0A1B2C3D}
        transport: [adb, -s, "{address}", shell]
        become: su 0
        events: [kill, unkillable]
"""

LOGGER = logging.getLogger(__name__)

# What the remote command says first. Numbers of events are those of one load of the module, and their times those since
# the boot.
_HEAD = re.compile(r"uid_mem_events load=(\S+) uptime=([0-9.]+) now=([0-9]+)")
# No single quote, so that it can stand in some. Its input is open for as long as the rulebook runs: nothing is left on
# the host when the rulebook or the connection has ended, however that came.
_REMOTE = (
    "e=/proc/uid_mem/events; "
    '[ -e "$e" ] || { echo "uid_mem is not loaded: there is no $e" >&2; exit 3; }; '
    '[ -r "$e" ] || { echo "only root may read $e: set become" >&2; exit 4; }; '
    "read -r boot </proc/sys/kernel/random/boot_id; read -r up idle </proc/uptime; "
    "set -- $(ls -di /sys/module/uid_mem); "
    'echo "uid_mem_events load=$boot/$1 uptime=$up now=$(date +%s)"; '
    "exec 3<&0; cat $e & events=$!; "
    "{ cat <&3 >/dev/null; kill $events; } >/dev/null 2>&1 & end=$!; "
    "wait $events; status=$?; kill $end; exit $status"
)
_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|(\S*))', re.ASCII)
# What may be a range, or a name made of digits.
_TEXTS = frozenset({"uid", "comm", "event", "policy"})
_STDERR_LINES = 5
# How often the state is written.
_STATE_SECONDS = 1
# How long a host has to say its first line, beside what the transport does itself.
_HEAD_SECONDS = 120


class Queue(Protocol):
    """What the rulebook gives to put events into."""

    async def put(self, event: dict[str, Any]) -> None:
        """Put one into it; waits while it is full."""


class ArgumentError(ValueError):
    """An argument of the source makes no sense."""


class ConnectionLost(Exception):  # noqa: N818  # it is no error of the rulebook
    """A host cannot be followed now; says why."""


@dataclass
class Position:
    """Up to where a host was followed.

    I(load) names the load of its module, I(next_seq) is the number of the next event (None for any), and events from
    before I(since_ns), in nanoseconds since its boot, are not wanted.
    """

    load: str = ""
    next_seq: int | None = None
    since_ns: int = 0


@dataclass(frozen=True)
class Host:
    """One to follow."""

    name: str
    address: str


@dataclass(frozen=True)
class Options:
    """What the rulebook asks for."""

    hosts: tuple[Host, ...]
    transport: tuple[str, ...]
    become: str
    start: str
    state_file: Path | None
    events: frozenset[str]
    retry_seconds: float
    max_retry_seconds: float

    def command(self, host: Host) -> list[str]:
        """The words of the command that follows the events of a host."""
        remote = f"sh -c '{_REMOTE}'"
        if "{command}" in self.become:
            remote = self.become.replace("{command}", shlex.quote(remote))
        elif self.become:
            remote = f"{self.become} {remote}"
        words = [word.replace("{address}", host.address).replace("{name}", host.name) for word in self.transport]
        return [*words, remote]


_DEFAULT_TRANSPORT = (
    *("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30", "-o", "ServerAliveInterval=15"),
    "{address}",
)
_DEFAULTS: dict[str, Any] = {
    "hosts": None,
    "transport": list(_DEFAULT_TRANSPORT),
    "become": "",
    "start": "new",
    "state_file": None,
    "events": [],
    "retry_seconds": 1.0,
    "max_retry_seconds": 60.0,
    # The rulebook's own.
    "eda_feedback_queue": None,
}


def _parse_host(value: object) -> Host:
    if isinstance(value, str) and value:
        return Host(value, value)
    if isinstance(value, Mapping) and set(value) <= {"name", "address"} and value.get("name"):
        return Host(str(value["name"]), str(value.get("address") or value["name"]))
    raise ArgumentError(
        f"hosts: {value!r} is neither the name of a host nor a dictionary with the keys name and address"
    )


def _strings(name: str, value: object) -> list[str]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise ArgumentError(f"{name}: {value!r} is not a list of strings")
    return list(value)


def _seconds(name: str, value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise ArgumentError(f"{name}: {value!r} is not a number of seconds above 0")
    return seconds


def parse_options(args: Mapping[str, Any]) -> Options:
    """The arguments of the source, or an ArgumentError that says which of them is wrong."""
    unknown = sorted(set(args) - set(_DEFAULTS))
    if unknown:
        known = ", ".join(sorted(set(_DEFAULTS) - {"eda_feedback_queue"}))
        raise ArgumentError(f"unknown argument {', '.join(unknown)}; there are {known}")
    values = {**_DEFAULTS, **{name: value for name, value in args.items() if value is not None}}
    if not isinstance(values["hosts"], (list, tuple)) or not values["hosts"]:
        raise ArgumentError("hosts: give a list with the names of the hosts to follow")
    hosts = tuple(_parse_host(value) for value in values["hosts"])
    names = [host.name for host in hosts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ArgumentError(f"hosts: {', '.join(twice)} is there more than once")
    transport = _strings("transport", values["transport"])
    if not transport:
        raise ArgumentError("transport: give the words of a command, for example [ssh, '{address}']")
    if values["start"] not in ("new", "all"):
        raise ArgumentError(f"start: {values['start']!r} is neither new nor all")
    if not isinstance(values["become"], str):
        raise ArgumentError(f"become: {values['become']!r} is not a string, for example 'sudo -n'")
    return Options(
        hosts=hosts,
        transport=tuple(transport),
        become=values["become"].strip(),
        start=values["start"],
        state_file=Path(str(values["state_file"])) if values["state_file"] else None,
        events=frozenset(_strings("events", values["events"])),
        retry_seconds=_seconds("retry_seconds", values["retry_seconds"]),
        max_retry_seconds=_seconds("max_retry_seconds", values["max_retry_seconds"]),
    )


def parse_line(line: str) -> dict[str, Any]:
    """The fields of a line; numbers as numbers, C(uid) as text, its ends as numbers beside it."""
    event: dict[str, Any] = {}
    for key, quoted, bare in _FIELD.findall(line):
        value = quoted or bare
        event[key] = int(value) if value.isdigit() and key not in _TEXTS else value
    first, _dash, last = str(event.get("uid", "")).partition("-")
    if first.isdigit():
        event["uid_first"] = int(first)
        event["uid_last"] = int(last) if last.isdigit() else int(first)
    return event


class State:
    """Up to where each host was followed, in memory and in a file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._failed = False
        self.changed = False
        self.positions = dict(self._read()) if path else {}

    def _read(self) -> Iterator[tuple[str, Position]]:
        assert self._path
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except OSError as exc:
            raise ArgumentError(f"state_file: {self._path} cannot be read: {exc.strerror}") from exc
        try:
            for name, value in json.loads(text).items():
                next_seq = value["next_seq"]
                yield (
                    name,
                    Position(str(value["load"]), None if next_seq is None else int(next_seq), int(value["since_ns"])),
                )
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise ArgumentError(
                f"state_file: {self._path} was not written by this plugin; remove it to begin anew"
            ) from exc

    def check_writable(self) -> None:
        """Before the first event, rather than after it."""
        try:
            self._write()
        except OSError as exc:
            raise ArgumentError(f"state_file: {self._path} cannot be written: {exc.strerror}") from exc

    def flush(self) -> None:
        """Write what has changed; events go on where that fails."""
        if not self.changed:
            return
        self.changed = False
        try:
            self._write()
            self._failed = False
        except OSError as exc:
            if not self._failed:
                LOGGER.error("state_file: %s cannot be written: %s", self._path, exc.strerror)
            self._failed = True

    async def keep(self) -> None:
        """Not for each event: a file that is replaced may have to be on the disk first."""
        while True:
            self.flush()
            await asyncio.sleep(_STATE_SECONDS)

    def _write(self) -> None:
        """In one step: a reader finds the file of before or of now."""
        if not self._path:
            return
        new = self._path.with_name(self._path.name + ".new")
        new.write_text(
            json.dumps({name: asdict(position) for name, position in self.positions.items()}, indent=1) + "\n",
            encoding="utf-8",
        )
        new.replace(self._path)


@dataclass
class Follower:
    """Follows one host, for as long as the rulebook runs."""

    host: Host
    options: Options
    state: State
    queue: Queue
    # Of this connection.
    _booted_at: float = 0.0
    _told_unreachable: bool = False
    _heard: bool = False
    _position: Position = field(default_factory=Position)

    async def run(self) -> None:
        """Connect, follow, and again."""
        wait = self.options.retry_seconds
        while True:
            self._heard = False
            reason = await self._follow()
            if self._heard:
                wait = self.options.retry_seconds
            LOGGER.warning("%s cannot be followed now, next try in %g s: %s", self.host.name, wait, reason)
            if not self._told_unreachable:
                self._told_unreachable = True
                await self._put({"event": "unreachable", "reason": reason})
            await asyncio.sleep(wait)
            wait = min(wait * 2, self.options.max_retry_seconds)

    async def _follow(self) -> str:
        """Until the connection ends; returns why."""
        command = self.options.command(self.host)
        try:
            process = await _start(command)
        except OSError as exc:
            raise ArgumentError(f"transport: {command[0]} cannot be run: {exc.strerror}") from exc
        assert process.stdout
        assert process.stderr
        messages: list[str] = []
        reading = asyncio.create_task(_keep_last(process.stderr, messages))
        patience = 0.0
        try:
            reason = await self._read(process.stdout)
            # At the end of its output it is about to end by itself.
            patience = 0.0 if reason else 5.0
            await asyncio.wait({reading}, timeout=1)
        finally:
            reading.cancel()
            status = await _end(process, patience)
        return "; ".join(messages) or reason or f"{command[0]} ended with status {status}"

    async def _read(self, lines: asyncio.StreamReader) -> str:
        head = asyncio.create_task(self._take_head(lines))
        try:
            if not (await asyncio.wait({head}, timeout=_HEAD_SECONDS))[0]:
                return f"no answer within {_HEAD_SECONDS} s"
            head.result()
            while line := await _next_line(lines):
                await self._take(line)
        except ConnectionLost as exc:
            return str(exc)
        finally:
            head.cancel()
        return ""

    async def _take_head(self, lines: asyncio.StreamReader) -> None:
        """A profile of a shell may say something first."""
        while line := await _next_line(lines):
            if match := _HEAD.fullmatch(line):
                break
        else:
            raise ConnectionLost("")
        load, uptime, now = match[1], float(match[2]), int(match[3])
        self._booted_at = now - uptime
        self._heard = True
        known = self.state.positions.get(self.host.name)
        if known is None and self.options.start == "new":
            self._position = Position(load, None, int(uptime * 1e9))
        elif known is None or known.load != load:
            # After another boot, or where the module was loaded again, they count from 0.
            self._position = Position(load, 0)
        else:
            self._position = known
        self.state.positions[self.host.name] = self._position
        self.state.changed = True
        LOGGER.info("%s is followed from event %s on", self.host.name, self._position.next_seq)
        if self._told_unreachable:
            self._told_unreachable = False
            await self._put({"event": "reachable"})

    async def _take(self, line: str) -> None:
        event = parse_line(line)
        seq = event.get("seq")
        # The kernel's own "event=lost" counts for this connection only; the numbers tell it for all.
        if not isinstance(seq, int) or "event" not in event:
            return
        expected = self._position.next_seq
        if expected is not None and seq < expected:
            return
        if event.get("ts", 0) < self._position.since_ns:
            self._position.next_seq = seq + 1
            return
        if expected is not None and seq > expected:
            await self._put({"event": "lost", "count": seq - expected, "seq": seq - 1})
        if not self.options.events or event["event"] in self.options.events:
            seconds = self._booted_at + event.get("ts", 0) / 1e9
            event["time"] = datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")
            await self._put(event)
        self._position.next_seq = seq + 1
        self.state.changed = True

    async def _put(self, event: dict[str, Any]) -> None:
        await self.queue.put({"host": self.host.name, **event, "meta": {"hosts": self.host.name}})


async def _next_line(lines: asyncio.StreamReader) -> str:
    """Empty at the end. Some versions of adb end a line as a terminal does."""
    while True:
        try:
            line = await lines.readline()
        except ValueError as exc:  # longer than any line of the kernel
            raise ConnectionLost("what came is not the list of events") from exc
        if not line.endswith(b"\n"):
            return ""
        if text := line.decode("utf-8", "replace").strip():
            return text


async def _keep_last(lines: asyncio.StreamReader, kept: list[str]) -> None:
    while line := await lines.readline():
        if text := line.decode("utf-8", "replace").strip():
            kept.append(text)
            del kept[:-_STDERR_LINES]


# None of these uses asyncio.wait_for(), which forgets in Python before 3.12 that it was cancelled where that comes
# together with what it waits for: the rulebook would not end.


async def _start(command: list[str]) -> asyncio.subprocess.Process:
    """Start it, in a session of its own, and to the end: create_subprocess_exec() may hang where it is cancelled."""
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    )
    try:
        await asyncio.wait({starting})
    except asyncio.CancelledError:
        with contextlib.suppress(OSError):
            await _end(await starting, 0)
        raise
    return starting.result()


async def _end(process: asyncio.subprocess.Process, patience: float) -> int | None:
    """Wait for so many seconds, then end it; returns its status, or None if even that did not help.

    Not by its own terminate(): that would collect the status, which is then missing where it is waited for.
    """
    try:
        if not await _has_ended(process, patience):
            _kill(process, signal.SIGTERM)
            if not await _has_ended(process, 5):
                _kill(process)
                await _has_ended(process, 5)
    except asyncio.CancelledError:
        _kill(process)
        await _has_ended(process, 5)
        raise
    return process.returncode


async def _has_ended(process: asyncio.subprocess.Process, seconds: float) -> bool:
    """Within so many seconds.

    It looks, since process.wait() of some versions of Python waits for the end of the output as well, which a process
    that was left behind may hold.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while process.returncode is None and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.02)
    return process.returncode is not None


def _kill(process: asyncio.subprocess.Process, signal_number: int = signal.SIGKILL) -> None:
    """With all that it has started and that is in its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal_number)


async def main(queue: Queue, args: dict[str, Any]) -> None:
    """Follow all hosts until the rulebook ends."""
    options = parse_options(args)
    state = State(options.state_file)
    state.check_writable()
    followers = [asyncio.create_task(Follower(host, options, state, queue).run()) for host in options.hosts]
    followers.append(asyncio.create_task(state.keep()))
    try:
        # Unlike gather(), this leaves it to what follows to cancel them, once.
        ended, _running = await asyncio.wait(followers, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)
        state.flush()
    for follower in ended:
        follower.result()

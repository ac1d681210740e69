# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What C(uid_mem_info) is asked for, and the events it returns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise
from typing import Any

from ansible_collections.devfleet.uid_mem.plugins.module_utils._argument_specs import KERNEL_PARTS, PARTS, UID_MEM_INFO
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import (
    TaskError,
    make_validator,
    parse_path,
    plain,
    validated,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import OWN_PATH, Query, Reading
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._drift import DesiredLimits, parse_desired
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import LimitsError, Uids
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._users import android_name

# More than any kernel keeps.
ALL_EVENTS = 1_000_000
_INFO = make_validator(UID_MEM_INFO)
_AGE = re.compile(r"([0-9]+)\s*(s|m|h|d)", re.ASCII)
_AGE_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|(\S*))', re.ASCII)
# What may be a range, or a name made of digits.
_TEXTS = frozenset({"uid", "comm", "event", "policy"})


@dataclass(frozen=True)
class Since:
    """From where on events are wanted: those after a number, or those of the last nanoseconds; neither for all."""

    seq: int | None = None
    age_ns: int | None = None

    @classmethod
    def parse(cls, value: object) -> Since:
        """C(1234) is the number of an event that is known already, C(10m) an age."""
        if value is None:
            return cls()
        text = str(value).strip()
        if not isinstance(value, bool) and text.isascii() and text.isdigit():
            return cls(seq=int(text))
        match = _AGE.fullmatch(text)
        if not match:
            raise TaskError(
                f"since: {value!r} is neither the number of an event (1234), after which events are wanted,"
                " nor how far back they are (30s, 10m, 2h, 1d)."
            )
        return cls(age_ns=int(match[1]) * _AGE_UNITS[match[2]] * 10**9)


@dataclass(frozen=True)
class InfoRequest:
    """What a task asks for: I(asked) are the parts it names; where it names none, it gets all.

    I(required) are the parts without which the task fails; events and the limits file may be for root only.
    """

    asked: tuple[str, ...]
    required: tuple[str, ...]
    since: Since
    max_events: int
    event_types: frozenset[str] = frozenset()
    desired: DesiredLimits | None = None
    path: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """All parts to gather."""
        return self.asked or PARTS

    @property
    def reads_all_events(self) -> bool:
        """Whether the events to return are known only once all are read."""
        return self.since.age_ns is not None or bool(self.event_types)

    def query(self) -> Query:
        """What has to be read."""
        compares = "file" in self.parts or self.desired is not None
        parts = [part for part in KERNEL_PARTS if part in self.parts or (part == "limits" and compares)]
        return Query(
            path=(self.path or OWN_PATH) if "file" in self.parts else "",
            parts=(*parts, "subordinate") if self.desired and self.desired.subordinate else tuple(parts),
            users=self.desired.users if self.desired else (),
            groups=self.desired.groups if self.desired else (),
            max_events=ALL_EVENTS if self.reads_all_events else self.max_events,
        )


def parse_info_arguments(arguments: Mapping[str, object]) -> InfoRequest:
    """What a task asks for, or a TaskError that says what to write instead."""
    arguments = plain(arguments)
    values = validated(_INFO, arguments, "this module")
    asked = tuple(part for part in PARTS if part in (values.get("gather") or ()))
    if values["max_events"] < 1:
        raise TaskError(f"max_events: {values['max_events']} is no number of events; leave events out with gather.")
    beside = [name for name in ("since", "max_events", "event_types") if arguments.get(name) is not None]
    if beside and asked and "events" not in asked:
        raise TaskError(f"gather leaves out events, so {' and '.join(beside)} cannot be given.")
    if asked and "file" not in asked and arguments.get("path") is not None:
        raise TaskError("gather leaves out file, so path cannot be given.")
    required = asked or (KERNEL_PARTS if beside else ("limits",))
    desired = values.get("desired")
    if "file" in asked or desired is not None:
        required = (*required, "limits")  # to compare with
    return InfoRequest(
        asked=asked,
        required=required,
        since=Since.parse(values.get("since")),
        max_events=values["max_events"],
        event_types=frozenset(values.get("event_types") or ()),
        desired=None if desired is None else parse_desired(desired),
        path=parse_path(values["path"]) if values.get("path") is not None else "",
    )


def parse_event(line: str) -> dict[str, Any]:
    """A line as a dictionary: C(uid), which may be a range, and names as text, all others as numbers."""
    event: dict[str, Any] = {}
    for key, quoted, bare in _FIELD.findall(line):
        value = quoted or bare
        event[key] = int(value) if value.isdigit() and key not in _TEXTS else value
    return event


def tell_events(reading: Reading, request: InfoRequest) -> dict[str, object]:
    """The events that are wanted, how many more there would be, and how many the kernel has overwritten already.

    A line C(event=lost) is no event: some were dropped, of a UID that has more than its share, or while they were read.
    It is not returned; the numbers that are missing tell what is lost, and whether that was asked for.
    """
    lines = [parse_event(line) for line in (reading.events_text or "").splitlines()]
    kept = [event for event in lines if "seq" in event]
    if not kept:
        return {"events": [], "events_omitted": 0, "events_lost": 0, "uptime_ns": reading.uptime_ns}
    first = parse_event(reading.events_first).get("seq", kept[0]["seq"])
    last = kept[-1]["seq"]
    # A number the kernel has not come to is one of an earlier load of the module.
    known = -1 if request.since.seq is None or request.since.seq > last else request.since.seq
    oldest = 0 if request.since.age_ns is None else reading.uptime_ns - request.since.age_ns
    wanted = [
        event
        for event in kept
        if event["seq"] > known
        and event["ts"] >= oldest
        and (not request.event_types or event.get("event") in request.event_types)
    ]
    told = wanted[-request.max_events :]
    dropped = sum(
        max(0, event["seq"] - max(before["seq"], known) - 1)
        for before, event in pairwise(kept)
        if event["ts"] >= oldest
    )
    if request.since.age_ns is not None:
        overwritten = first if kept[0]["ts"] >= oldest else 0
    else:
        overwritten = max(0, first - known - 1)
    available = len(wanted)
    if not request.reads_all_events:
        # What was lost in between is not there.
        available = max(len(told), last + 1 - max(first, known + 1) - dropped)
    return {
        "events": [_with_time_and_user(event, reading) for event in told],
        "events_omitted": available - len(told),
        "events_lost": dropped + overwritten,
        "uptime_ns": reading.uptime_ns,
    }


def _with_time_and_user(event: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """The event with its time of day, the name of its UID (empty where that has none), and its UIDs as numbers."""
    told = dict(event)
    if reading.clock_s is not None:
        seconds = reading.clock_s - (reading.uptime_ns - event["ts"]) / 10**9
        told["time"] = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        uids = Uids.parse(str(event.get("uid")))
    except LimitsError:
        return told
    told.update(uids.as_dict())
    name = reading.event_users.get(uids.first, "") or (android_name(uids.first) if reading.android else "")
    told["user"] = name if uids.first == uids.last else ""
    return told

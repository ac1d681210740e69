# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What uid_mem_info is asked for, and how events are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.devfleet.uid_mem.plugins.module_utils._argument_specs import KERNEL_PARTS, PARTS
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._arguments import TaskError
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import Reading, parse_reading
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._events import (
    ALL_EVENTS,
    parse_event,
    parse_info_arguments,
    tell_events,
)

SECOND = 10**9
KILL = (
    'seq=12 ts=5025190234127 event=kill uid=10070 pid=4711 comm="a \\x22=b\\x0a 7" policy=highest_rss'
    " victim_rss=96468992 runtime_ms=310 badness=0 usage=105910272 max=104857600"
)


def line(seq: int) -> str:
    """An event at that second."""
    return f"seq={seq} ts={seq * SECOND} event=high uid={10000 + seq} usage=2097152 high=1048576 max=max\n"


def ring(first: int, end: int, *, told: int = ALL_EVENTS, uptime: int = 100, lost: str = "") -> Reading:
    """What a device says that keeps the events from the first to before the end, of which it tells so many."""
    kept = [line(seq) for seq in range(first, end)]
    shown = "".join(f"|{event}" for event in kept[-told:])
    output = (
        f"uid_mem_read 1\nuptime={uptime}.00\nbegin events\n{f'first={kept[0]}' if kept else ''}{lost}{shown}"
        "end events 0\nbegin users\nend users 0\nuid_mem_end\n"
    )
    return parse_reading(output, parse_info_arguments({}).query())


def tell(reading: Reading, **arguments: Any) -> tuple[list[int], int, int]:
    told = tell_events(reading, parse_info_arguments(arguments))
    events: Any = told["events"]
    omitted, lost = told["events_omitted"], told["events_lost"]
    assert isinstance(omitted, int)
    assert isinstance(lost, int)
    return [event["seq"] for event in events], omitted, lost


def test_event() -> None:
    assert parse_event(KILL) == {
        "seq": 12,
        "ts": 5025190234127,
        "event": "kill",
        "uid": "10070",
        "pid": 4711,
        "comm": "a \\x22=b\\x0a 7",
        "policy": "highest_rss",
        "victim_rss": 96468992,
        "runtime_ms": 310,
        "badness": 0,
        "usage": 105910272,
        "max": 104857600,
    }
    assert parse_event("seq=1 ts=2 event=limit_set uid=5-9 max=max") == {
        "seq": 1,
        "ts": 2,
        "event": "limit_set",
        "uid": "5-9",
        "max": "max",
    }
    assert parse_event('pid=5 comm="" max=7') == {"pid": 5, "comm": "", "max": 7}
    assert parse_event('comm="777"')["comm"] == "777"


def test_time_and_user() -> None:
    """By the host's clock of today, which was 100 s after its boot when it was read."""
    reading = replace(ring(0, 4), clock_s=1_700_000_000, event_users={10002: "alice"})
    told = tell_events(reading, parse_info_arguments({}))
    events: Any = told["events"]
    assert [(event["time"], event["user"]) for event in events[2:]] == [
        ("2023-11-14T22:11:42Z", "alice"),
        ("2023-11-14T22:11:43Z", ""),
    ]
    assert [(event["uid"], event["uid_first"], event["uid_last"]) for event in events[2:]] == [
        ("10002", 10002, 10002),
        ("10003", 10003, 10003),
    ]
    events = tell_events(replace(reading, android=True), parse_info_arguments({}))["events"]
    assert [event["user"] for event in events] == ["u0_a0", "u0_a1", "alice", "u0_a3"]


def test_event_without_a_single_uid() -> None:
    text = "seq=1 ts=5 event=limit_set uid=5-9 max=7\nseq=2 ts=6 event=new_kind\n"
    reading = replace(ring(0, 1), events_text=text, event_users={5: "alice"}, clock_s=None)
    events: Any = tell_events(reading, parse_info_arguments({}))["events"]
    assert (events[0]["uid_first"], events[0]["uid_last"], events[0]["user"]) == (5, 9, "")
    assert events[1] == {"seq": 2, "ts": 6, "event": "new_kind"}


def test_all_events() -> None:
    assert tell(ring(0, 3)) == ([0, 1, 2], 0, 0)
    assert tell(ring(0, 0)) == ([], 0, 0)


def test_newest_events() -> None:
    assert tell(ring(0, 9, told=2), max_events=2) == ([7, 8], 7, 0)
    assert tell(ring(4, 9, told=2), max_events=2) == ([7, 8], 3, 4)


def test_events_after_a_number() -> None:
    assert tell(ring(0, 9), since=6) == ([7, 8], 0, 0)
    assert tell(ring(0, 9), since="6") == ([7, 8], 0, 0)
    assert tell(ring(0, 9), since=8) == ([], 0, 0)
    assert tell(ring(0, 9), since=0) == ([1, 2, 3, 4, 5, 6, 7, 8], 0, 0)
    assert tell(ring(0, 9, told=1), since=6, max_events=1) == ([8], 1, 0)


def test_overwritten_events_are_counted() -> None:
    assert tell(ring(5, 9), since=1) == ([5, 6, 7, 8], 0, 3)
    assert tell(ring(5, 9), since=4) == ([5, 6, 7, 8], 0, 0)
    assert tell(ring(5, 9, told=1), since=1, max_events=1) == ([8], 3, 3)


def test_a_number_from_before_the_module_was_loaded_again() -> None:
    assert tell(ring(0, 3), since=1234) == ([0, 1, 2], 0, 0)


def test_events_of_the_last_seconds() -> None:
    assert tell(ring(0, 100), since="3s") == ([97, 98, 99], 0, 0)
    assert tell(ring(0, 100), since="3s", max_events=2) == ([98, 99], 1, 0)
    assert tell(ring(0, 100), since="1 m", max_events=1) == ([99], 59, 0)
    assert tell(ring(98, 100), since="3s") == ([98, 99], 0, 98)
    assert tell(ring(0, 100, uptime=200), since="3s") == ([], 0, 0)
    assert tell(ring(0, 3, uptime=3700), since="1h") == ([], 0, 0)
    assert tell(ring(0, 3, uptime=3700), since="1d") == ([0, 1, 2], 0, 0)


def test_events_of_a_type() -> None:
    reading = replace(
        ring(0, 9), events_text=line(7) + line(8).replace("high", "kill") + line(9).replace("high", "max")
    )
    assert tell(reading, event_types=["kill"]) == ([8], 0, 0)
    assert tell(reading, event_types=["kill", "max"], max_events=1) == ([9], 1, 0)
    assert tell(reading, event_types="kill", since="95s") == ([8], 0, 0)
    assert tell(reading, event_types=["unkillable"]) == ([], 0, 0)


def test_a_reader_that_was_overtaken() -> None:
    """What was there when it began, and gone when it read, is lost once."""
    lost = "|event=lost count=7\n"
    assert tell(ring(7, 9, lost=lost)) == ([7, 8], 0, 7)
    reading = replace(ring(7, 9, lost=lost), events_first="event=lost count=7")
    assert tell(reading) == ([7, 8], 0, 7)


def test_a_gap_between_events() -> None:
    """Events of a UID that has more than its share are dropped, and older ones of others are kept."""
    text = line(10) + line(11) + "event=lost count=3\n" + line(15) + line(16)
    reading = replace(ring(10, 12), events_text=text)
    assert tell(reading) == ([10, 11, 15, 16], 0, 10 + 3)
    assert tell(reading, since=9) == ([10, 11, 15, 16], 0, 3)
    assert tell(reading, since=11) == ([15, 16], 0, 3)
    assert tell(reading, since=13) == ([15, 16], 0, 1), "two of them were known"
    assert tell(reading, since=15) == ([16], 0, 0), "all of them were older"
    assert tell(reading, since="86s") == ([15, 16], 0, 3), "some of them may have been young enough"
    assert tell(reading, since="84s") == ([16], 0, 0)


def test_a_gap_among_the_newest_events() -> None:
    text = line(15) + "event=lost count=2\n" + line(18)
    reading = replace(ring(10, 19), events_text=text)
    assert tell(reading, max_events=3, since=9) == ([15, 18], 5, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"since": "yesterday"},
            "since: 'yesterday' is neither the number of an event (1234), after which events are w",
        ),
        ({"since": -1}, "since: -1 is neither"),
        ({"since": True}, "since: True is neither"),
        ({"since": "5ms"}, "since: '5ms' is neither"),
        ({"max_events": 0}, "max_events: 0 is no number of events; leave events out with gather."),
        ({"max_events": "many"}, "max_events"),
        ({"gather": ["usage"]}, "gather"),
        ({"gather": ["limits"], "since": 5}, "gather leaves out events, so since cannot be given."),
        ({"gather": "stats", "since": 5, "max_events": 5}, "so since and max_events cannot be given."),
        ({"uid": 5}, "unknown argument uid; this module takes desired, event_types, gather, max_"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(TaskError) as caught:
        parse_info_arguments(arguments)
    assert message in str(caught.value)


def test_what_is_required() -> None:
    assert parse_info_arguments({}).parts == PARTS
    assert parse_info_arguments({}).required == ("limits",)
    assert parse_info_arguments({"gather": None}).required == ("limits",)
    assert parse_info_arguments({"since": 5}).required == KERNEL_PARTS
    assert parse_info_arguments({"since": 5}).parts == PARTS
    assert parse_info_arguments({"gather": "file"}).required == ("file", "limits")
    assert parse_info_arguments({"gather": ["events", "features"]}).parts == ("features", "events")
    assert parse_info_arguments({"gather": "stats"}).required == ("stats",)

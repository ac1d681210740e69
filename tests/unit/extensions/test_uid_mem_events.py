# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source of ansible-rulebook, on hosts that are shell programs."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[3]
FILE = PROJECT / "extensions/eda/plugins/event_source/uid_mem_events.py"


def load_source() -> ModuleType:
    spec = importlib.util.spec_from_file_location("uid_mem_events", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["uid_mem_events"] = module
    spec.loader.exec_module(module)
    return module


source = load_source()

KILL = (
    'event=kill uid={uid} pid=77 comm="1001" policy=highest_rss victim_rss=900 runtime_ms=5 badness=3'
    " usage=1200 max=1000"
)


def line(seq: int, ts: int = 60 * 10**9, text: str = KILL, uid: str = "1001") -> str:
    return f"seq={seq} ts={ts} {text.format(uid=uid)}"


def head(load: str = "boot-a/17", uptime: float = 50.0, now: int = 1_700_000_050) -> str:
    return f"uid_mem_events load={load} uptime={uptime} now={now}"


class Hosts:
    """A transport: says what is in the host's next file, then ends or stays."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.program = directory / "transport"
        self.program.write_text(
            "#!/bin/sh\n"
            f"cd {directory}\n"
            'printf "%s\\n" "$*" >>"$1.calls"\n'
            'n=$(wc -l <"$1.calls")\n'
            '[ -e "$1.$n" ] || { echo "$1: no route to host" >&2; exit 255; }\n'
            'grep -v "^!" "$1.$n"\n'
            'case $(sed -n "s/^!//p" "$1.$n") in\n'
            "stay) exec sleep 600 ;;\n"
            'fail) echo "Connection reset by peer" >&2; exit 255 ;;\n'
            "esac\n"
        )
        self.program.chmod(0o755)

    def says(self, name: str, *answers: list[str]) -> None:
        """What each connection brings; the last line C(!stay) or C(!fail) says how it ends."""
        for number, lines in enumerate(answers, 1):
            (self.directory / f"{name}.{number}").write_text("".join(f"{each}\n" for each in lines))

    def arguments(self, *names: str, **others: Any) -> dict[str, Any]:
        return {
            "hosts": list(names),
            "transport": [str(self.program), "{address}"],
            "retry_seconds": 0.01,
            "max_retry_seconds": 0.02,
            **others,
        }


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path)


class Events:
    """The rulebook's end of the queue."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.changed = asyncio.Event()

    async def put(self, event: dict[str, Any]) -> None:
        self.got.append(event)
        self.changed.set()

    async def until(self, condition: Callable[[list[dict[str, Any]]], bool]) -> None:
        while not condition(self.got):
            self.changed.clear()
            await self.changed.wait()


def follow(arguments: dict[str, Any], until: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """Run the source until what it gave fulfils the condition."""

    async def run() -> list[dict[str, Any]]:
        events = Events()
        task = asyncio.create_task(source.main(events, arguments))
        waiting: Awaitable[None] = events.until(until)
        done, _running = await asyncio.wait(
            {task, asyncio.ensure_future(waiting)}, timeout=60, return_when=asyncio.FIRST_COMPLETED
        )
        assert done, f"not within a minute; so far: {events.got}"
        if task in done:
            task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return events.got

    return asyncio.run(run())


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [f"{event['event']} {event['seq']}" if "seq" in event else event["event"] for event in events]


def has(*wanted: str) -> Callable[[list[dict[str, Any]]], bool]:
    return lambda events: kinds(events)[-len(wanted) :] == list(wanted)


def test_an_event_has_all_that_a_rule_asks_for(hosts: Hosts) -> None:
    hosts.says("web1", [head(), line(0), "!stay"])
    (event,) = follow(hosts.arguments("web1"), has("kill 0"))
    assert event == {
        "host": "web1",
        "meta": {"hosts": "web1"},
        "event": "kill",
        "seq": 0,
        "ts": 60 * 10**9,
        "time": "2023-11-14T22:14:20+00:00",
        "uid": "1001",
        "uid_first": 1001,
        "uid_last": 1001,
        "pid": 77,
        "comm": "1001",
        "policy": "highest_rss",
        "victim_rss": 900,
        "runtime_ms": 5,
        "badness": 3,
        "usage": 1200,
        "max": 1000,
    }


def test_a_range_and_no_limit() -> None:
    event = source.parse_line("seq=3 ts=9 event=limit_set uid=1000-1999 max=max")
    assert (event["uid"], event["uid_first"], event["uid_last"], event["max"]) == ("1000-1999", 1000, 1999, "max")


def test_events_of_before_are_no_news(hosts: Hosts) -> None:
    hosts.says("web1", [head(uptime=50.0), line(7, ts=49 * 10**9), line(9, ts=51 * 10**9), "!stay"])
    events = follow(hosts.arguments("web1"), has("kill 9"))
    # One was overwritten after the connection, or before: better told.
    assert kinds(events) == ["lost 8", "kill 9"]


def test_all_that_the_kernel_has_kept(hosts: Hosts) -> None:
    hosts.says("web1", [head(uptime=50.0), line(7, ts=1), line(8, ts=2), "!stay"])
    events = follow(hosts.arguments("web1", start="all"), has("kill 8"))
    assert kinds(events) == ["lost 6", "kill 7", "kill 8"]
    assert events[0]["count"] == 7


def test_a_lost_connection_is_resumed(hosts: Hosts) -> None:
    hosts.says(
        "web1",
        [head(), line(0), line(1), "!fail"],
        [head(uptime=99.0), line(0), line(1), line(2), "!stay"],
    )
    events = follow(hosts.arguments("web1"), has("kill 2"))
    assert kinds(events) == ["kill 0", "kill 1", "unreachable", "reachable", "kill 2"]
    assert events[2] == {
        "host": "web1",
        "meta": {"hosts": "web1"},
        "event": "unreachable",
        "reason": "Connection reset by peer",
    }


def test_a_line_that_was_cut_is_read_again(hosts: Hosts) -> None:
    hosts.says("web1", [head(), line(0)], [head(), line(0), line(1), "!stay"])
    first = hosts.directory / "web1.1"
    first.write_text(first.read_text() + line(1)[:25])
    events = follow(hosts.arguments("web1"), has("kill 1"))
    assert kinds(events) == ["kill 0", "unreachable", "reachable", "kill 1"]


def test_what_was_overwritten_is_one_event(hosts: Hosts) -> None:
    hosts.says(
        "web1",
        [head(), line(0), "!fail"],
        [head(), "event=lost count=3", line(7), "event=lost count=1", line(9), "!stay"],
    )
    events = follow(hosts.arguments("web1"), has("lost 8", "kill 9"))
    assert kinds(events) == ["kill 0", "unreachable", "reachable", "lost 6", "kill 7", "lost 8", "kill 9"]
    assert [event["count"] for event in events if event["event"] == "lost"] == [6, 1]


def test_another_boot_counts_from_the_beginning(hosts: Hosts) -> None:
    hosts.says(
        "web1",
        [head("boot-a/17"), line(50), "!fail"],
        [head("boot-b/17", uptime=300.0), line(0, ts=2 * 10**9), line(1, ts=301 * 10**9), "!stay"],
    )
    events = follow(hosts.arguments("web1"), has("kill 1"))
    # Those of the new boot from before the connection are news as well.
    assert kinds(events) == ["kill 50", "unreachable", "reachable", "kill 0", "kill 1"]


def test_a_rulebook_that_is_started_again_goes_on(hosts: Hosts, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    hosts.says(
        "web1",
        [head(), line(0), line(1), "!stay"],
        [head(uptime=500.0), line(0), line(1), line(2), line(3), "!stay"],
    )
    arguments = hosts.arguments("web1", state_file=str(state))
    follow(arguments, has("kill 0", "kill 1"))
    assert kinds(follow(arguments, has("kill 3"))) == ["kill 2", "kill 3"]
    assert json.loads(state.read_text()) == {"web1": {"load": "boot-a/17", "next_seq": 4, "since_ns": 50 * 10**9}}


def test_also_where_nothing_had_happened_yet(hosts: Hosts, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    hosts.says("web1", [head(uptime=50.0), "!fail"], [head(uptime=500.0), line(0, ts=60 * 10**9), "!stay"])
    arguments = hosts.arguments("web1", state_file=str(state))
    follow(arguments, has("unreachable"))
    assert kinds(follow(arguments, has("kill 0"))) == ["kill 0"]


def test_only_events_that_are_wanted(hosts: Hosts) -> None:
    limit_set = "event=limit_set uid={uid} max=1000"
    hosts.says("web1", [head(), line(0, text=limit_set), line(1), line(2, text=limit_set), line(4), "!stay"])
    events = follow(hosts.arguments("web1", events=["kill"]), has("kill 4"))
    assert kinds(events) == ["kill 1", "lost 3", "kill 4"]


def test_hosts_are_apart(hosts: Hosts) -> None:
    hosts.says("web1", [head(), line(0), "!stay"])
    hosts.says("web3", [head("boot-c/1"), line(5), "!stay"])
    events = follow(hosts.arguments("web1", "web2", "web3"), lambda events: len(events) == 3)
    assert {(event["host"], event["event"]) for event in events} == {
        ("web1", "kill"),
        ("web2", "unreachable"),
        ("web3", "kill"),
    }
    (reason,) = (event["reason"] for event in events if event["event"] == "unreachable")
    assert reason == "web2: no route to host"


def test_a_host_that_stays_away_is_told_once(hosts: Hosts) -> None:
    calls = hosts.directory / "web1.calls"
    hosts.says("web2", *([[head(), line(n), "!fail"] for n in range(4)]))
    events = follow(hosts.arguments("web1", "web2"), lambda _: calls.exists() and calls.read_text().count("\n") > 2)
    assert [event["event"] for event in events if event["host"] == "web1"] == ["unreachable"]


def test_what_a_login_shell_says_first_is_passed_over(hosts: Hosts) -> None:
    hosts.says("web1", ["Welcome to web1", "", head() + "\r", line(0) + "\r", "!stay"])
    assert kinds(follow(hosts.arguments("web1"), has("kill 0"))) == ["kill 0"]


def test_a_host_that_says_something_else(hosts: Hosts) -> None:
    hosts.says("web1", ["x" * 100_000, "!stay"])
    (event,) = follow(hosts.arguments("web1"), has("unreachable"))
    assert event["reason"] == "what came is not the list of events"


def test_no_process_is_left(hosts: Hosts) -> None:
    hosts.says("web1", [head(), line(0), "!stay"])
    (hosts.directory / "transport").write_text(
        f"#!/bin/sh\ncd {hosts.directory}\necho $$ >pid\ncat web1.1 | grep -v '^!'\nexec sleep 600\n"
    )
    follow(hosts.arguments("web1"), has("kill 0"))
    pid = int((hosts.directory / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


class CancelledAt:
    """Runs a coroutine in a task, and cancels it at the Nth point where it waits.

    It is cancelled while it waits, or (I(late)) when what it waited for is there, and it has not gone on yet.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, None], point: int, late: bool) -> None:
        self.coroutine = coroutine
        self.point = point
        self.late = late
        self.reached = False

    def __await__(self) -> Generator[Any, None, None]:
        task = asyncio.current_task()
        assert task
        steps = self.coroutine.__await__()
        cancelled: asyncio.CancelledError | None = None
        for number in itertools.count(1):
            try:
                waits_for = steps.throw(cancelled) if cancelled else next(steps)
            except StopIteration:
                return
            cancelled = None
            if number == self.point and not self.late:
                self.reached = True
                asyncio.get_running_loop().call_soon(task.cancel)
            try:
                yield waits_for
            except asyncio.CancelledError as exc:
                cancelled = exc
            if number == self.point and self.late:
                self.reached = True
                cancelled = asyncio.CancelledError()


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("end", ["!fail", "!stay", "x" * 300_000])
def test_it_ends_wherever_it_is(hosts: Hosts, late: bool, end: str) -> None:
    program = hosts.program.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\necho $$ >>{hosts.directory}/pids\n")
    hosts.program.write_text(program)

    async def run(point: int) -> tuple[bool, bool]:
        """Whether there is such a point, and whether it has ended."""
        (hosts.directory / "web1.calls").unlink(missing_ok=True)
        options = source.parse_options(hosts.arguments("web1"))
        follower = source.Follower(options.hosts[0], options, source.State(None), Events())
        cancelled = CancelledAt(follower.run(), point, late)

        async def follow_it() -> None:
            await cancelled

        task = asyncio.create_task(follow_it())
        # With "!stay" it waits for ever at some point.
        patience = 3.0 if end == "!stay" else 60.0
        waited = 0.0
        while not task.done() and not cancelled.reached and waited < patience:
            await asyncio.sleep(0.01)
            waited += 0.01
        if not cancelled.reached:
            task.cancel()
        await asyncio.wait({task}, timeout=60)
        return cancelled.reached, task.done() and task.cancelled()

    hosts.says("web1", *([[head(), line(n), end] for n in range(2)]))
    points = 0
    reached = True
    # Not asyncio.run(), which would wait for what is still there.
    loop = asyncio.new_event_loop()
    while reached and points < 24:
        reached, ended = loop.run_until_complete(run(points + 1))
        assert ended, f"still there, though it was cancelled at point {points + 1}"
        points += reached
    loop.close()
    assert points > 1
    for pid in (hosts.directory / "pids").read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_the_names_of_a_host(hosts: Hosts) -> None:
    hosts.says("10.0.0.5", [head(), line(0), "!stay"])
    arguments = hosts.arguments() | {"hosts": [{"name": "web1", "address": "10.0.0.5"}]}
    (event,) = follow(arguments, has("kill 0"))
    assert (event["host"], event["meta"]) == ("web1", {"hosts": "web1"})


@pytest.mark.parametrize(
    ("become", "words"),
    [
        ("", ["sh -c '{}'"]),
        ("sudo -n", ["sudo -n sh -c '{}'"]),
        ("su -c {command}", ["su -c 'sh -c '\"'\"'{}'\"'\"''"]),
    ],
)
def test_root(become: str, words: list[str]) -> None:
    options = source.parse_options({"hosts": ["web1"], "transport": ["ssh", "{name}@{address}"], "become": become})
    command = options.command(options.hosts[0])
    assert command == ["ssh", "web1@web1", *(word.replace("{}", source._REMOTE) for word in words)]


class Root:
    """A host that is a directory, on which the real remote command runs."""

    def __init__(self, directory: Path, shell: str) -> None:
        (directory / "proc/uid_mem").mkdir(parents=True)
        (directory / "proc/sys/kernel/random").mkdir(parents=True)
        (directory / "sys/module/uid_mem").mkdir(parents=True)
        (directory / "proc/sys/kernel/random/boot_id").write_text("boot-a\n")
        (directory / "proc/uptime").write_text("50.25 99.00\n")
        (directory / "proc/uid_mem/events").write_text(line(0) + "\n")
        self.events = directory / "proc/uid_mem/events"
        self.load = f"boot-a/{(directory / 'sys/module/uid_mem').stat().st_ino}"
        self.program = directory / "transport"
        self.program.write_text(
            "#!/bin/sh\n"
            f'command=$(printf "%s" "$2" | sed "s:/proc/:{directory}/proc/:g; s:/sys/m:{directory}/sys/m:")\n'
            f'exec {shell} -c "$command"\n'
        )
        self.program.chmod(0o755)
        self.arguments = {"hosts": ["web1"], "transport": [str(self.program), "{address}"], "retry_seconds": 60}


@pytest.mark.parametrize("shell", ["sh", "busybox sh", "bash"])
def test_the_command_on_the_host(tmp_path: Path, shell: str) -> None:
    root = Root(tmp_path, shell)
    state = tmp_path / "state"
    events = follow({**root.arguments, "state_file": str(state)}, has("kill 0", "unreachable"))
    assert events[1]["reason"].endswith("ended with status 0")
    assert json.loads(state.read_text())["web1"] == {"load": root.load, "next_seq": 1, "since_ns": 50_250_000_000}


@pytest.mark.parametrize("shell", ["sh", "busybox sh", "bash"])
def test_the_command_on_the_host_ends_with_the_rulebook(tmp_path: Path, shell: str) -> None:
    root = Root(tmp_path, shell)
    root.events.unlink()
    os.mkfifo(root.events)
    command = [str(root.program), "web1", source._REMOTE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        # As long as this is open, the list of events has no end.
        with root.events.open("w") as events:
            events.write(line(0) + "\n")
            events.flush()
            assert process.stdout.readline().startswith("uid_mem_events ")
            assert process.stdout.readline().startswith("seq=0 ")
            process.stdin.close()
            assert process.stdout.read() == ""
            assert process.wait(30) != 0


def test_a_host_without_the_module(tmp_path: Path) -> None:
    root = Root(tmp_path, "sh")
    root.events.unlink()
    (event,) = follow(root.arguments, has("unreachable"))
    assert event["reason"] == f"uid_mem is not loaded: there is no {tmp_path}/proc/uid_mem/events"


@pytest.mark.skipif(os.getuid() == 0, reason="not applicable: root may read everything")
def test_a_user_who_may_not_read_events(tmp_path: Path) -> None:
    root = Root(tmp_path, "sh")
    root.events.chmod(0)
    (event,) = follow(root.arguments, has("unreachable"))
    assert "set become" in event["reason"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "hosts: give a list with the names of the hosts to follow"),
        ({"hosts": "web1"}, "hosts: give a list with the names of the hosts to follow"),
        ({"hosts": [5]}, "hosts: 5 is neither the name of a host nor a dictionary with the keys name and address"),
        ({"hosts": ["a", "b", "a"]}, "hosts: a is there more than once"),
        ({"hosts": ["a"], "host": 1}, "unknown argument host; there are become, events, hosts,"),
        ({"hosts": ["a"], "transport": "ssh {address}"}, "transport: 'ssh {address}' is not a list of strings"),
        ({"hosts": ["a"], "transport": []}, "transport: give the words of a command"),
        ({"hosts": ["a"], "start": "old"}, "start: 'old' is neither new nor all"),
        ({"hosts": ["a"], "become": True}, "become: True is not a string"),
        ({"hosts": ["a"], "events": "kill"}, "events: 'kill' is not a list of strings"),
        ({"hosts": ["a"], "retry_seconds": 0}, "retry_seconds: 0 is not a number of seconds above 0"),
        ({"hosts": ["a"], "max_retry_seconds": "x"}, "max_retry_seconds: 'x' is not a number of seconds above 0"),
        ({"hosts": ["a"], "state_file": "/proc/none/x"}, "state_file: /proc/none/x cannot be written: No such file"),
        ({"hosts": ["a"], "transport": ["/no/ssh"]}, "transport: /no/ssh cannot be run: No such file or directory"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        follow(arguments, lambda _: False)


def test_a_state_file_of_another(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_text('{"web1": 5}')
    with pytest.raises(ValueError, match="was not written by this plugin; remove it to begin anew"):
        follow({"hosts": ["web1"], "state_file": str(state)}, lambda _: False)


def test_a_state_file_that_cannot_be_written_any_more(
    hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hosts.says("web1", [head(), line(0), line(1), "!stay"])
    state = tmp_path / "state"
    write = source.State._write
    calls = 0

    def fails(self: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise OSError(28, "No space left on device")
        write(self)

    monkeypatch.setattr(source.State, "_write", fails)
    follow(hosts.arguments("web1", state_file=str(state)), has("kill 0", "kill 1"))
    assert [record.message for record in caplog.records if "state_file" in record.message] == [
        f"state_file: {state} cannot be written: No space left on device"
    ]


def test_the_documentation_is_that_of_the_code() -> None:
    yaml = pytest.importorskip("yaml")
    options = yaml.safe_load(source.DOCUMENTATION)["options"]
    assert set(options) == set(source._DEFAULTS) - {"eda_feedback_queue"}
    for name, option in options.items():
        assert option.get("default", source._DEFAULTS[name]) == source._DEFAULTS[name], name
    assert yaml.safe_load(source.EXAMPLES)

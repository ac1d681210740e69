# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells of kills by mail and to a web hook, with a real HTTP server.

A real mail transport agent is in the molecule scenario stock.
"""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.devfleet.uid_mem.tests.roles.conftest import ROLES

NOTIFY = ROLES / "uid_mem/files/notify.sh"
COMM = 'a "b" \\ c=d $(reboot)'
KILL = {
    "UID_MEM_EVENT": "kill",
    "UID_MEM_UID": "65534",
    "UID_MEM_PID": "4711",
    "UID_MEM_COMM": COMM,
    "UID_MEM_USAGE": "104861696",
    "UID_MEM_MAX": "104857600",
    "UID_MEM_VICTIM_RSS": "99999744",
    "UID_MEM_POLICY": "highest_rss",
    "UID_MEM_SEQ": "7",
}


class Server(http.server.ThreadingHTTPServer):
    """Keeps what it is sent; refuses as often as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[dict[str, object]] = []
        self.refuse = 0


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.refuse:
            self.server.refuse -= 1
            self.send_response(503)
        else:
            assert self.headers["Content-Type"] == "application/json"
            self.server.got.append(json.loads(body))
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture(name="server")
def server_fixture() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class Notify:
    """The program with a configuration."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.mails = place / "mails"
        self.programs = place / "bin"
        self.programs.mkdir()
        self.text = NOTIFY.read_text(encoding="utf-8").replace("PATH=/usr/sbin:", f"PATH={self.programs}:/usr/sbin:")
        self.program = place / "notify"
        self.command("sendmail", f'echo "$*" >>{self.mails}; cat >>{self.mails}')

    def command(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def configure(self, text: str) -> None:
        (self.place / "notify.conf").write_text(text)
        self.program.write_text(self.text)

    def run(self, *arguments: str, **event: str) -> subprocess.CompletedProcess[str]:
        # Of one second before now.
        since_boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 10**9
        settings = {"UID_MEM_NOTIFY_CONFIGURATION": str(self.place / "notify.conf"), "UID_MEM_TS": str(since_boot)}
        environment = os.environ | KILL | settings | event
        command = ["sh", str(self.program), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        print(done.stdout, done.stderr)
        return done


@pytest.fixture(name="notify")
def notify_fixture(tmp_path: Path) -> Notify:
    return Notify(tmp_path)


def test_a_mail_says_who_and_what(notify: Notify) -> None:
    notify.configure("mail_to='root, ann@example.org'\n")
    assert notify.run().returncode == 0
    lines = notify.mails.read_text().splitlines()
    subject = f'Subject: {os.uname().nodename}: uid_mem killed "{COMM}" of nobody'
    assert lines[:3] == ["-oi -t", "To: root, ann@example.org", subject]
    told = next(line for line in lines if "process 4711" in line)
    assert told.endswith(f'killed "{COMM}" (process 4711) of nobody (UID 65534), which used 100 MiB of 100 MiB')
    # The time of the event.
    seconds = int(subprocess.run(["date", "-d", told[:25], "+%s"], capture_output=True, check=True).stdout)
    assert 0 <= time.time() - seconds < 60


@pytest.mark.parametrize("client", ["curl", "wget"])
def test_a_web_hook_gets_json(notify: Notify, server: Server, client: str) -> None:
    if shutil.which(client) is None:
        pytest.skip(f"{client} is not installed")
    notify.configure(f"webhook_url=http://127.0.0.1:{server.server_port}/kills\n")
    if client == "wget":
        notify.text = notify.text.replace("command -v curl", "false")
        notify.configure(f"webhook_url=http://127.0.0.1:{server.server_port}/kills\n")
    assert notify.run().returncode == 0
    [got] = server.got
    assert got["host"] == os.uname().nodename
    assert COMM in str(got["text"])
    events = got["events"]
    assert isinstance(events, list)
    [event] = events
    assert event.pop("time") <= time.time()
    assert event == {
        "event": "kill",
        "user": "nobody",
        "comm": COMM,
        "policy": "highest_rss",
        "uid": 65534,
        "pid": 4711,
        "usage": 104861696,
        "max": 104857600,
        "victim_rss": 99999744,
        "seq": 7,
    }


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_web_hook_is_tried_again_and_what_is_lost_is_told(notify: Notify, server: Server) -> None:
    notify.command("sleep", "exit 0")
    notify.configure(f"webhook_url=http://127.0.0.1:{server.server_port}/\n")
    server.refuse = 2
    assert "not told" not in notify.run().stderr
    assert len(server.got) == 1
    server.refuse = 3
    assert "the web hook could not be reached and was not told: {" in notify.run().stderr


def test_the_address_of_a_web_hook_is_on_no_command_line(notify: Notify, tmp_path: Path) -> None:
    """It may hold a secret, and any user sees command lines."""
    notify.command("curl", f'echo "$*" >{tmp_path}/words; cat >{tmp_path}/input')
    notify.configure("webhook_url=https://chat.example.org/secret\n")
    assert notify.run().returncode == 0
    assert "secret" not in (tmp_path / "words").read_text()
    assert "https://chat.example.org/secret" in (tmp_path / "input").read_text()


def test_what_is_killed_meanwhile_is_told_together(notify: Notify, tmp_path: Path) -> None:
    queue = tmp_path / "queue"
    notify.configure(f"mail_to=root\nqueue={queue}\n")
    for number in range(3):
        assert notify.run(UID_MEM_SEQ=str(number), UID_MEM_COMM=f"p{number}").returncode == 0
    assert not notify.mails.exists()
    assert len(list(queue.iterdir())) == 3
    assert notify.run("send").returncode == 0
    mail = notify.mails.read_text()
    assert mail.count("Subject: ") == 1
    assert "uid_mem 3 processes killed" in mail
    assert all(f'killed "p{number}"' in mail for number in range(3))
    assert list(queue.iterdir()) == []
    assert notify.run("send").returncode == 0
    assert notify.mails.read_text() == mail


def test_a_mail_that_cannot_be_sent_is_told(notify: Notify) -> None:
    notify.command("sendmail", "exit 75")
    notify.configure("mail_to=root\n")
    assert "sendmail failed, no mail to root" in notify.run().stderr


def test_wrong_usage_is_told(notify: Notify) -> None:
    notify.configure("")
    done = notify.run("fly")
    assert done.returncode == 2
    assert "see notify --help" in done.stderr
    assert "usage: notify" in notify.run("--help").stdout

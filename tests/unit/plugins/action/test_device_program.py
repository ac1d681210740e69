# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""device_program from the task's arguments to its result, with real shells and only the transport replaced."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleConnectionFailure
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext

from ansible_collections.devfleet.uid_mem.plugins.action import device_program
from ansible_collections.devfleet.uid_mem.plugins.module_utils import _argument_specs
from ansible_collections.devfleet.uid_mem.plugins.modules import device_program as program_doc
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils import _owner, _program
from ansible_collections.devfleet.uid_mem.tests.unit.device import Device
from ansible_collections.devfleet.uid_mem.tests.unit.host import Host

# Says what it was given and what it is; fails with the status that --status names.
SAY = """\
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# It's here with a quote.
say() {
\tprintf '%s\\n' "$*"
}
"""
MAIN = """\
say "name=$0" "words=$*"
say "input=$(cat)"
say "text=$(printf '%s\\n' "$program_text" | wc -l)"
case $1 in
fail) say "error=it is too small"; say "error=it is too blue"; exit 3 ;;
die) echo "no such thing" >&2; exit 1 ;;
place) say "changed=yes"; say "sum=$5"; cat "$3"/*; exit ;;
becomes)
    say "warning=the disk is slow" "warning=and old" | sed 's/ warning=/\\nwarning=/'
    say 'diff_path=/etc/a'
    say 'diff_before=one\\n\\\\n two\\n'
    say 'diff_after='
    say 'diff_path=/etc/b'
    say 'diff_after=x\\n'
    ;;
locked) case "$*" in *--take-over*) say "mine=yes" ;; *) say "locked_by=$LOCKED_BY"; exit 7 ;; esac ;;
esac
say "no pair"
"""


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "programs"
    (directory / "lib").mkdir(parents=True)
    (directory / "tell").mkdir()
    (directory / "lib/say.sh").write_text(SAY, encoding="utf-8")
    (directory / "tell/main.sh").write_text(MAIN, encoding="utf-8")
    (directory / "tell/parts").write_text("# a comment\nlib/say.sh\ntell/main.sh\n", encoding="utf-8")
    monkeypatch.setattr(_program, "DIRECTORY", directory)
    monkeypatch.setattr(device_program, "PAUSE", 0.01)
    _program.join_program.cache_clear()
    return directory


class ProgramHost(Host):
    """A host whose connection takes files, and can break."""

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self.broken = 0
        self.resets = 0
        connection: Any = self.connection
        connection._shell.join_path = os.path.join
        connection.close = self.reset
        exec_command = connection.exec_command

        def exec_or_break(command: str, in_data: bytes | None = None, sudoable: bool = True) -> Any:
            if self.broken:
                self.broken -= 1
                raise AnsibleConnectionFailure("no route to host")
            return exec_command(command, in_data, sudoable)

        connection.exec_command = exec_or_break

    def reset(self) -> None:
        self.resets += 1

    def tell(self, command: str = "hello", *, check: bool = False, job: int = 0, **args: Any) -> dict[str, Any]:
        return self.run(device_program, {"program": "tell", "command": command, **args}, check=check, job=job)


@pytest.fixture
def teller(device: Device) -> ProgramHost:
    return ProgramHost(device)


@pytest.fixture
def dash_teller(dash_device: Device) -> ProgramHost:
    return ProgramHost(dash_device)


# --- how it gets there


@pytest.mark.parametrize("pipelining", [True, False])
def test_one_call_brings_the_program_and_its_words(teller: ProgramHost, pipelining: bool) -> None:
    teller.connection.pipelining = pipelining
    result = teller.tell(arguments={"long_name": "it's 1", "many": ["a", 2], "yes": True, "empty": "", "none": None})
    assert len(teller.connection.calls) == 1
    assert (teller.connection.calls[0][1] is None) is not pipelining
    assert not result["failed"]
    assert not result["changed"]
    assert result["said"] == {
        "name": "tell words=hello --long-name it's 1 --many a --many 2 --yes yes",
        "input": "",
        "text": str(len(_program.join_program("tell").splitlines())),
    }
    assert result["lines"][-1] == "no pair"
    assert result["rc"] == 0


def test_what_becomes_of_files_is_shown(teller: ProgramHost) -> None:
    result = teller.tell("becomes")
    assert result["warnings"] == ["the disk is slow", "and old"]
    first = {"before_header": "/etc/a", "after_header": "/etc/a", "before": "one\n\\n two\n", "after": ""}
    second = {"before_header": "/etc/b", "after_header": "/etc/b", "before": "", "after": "x\n"}
    assert result["diff"] == [first, second]
    args = {"program": "tell", "command": "becomes"}
    assert "diff" not in teller.run(device_program, args, diff=False)
    assert {"diff", "warnings"}.isdisjoint(teller.tell())


def test_terminal_on_the_way_changes_nothing(dash_teller: ProgramHost) -> None:
    dash_teller.connection.change_answer = lambda output: output.replace(b"\n", b"\r\n")
    assert dash_teller.tell()["lines"][-1] == "no pair"


def test_connection_without_standard_input(dash_teller: ProgramHost) -> None:
    """As with su, which asks for its password there."""
    dash_teller.connection.has_pipelining = False
    assert dash_teller.tell()["rc"] == 0
    assert dash_teller.connection.calls[0][1] is None


def test_program_that_is_too_long_needs_pipelining(dash_teller: ProgramHost, programs: Path) -> None:
    with (programs / "tell/main.sh").open("a", encoding="utf-8") as file:
        file.write("# padding\n" * 15000)
    dash_teller.connection.pipelining = False
    assert "needs pipelining" in dash_teller.tell()["msg"]
    dash_teller.connection.pipelining = True
    assert dash_teller.tell()["rc"] == 0


# --- what it answers


def test_failure_has_the_programs_words(teller: ProgramHost) -> None:
    result = teller.tell("fail", on_failure="Nothing was done")
    assert result["failed"]
    assert result["rc"] == 3
    assert result["msg"] == "Nothing was done: it is too small; it is too blue"
    assert not teller.tell("fail", expected_rc=[0, 3])["failed"]


def test_failure_without_words(dash_teller: ProgramHost) -> None:
    message = dash_teller.tell("die")["msg"]
    assert message.startswith("it ended with status 1 and said: ")
    assert message.endswith("no such thing")


def test_check_mode_runs_nothing(dash_teller: ProgramHost) -> None:
    result = dash_teller.tell(check=True)
    assert result["skipped"]
    assert not dash_teller.connection.calls


def test_async_is_refused(dash_teller: ProgramHost) -> None:
    assert "does not support async" in dash_teller.tell(job=60)["msg"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"program": "fly"}, "there is no 'fly'; there are tell"),
        ({"arguments": {"a": {"b": 1}}}, "arguments: a is neither"),
        ({"arguments": {"a": "b\nc"}}, "arguments: a has a line feed"),
        ({"payload": ["/no/such"]}, "there is no file /no/such on the controller"),
    ],
)
def test_wrong_arguments(dash_teller: ProgramHost, args: dict[str, Any], message: str) -> None:
    result = dash_teller.tell(**args)
    assert result["failed"]
    assert message in result["msg"]
    assert not dash_teller.connection.calls


def test_documentation_and_code_have_the_same_options() -> None:
    documented = yaml.safe_load(program_doc.DOCUMENTATION)["options"]
    for option in documented.values():
        del option["description"]
    assert documented == _argument_specs.DEVICE_PROGRAM


def test_programs_of_the_collection_can_be_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    _program.join_program.cache_clear()
    for name in _program.program_names():
        text = _program.join_program(name)
        subprocess.run(["sh", "-n"], input=text, text=True, check=True)
        # It also goes where standard input cannot be used.
        assert _program.embedded_command(text, name, ["x" * 2000])


# --- payload


def payload_methods(monkeypatch: pytest.MonkeyPatch, place: Path, fails: bool) -> list[str]:
    """Ansible's own methods for files, which need more of a connection than there is here."""
    removed: list[str] = []
    place.mkdir()
    plugin = device_program.ActionModule

    def remove(_self: Any, path: str) -> None:
        removed.append(path)
        if fails:
            raise AnsibleConnectionFailure("gone")

    monkeypatch.setattr(plugin, "_make_tmp_path", lambda _self: str(place))
    monkeypatch.setattr(plugin, "_transfer_file", lambda _self, source, target: shutil.copy(source, target))
    monkeypatch.setattr(plugin, "_fixup_perms2", lambda _self, paths, execute: paths)
    monkeypatch.setattr(plugin, "_remove_tmp_path", remove)
    return removed


@pytest.mark.parametrize("fails", [False, True])
def test_payload_is_there_for_the_call(
    dash_teller: ProgramHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: bool
) -> None:
    removed = payload_methods(monkeypatch, tmp_path / "remote", fails)
    payload = tmp_path / "payload"
    payload.write_text("brought\n", encoding="utf-8")
    result = dash_teller.tell("place", payload=[str(payload)])
    assert result["changed"]
    assert result["lines"][-1] == "brought"
    assert result["said"]["sum"] == hashlib.sha256(b"brought\n").hexdigest() + ":payload"
    assert removed == [str(tmp_path / "remote")]


# --- lost connections


def test_lost_connection_is_unreachable_or_a_failure(dash_teller: ProgramHost) -> None:
    dash_teller.broken = 1
    with pytest.raises(AnsibleConnectionFailure):
        dash_teller.tell()
    dash_teller.broken = 1
    result = dash_teller.tell(lost_connection="fail")
    assert result["failed"]
    assert result["connection_lost"]
    assert result["msg"] == "no route to host"
    dash_teller.broken = 1
    assert dash_teller.tell(lost_connection="fail", on_failure="Not done")["msg"] == "Not done: no route to host"


def test_lost_message_tells_what_happened_to_the_host() -> None:
    sent = 'Data could not be sent to remote host "127.0.0.1". Make sure this host can be reached over ssh:'
    for text, told in [
        (sent, "the host did not answer"),
        (sent + " Connection reset by peer\r\n", "the host did not answer: Connection reset by peer"),
        ("Failed to connect to the host via ssh: refused", "Failed to connect to the host via ssh: refused"),
    ]:
        assert device_program.lost_message(AnsibleConnectionFailure(text)) == told


def test_cleanup_of_a_lost_host_leaves_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(_self: Any, path: str) -> None:
        raise AnsibleConnectionFailure(path)

    connection: Any = SimpleNamespace(_shell=SimpleNamespace(tmpdir="/remote"))
    context: Any = PlayContext
    loader: Any = DataLoader
    task: Any = SimpleNamespace(action="devfleet.uid_mem.device_program", args={}, async_val=0)
    monkeypatch.setattr(device_program.ActionModule, "_remove_tmp_path", lost)
    templar: Any = None
    device_program.ActionModule(task, connection, context(), loader(), templar, None).cleanup()


@pytest.mark.parametrize("can_reset", [True, False])
def test_patience_outlasts_a_reboot(dash_teller: ProgramHost, can_reset: bool) -> None:
    connection: Any = dash_teller.connection
    if can_reset:
        connection.reset = dash_teller.reset
    dash_teller.broken = 3
    assert dash_teller.tell(patience=60)["rc"] == 0
    assert dash_teller.resets == 3


def test_answer_that_comes_too_early_is_asked_for_again(
    dash_teller: ProgramHost, tmp_path: Path, programs: Path
) -> None:
    (programs / "tell/main.sh").write_text(
        f'cd {tmp_path}; echo >>count; [ "$(wc -l <count)" -ge 3 ] || exit 8\n', encoding="utf-8"
    )
    assert dash_teller.tell(retry_rc=[8], patience=60)["rc"] == 0
    assert len(dash_teller.connection.calls) == 3
    (tmp_path / "count").unlink()
    assert dash_teller.tell(retry_rc=[8])["rc"] == 8


# --- whose device it is


def words_of(host: ProgramHost, **args: Any) -> str:
    return str(host.tell(**args)["said"]["name"])


def test_owner_is_this_run(dash_teller: ProgramHost) -> None:
    owner = words_of(dash_teller, owner="auto").split("--owner ")[1]
    assert owner.startswith(f"{socket.gethostname()}:{os.getppid()}:")
    assert not _owner.has_ended(owner)
    assert words_of(dash_teller, owner="me").endswith("--owner me")


@pytest.mark.parametrize(
    ("owner", "ended"),
    [
        # HOST:PID:1 is another process than the one with this number; names of tests are the same in each run.
        (f"HOST:{2**22 + 1}:17", True),
        ("HOST:PID:1", True),
        (f"another:{2**22 + 1}:17", False),
        ("HOST:x:17", False),
        ("by hand", False),
    ],
)
def test_lock_of_a_run_that_has_ended_is_taken_over(
    dash_teller: ProgramHost, programs: Path, owner: str, ended: bool
) -> None:
    owner = owner.replace("HOST", socket.gethostname()).replace("PID", str(os.getpid()))
    main = programs / "tell/main.sh"
    main.write_text(main.read_text(encoding="utf-8").replace("$LOCKED_BY", owner), encoding="utf-8")
    result = dash_teller.tell("locked", owner="auto")
    assert result["rc"] == (0 if ended else 7)
    assert len(dash_teller.connection.calls) == (2 if ended else 1)


def test_machine_that_does_not_tell_about_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_owner, "PROC", tmp_path)
    assert _owner.owner_of_this_run().endswith(":?")
    assert not _owner.has_ended(f"{socket.gethostname()}:{os.getpid()}:?")

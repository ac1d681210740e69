# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What brings uid_memd to a device; that it runs there is shown by the molecule scenario stock."""

from __future__ import annotations

import pathlib
import shlex
import shutil
import subprocess

import pytest

from ansible_collections.devfleet.uid_mem.tests.roles.conftest import ROLES, RunScript

DAEMON = ROLES / "uid_mem" / "files" / "daemon.sh"
USERSPACE = ROLES.parent / "userspace"
SETUP = "mount -t tmpfs -o mode=755 tmpfs /usr/local; cd /;"

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None or shutil.which("cc") is None, reason="make or cc is not installed"
)


def run_program(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", str(DAEMON), *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(name="bundle", scope="module")
def bundle_fixture(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    done = run_program("build", str(USERSPACE), str(tmp_path_factory.mktemp("programs")), "")
    assert done.returncode == 0, done.stderr
    return pathlib.Path(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which command?"),
        (["fly"], "unknown command 'fly'"),
        (["build"], "build takes USERSPACE, DIRECTORY and CROSS_COMPILE"),
        (["source-id"], "source-id takes USERSPACE"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], message: str) -> None:
    done = run_program(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "--help" in done.stderr


def test_missing_compiler_fails(tmp_path: pathlib.Path) -> None:
    done = run_program("build", str(USERSPACE), str(tmp_path / "out"), "no-such-machine-")
    assert done.returncode != 0
    assert "no-such-machine-gcc" in done.stderr
    assert not (tmp_path / "out/daemon.sh").exists()


def test_hosts_of_one_play_build_once(tmp_path: pathlib.Path) -> None:
    command = ["sh", str(DAEMON), "build", str(USERSPACE), str(tmp_path), ""]
    pipe = subprocess.PIPE
    at_once = [subprocess.Popen(command, text=True, stdout=pipe, stderr=pipe) for _host in range(4)]
    answers = [(build.communicate(), build.returncode) for build in at_once]
    assert [(error, code) for (_said, error), code in answers] == [("", 0)] * 4
    bundle = tmp_path / "daemon.sh"
    assert {said.splitlines()[-1] for (said, _error), _code in answers} == {str(bundle)}
    built = bundle.stat()
    assert run_program(*command[2:]).returncode == 0
    assert bundle.stat() == built


def test_other_source_is_built_anew(tmp_path: pathlib.Path) -> None:
    source = tmp_path / "userspace"
    shutil.copytree(USERSPACE, source)
    arguments = ("build", str(source), str(tmp_path / "out"), "")
    assert run_program(*arguments).returncode == 0
    before = run_program("source-id", str(source)).stdout
    with (source / "uid_memd.service").open("a") as unit:
        unit.write("# another one\n")
    assert run_program(*arguments).returncode == 0
    assert (tmp_path / "out/id").read_text() == run_program("source-id", str(source)).stdout != before


def test_programs_get_to_the_device_as_they_are(on_device: RunScript, bundle: pathlib.Path) -> None:
    done = on_device(
        f"{SETUP}sh {shlex.quote(str(bundle))} place; sed 1d /usr/local/lib/uid_mem/daemon | sha256sum -c;"
        "head -n 1 /usr/local/lib/uid_mem/daemon; /usr/local/sbin/uid_memd --help | head -n 1; ls -A /usr/local/sbin"
    )
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[:4] == [
        "changed=yes",
        "/usr/local/sbin/uid_memd: OK",
        "/usr/local/sbin/uid_memtop: OK",
        "/etc/systemd/system/uid_memd.service: OK",
    ]
    assert lines[4] == run_program("source-id", str(USERSPACE)).stdout.strip()
    assert "uid_memd" in lines[5]
    assert lines[6:] == ["uid_memd", "uid_memtop"]


def test_damaged_copy_changes_nothing(on_device: RunScript, bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    content = bytearray(bundle.read_bytes())
    content[-200000] ^= 0xFF
    damaged = tmp_path / "damaged.sh"
    damaged.write_bytes(content)
    done = on_device(f"{SETUP}sh {shlex.quote(str(damaged))} place || echo refused; find /usr/local -type f")
    assert "run it again" in done.stdout
    assert done.stdout.splitlines()[-1] == "refused"


def test_program_without_payload_says_so(on_device: RunScript) -> None:
    done = on_device(f"{SETUP}sh {shlex.quote(str(DAEMON))} place")
    assert done.returncode == 1
    assert "carries no programs" in done.stdout

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What brings uid_memd to a device; that it runs there is shown by the molecule scenario stock."""

from __future__ import annotations

import hashlib
import pathlib
import shlex
import shutil
import subprocess

import pytest

from ansible_collections.devfleet.uid_mem.tests.roles.conftest import ROLES, RunScript, device_program

BUILD = ROLES / "uid_mem" / "files" / "build_daemon.sh"
DAEMON = device_program("daemon")
USERSPACE = ROLES.parent / "userspace"
SETUP = "mount -t tmpfs -o mode=755 tmpfs /usr/local; cd /;"

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None or shutil.which("cc") is None, reason="make or cc is not installed"
)


def run_program(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", str(BUILD), *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(name="bundle", scope="module")
def bundle_fixture(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    done = run_program(str(USERSPACE), str(tmp_path_factory.mktemp("programs")), "")
    assert done.returncode == 0, done.stderr
    return pathlib.Path(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "it takes USERSPACE, DIRECTORY and CROSS_COMPILE"),
        (["fly"], "it takes USERSPACE, DIRECTORY and CROSS_COMPILE"),
        (["--id"], "--id takes USERSPACE"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], message: str) -> None:
    done = run_program(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "--help" in done.stderr


def test_missing_compiler_fails(tmp_path: pathlib.Path) -> None:
    done = run_program(str(USERSPACE), str(tmp_path / "out"), "no-such-machine-")
    assert done.returncode != 0
    assert "no-such-machine-gcc" in done.stderr
    assert not (tmp_path / "out/daemon.tar.gz").exists()


def test_hosts_of_one_play_build_once(tmp_path: pathlib.Path) -> None:
    command = ["sh", str(BUILD), str(USERSPACE), str(tmp_path), ""]
    pipe = subprocess.PIPE
    at_once = [subprocess.Popen(command, text=True, stdout=pipe, stderr=pipe) for _host in range(4)]
    answers = [(build.communicate(), build.returncode) for build in at_once]
    assert [(error, code) for (_said, error), code in answers] == [("", 0)] * 4
    bundle = tmp_path / "daemon.tar.gz"
    assert {said.splitlines()[-1] for (said, _error), _code in answers} == {str(bundle)}
    built = bundle.stat()
    assert run_program(*command[2:]).returncode == 0
    assert bundle.stat() == built


def test_other_source_is_built_anew(tmp_path: pathlib.Path) -> None:
    source = tmp_path / "userspace"
    shutil.copytree(USERSPACE, source)
    arguments = (str(source), str(tmp_path / "out"), "")
    assert run_program(*arguments).returncode == 0
    before = run_program("--id", str(source)).stdout
    with (source / "daemon/uid_memd.h").open("a") as header:
        header.write("/* another one */\n")
    assert run_program(*arguments).returncode == 0
    assert (tmp_path / "out/id").read_text() == run_program("--id", str(source)).stdout != before


def place(bundle: pathlib.Path, digest: str = "") -> str:
    """Shell code that has the device take them."""
    digest = digest or hashlib.sha256(bundle.read_bytes()).hexdigest()
    payload = f"mkdir -p /boot/in; cp {shlex.quote(str(bundle))} /boot/in/daemon.tar.gz;"
    return f"{payload} sh {DAEMON} place --payload /boot/in --payload-sum {digest}:daemon.tar.gz"


def test_programs_get_to_the_device_as_they_are(on_device: RunScript, bundle: pathlib.Path) -> None:
    """uid_memtop is in the path of users: it was in sbin, which is not."""
    done = on_device(
        f"{SETUP}{place(bundle)}; sed 1d /usr/local/lib/uid_mem/daemon | sha256sum -c;"
        "head -n 1 /usr/local/lib/uid_mem/daemon; /usr/local/sbin/uid_memd --help | head -n 1;"
        "ls -A /usr/local/sbin /usr/local/bin"
    )
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[:3] == ["changed=yes", "/usr/local/sbin/uid_memd: OK", "/usr/local/bin/uid_memtop: OK"]
    assert lines[3] == run_program("--id", str(USERSPACE)).stdout.strip()
    assert "uid_memd" in lines[4]
    assert lines[5:] == ["/usr/local/bin:", "uid_memtop", "", "/usr/local/sbin:", "uid_memd"]


def test_damaged_copy_changes_nothing(on_device: RunScript, bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    damaged = tmp_path / "daemon.tar.gz"
    damaged.write_bytes(bundle.read_bytes()[:-1])
    digest = hashlib.sha256(bundle.read_bytes()).hexdigest()
    done = on_device(f"{SETUP}{place(damaged, digest)} || echo refused; find /usr/local -type f")
    assert "run it again" in done.stdout
    assert done.stdout.splitlines()[-1] == "refused"


def test_wrong_usage_of_the_program_is_told(on_device: RunScript) -> None:
    done = on_device(f"{SETUP}sh {DAEMON} place || echo status=$?; sh {DAEMON} place --colour || echo status=$?")
    assert done.stdout.count("status=2") == 2
    assert "place needs --payload" in done.stderr
    assert "without its value: '--colour'" in done.stderr

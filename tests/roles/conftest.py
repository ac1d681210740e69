# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place where the programs of the roles can run as root without harming the machine: namespaces of their own."""

from __future__ import annotations

import atexit
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable

import pytest

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._program import join_program

ROLES = pathlib.Path(__file__).resolve().parents[2] / "roles"

PROGRAMS = pathlib.Path(tempfile.mkdtemp(prefix="device-programs-"))
atexit.register(shutil.rmtree, PROGRAMS)


def device_program(name: str) -> pathlib.Path:
    """What a device gets, as a file."""
    program = PROGRAMS / f"{name}.sh"
    program.write_text(join_program(name), encoding="utf-8")
    return program


# Takes a shell script, returns exit status and output.
RunScript = Callable[[str], "subprocess.CompletedProcess[str]"]
# Takes a role's name and variables, returns Ansible's exit status and what it said.
RunRole = Callable[..., tuple[int, str]]


def unshare() -> list[str]:
    """The prefix of a command that is root in a mount namespace of its own."""
    command = ["unshare", "--mount", "--propagation", "private"]
    return command if os.geteuid() == 0 else [*command, "--map-root-user"]


@pytest.fixture(name="device_setup")
def device_setup_fixture(tmp_path: pathlib.Path) -> str:
    """Shell code that makes the machine a device: what the programs write is on small file systems of its own.

    What is left in these directories is copied to tmp_path/after when the script ends.
    """
    if subprocess.run([*unshare(), "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip(
            "not applicable: neither root nor unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone)"
        )
    after = shlex.quote(str(tmp_path / "after"))
    return f"""
set -eu
mount -t tmpfs -o size=8m,mode=755 tmpfs /boot
mount -t tmpfs -o size=8m,mode=755 tmpfs /var/lib
mkdir -p {after}/etc-new
cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/hosts /etc/alternatives {after}/etc-new
test ! -e /etc/default || cp -a /etc/default {after}/etc-new
mount --bind {after}/etc-new /etc
mkdir -p /etc/grub.d /etc/default/grub.d /etc/systemd/system /boot/grub
leave() {{
    mkdir -p {after}/boot {after}/lib {after}/etc
    cp -r /boot/. {after}/boot; cp -r /var/lib/. {after}/lib; cp -r /etc/. {after}/etc
}}
trap leave EXIT
"""


@pytest.fixture(name="on_device")
def on_device_fixture(tmp_path: pathlib.Path, device_setup: str) -> RunScript:
    """Runs a shell script as root on a throw-away device."""

    def run(script: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*unshare(), "sh", "-c", device_setup + script],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
        )
        print(done.stdout, done.stderr)  # pytest shows it when a test fails
        return done

    return run


@pytest.fixture(name="run_role_on_device")
def run_role_on_device_fixture(tmp_path: pathlib.Path, device_setup: str) -> RunRole:
    """Runs a role of the collection against a throw-away device."""

    def run(role: str, *options: str, tasks_from: str = "main", **variables: object) -> tuple[int, str]:
        playbook = tmp_path / "play.yml"
        name = f"devfleet.uid_mem.{role}"
        import_role = {"ansible.builtin.import_role": {"name": name, "tasks_from": tasks_from}}
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            **({"roles": [name]} if tasks_from == "main" else {"tasks": [import_role]}),
        }
        collection = tmp_path / "collections/ansible_collections/devfleet/uid_mem"
        if not collection.exists():
            collection.parent.mkdir(parents=True)
            collection.symlink_to(ROLES.parent)
        playbook.write_text(json.dumps([play]), encoding="utf-8")
        command = [
            shutil.which("ansible-playbook") or "ansible-playbook",
            *options,
            "-e",
            json.dumps(variables),
            str(playbook),
        ]
        environment = os.environ | {
            "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY": "/dev/null",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            [*unshare(), "sh", "-c", device_setup + shlex.join(command)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=tmp_path,
        )
        print(done.stdout, done.stderr)
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    return run

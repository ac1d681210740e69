# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The command lines of Android's su, run by programs that take them apart. tests/adb has a su that changes the user."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.devfleet.uid_mem.plugins.become import android_su
from ansible_collections.devfleet.uid_mem.tests.unit.loading import load

WORDS_SU = '#!/bin/sh\necho "user $1"; shift\nexec "$@"\n'
OPTION_SU = '#!/bin/sh\necho "user $1"\n[ "$2" = -c ] || exit 9\nexec sh -c "$3"\n'
COMMAND = "echo \"it's\" '$HOME'; cat; exit 5"


def become(**options: Any) -> android_su.BecomeModule:
    module: Any = android_su.BecomeModule
    plugin = load(module(), android_su)
    plugin.set_options(direct=options)
    return plugin  # type: ignore[no-any-return]


def shell(executable: str | None = "/bin/sh") -> Any:
    return SimpleNamespace(ECHO="echo", COMMAND_SEP=";", executable=executable)


@pytest.mark.parametrize(("form", "program"), [("words", WORDS_SU), ("option", OPTION_SU)])
@pytest.mark.parametrize("executable", ["/bin/sh", None])
def test_command(tmp_path: Path, form: str, program: str, executable: str | None) -> None:
    (tmp_path / "my-su").write_text(program)
    (tmp_path / "my-su").chmod(0o755)
    plugin = become(become_exe=str(tmp_path / "my-su"), become_user="10070", command_form=form)
    line = plugin.build_become_command(COMMAND, shell(executable))
    done = subprocess.run(["sh", "-c", line], input="data\n", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (5, "")
    assert done.stdout == f"user 10070\n{plugin.success}\nit's $HOME\ndata\n"


def test_line() -> None:
    plugin = become()
    line = plugin.build_become_command("id", shell("/system/bin/sh"))
    assert line == f"su root /system/bin/sh -c 'echo {plugin.success} ; id'"
    plugin = become(become_flags="-x", command_form="option")
    assert plugin.build_become_command("id", shell()).startswith("su -x root -c '/bin/sh -c ")


def test_no_command() -> None:
    assert become().build_become_command("", shell()) == ""


def test_what_is_expected_of_it() -> None:
    plugin = become()
    # Not every version of ansible-core says it of its plugins.
    assert getattr(plugin, "pipelining", True)
    assert not plugin.expect_prompt()

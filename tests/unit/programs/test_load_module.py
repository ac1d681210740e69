# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a device says where the module does not load because a symbol is missing, by each kind of shell and tools."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ansible_collections.devfleet.uid_mem.tests.unit.device import Device

PART = Path(__file__).resolve().parents[3] / "device" / "uid_mem" / "module.sh"


def load(device: Device, *symbols: str, android: bool) -> str:
    log = "".join(f"[    1.0] uid_mem: Unknown symbol {symbol} (err -2)\n" for symbol in symbols)
    script = f"""
set -eu
die() {{ printf '%s\\n' "$*"; exit 1; }}
dmesg() {{ printf '%s' {shlex.quote(log)}; }}
insmod() {{ echo 'insmod: Unknown symbol in module'; return 1; }}
modprobe() {{ echo 'modprobe: ERROR: could not insert uid_mem: Unknown symbol in module'; return 1; }}
android={"yes" if android else "no"} running=6.1.0 HOME_DIR=/data/local/uid_mem
. {shlex.quote(str(PART))}
load_module
"""
    done = device.run(script)
    assert done.stderr == b""
    assert done.returncode == 1
    return done.stdout.decode()


@pytest.mark.parametrize("android", [False, True])
def test_kernel_without_the_patch(device: Device, *, android: bool) -> None:
    cases: list[tuple[str, ...]] = [("uid_mem_ops",), ("foo", "uid_mem_ops"), ()]
    for symbols in cases:
        said = load(device, *symbols, android=android)
        assert "is not patched for" in said
        assert ("run role kernel_install" in said) == (not android)
        assert ("a module of the engine scan for this kernel" in said) == android


@pytest.mark.parametrize("android", [False, True])
def test_kernel_that_does_not_export_it(device: Device, *, android: bool) -> None:
    said = load(device, "get_mm_exe_file", "for_each_kernel_tracepoint", android=android)
    assert "does not export what the module uid_mem needs: for_each_kernel_tracepoint get_mm_exe_file." in said
    assert "not patched" not in said

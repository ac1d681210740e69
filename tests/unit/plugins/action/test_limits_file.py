# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Limits files with lines that the kernel refuses, and those of an editor of Windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ansible_collections.devfleet.uid_mem.tests.unit.host import Host

PATH = "/etc/uid_mem/limits"
REFUSED = (
    f"{PATH}, line 2: max='banana' is not a size; the kernel reads bytes, a whole number with K, M, G or T, or max."
)


def test_refused_line_is_kept(host: Host) -> None:
    """It has no effect at boot, where each line counts for itself: no reason not to set other limits."""
    host.device.write_file("# mine\n5 max=banana\n6 max=1M\n")
    predicted = host.limit(check=True, uid=10070, max="100M")
    result = host.limit(uid=10070, max="100M")
    assert result == predicted
    assert result["warnings"] == [
        f"{REFUSED} At boot the kernel refuses that and takes all other lines. The file keeps it: correct or delete it,"
        " or have it deleted by 'purge: true'."
    ]
    assert host.device.read_file() == "# mine\n5 max=banana\n6 max=1M\n10070 max=100M\n"
    again = host.limit(uid=10070, max="100M")
    assert (again["changed"], again["warnings"]) == (False, result["warnings"])


def test_refused_line_is_purged(host: Host) -> None:
    host.device.write_file("# mine\n5 max=banana\n6 max=1M\n")
    items = [{"uid": 6, "max": "1M"}]
    result = host.limit(limits=items, purge=True)
    assert result["warnings"] == [f"{REFUSED} As purge is true, the file does not keep what the kernel refuses."]
    assert (result["file_changed"], host.device.read_file()) == (True, "# mine\n6 max=1M\n")
    again = host.limit(limits=items, purge=True)
    assert not again["changed"]
    assert "warnings" not in again


def test_line_that_does_not_fit_to_those_before_it(host: Host) -> None:
    """As at boot: the line itself is refused, not those around it."""
    host.device.write_file("10-20 max=1M\n15-25 max=2M\n!7\n30 max=3M\n")
    result = host.info()
    assert [row["uid"] for row in result["file_limits"]] == ["10-20", "30"]
    assert f"{PATH}, line 2: 10-20 and 15-25 overlap" in result["file_error"]
    assert "line 3: there is no limit for 7 to remove." in result["file_error"]
    assert [row["uid"] for row in result["drift"]] == ["10-20", "30"]
    host.limit(uid=5, max="1M")
    assert host.device.read_file() == "10-20 max=1M\n15-25 max=2M\n!7\n30 max=3M\n5 max=1M\n"


def test_many_refused_lines(host: Host) -> None:
    host.device.write_file("".join(f"{uid}\n" for uid in range(1, 9)))
    (warning,) = host.limit(uid=9, max="1M")["warnings"]
    assert "line 5: max= is missing for 5; and 3 more lines. At boot" in warning
    host.device.write_file("1-2 max=1M\n" + "".join(f"{uid}-{uid + 2} max=1M\n" for uid in range(2, 40)))
    assert "More than 20 lines do not fit together like this. Correct the file, or delete it." in host.refused(
        uid=100, max="1M"
    )
    assert "do not fit together" in host.info()["file_error"]


@pytest.mark.parametrize(
    ("before", "what"),
    [
        ("\ufeff10070 max=100M\n", "a byte-order mark"),
        ("# mine\r\n10070 max=100M\r\n", "CRLF line ends"),
        ("\ufeff# mine\r\n10070 max=100M\r\n", "a byte-order mark and CRLF line ends"),
    ],
)
def test_editor_of_windows(host: Host, before: str, what: str) -> None:
    """The kernel refuses such lines, so the limits would be gone after a boot."""
    host.device.write_file(before)
    problem = f"{PATH} has {what}, as from an editor of Windows, and the kernel refuses such lines."
    info = host.info()
    assert info["file_error"] == problem
    assert [row["uid"] for row in info["file_limits"]] == ["10070"]
    result = host.limit(uid=10070, max="100M")
    assert (result["file_changed"], result["warnings"]) == (True, [f"{problem} The task takes that out."])
    after = before.removeprefix("\ufeff").replace("\r", "")
    assert host.device.read_file() == after
    again = host.limit(uid=10070, max="100M")
    assert not again["changed"]
    assert "warnings" not in again


def test_editor_of_windows_and_another_limit(host: Host) -> None:
    host.device.write_file("# mine\r\n5 max=banana\r\n10070 max=100M\r\n")
    result = host.limit(uid=10070, max="200M")
    assert [warning.split(". ")[1].split(" ")[0] for warning in result["warnings"]] == ["The", "At"]
    assert host.device.read_file() == "# mine\n5 max=banana\n10070 max=200M\n"

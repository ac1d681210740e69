# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The scripts, run for real by each kind of shell and utilities, and what is made of their answers."""

from __future__ import annotations

import gzip
import os
import pwd
import re
import resource
import shlex
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._device import (
    OWN_PATH,
    Change,
    ConflictError,
    DeviceError,
    Query,
    Reading,
    embedded,
    parse_reading,
    parse_written,
    read_command,
    write_command,
)
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._limits import Uids, Vocabulary
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._program import DIRECTORY, compact_program
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._usage import Usage, usage_of
from ansible_collections.devfleet.uid_mem.plugins.plugin_utils._users import HostUsers

if TYPE_CHECKING:
    from ansible_collections.devfleet.uid_mem.tests.unit.device import Device

PATH = "/etc/uid_mem/limits"
QUERY = Query(PATH, ("limits", "stats"))
LINE = "10070 max=104857600 high=max on_high=event policy=default metric=rss grace_ms=0 mode=enforce\n"
NOBODY = 65534


def read(device: Device, query: Query = QUERY, **options: Any) -> Reading:
    done = device.run(read_command(query, str(device.root)), **options)
    assert done.stderr == b""
    return parse_reading(done.stdout.decode("utf-8", "surrogateescape"), query)


def write(device: Device, change: Change, *, before: str = ":", **options: Any) -> str | None:
    """Run the write script. I(before) are commands without single quotes for its beginning, to make it fail later.

    Unless the change says otherwise, the kernel's table is the one that was read.
    """
    if not change.kernel_sum and device.limits.exists():
        change = replace(change, kernel_sum=read(device).kernel_sum)
    command = write_command(change, str(device.root)).replace(
        "LC_ALL=C\n", f"LC_ALL=C\n{device.prelude}\n{before}\n", 1
    )
    done = device.run(command, change.data, **options)
    assert done.stderr == b""
    return parse_written(done.stdout.decode(), change, rc=done.returncode).limits_text


def as_nobody(device: Device) -> dict[str, Any]:
    """Options to run a script as an ordinary user, for whom permissions count."""
    if os.getuid():
        return {}
    for directory in [device.root, *device.root.parents]:
        if directory.stat().st_uid == os.getuid() and str(directory) not in ("/", "/tmp"):
            directory.chmod(0o755)
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def test_scripts_hold_no_single_quotes() -> None:
    assert "'" not in compact_program("read_limits") + compact_program("write_limits")


@pytest.mark.parametrize("name", ["read_limits", "write_limits"])
def test_scripts_pass_shellcheck(name: str) -> None:
    """Without its comments, as it travels: a line of a string that looks like one would be gone."""
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    script = compact_program(name)
    done = subprocess.run(
        ["shellcheck", "-s", "sh", "-S", "style", "-"], input=script, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


# --- reading


def test_read_a_device_with_limits(device: Device) -> None:
    device.load_module(LINE, stats="10070 usage=5 comm=x\n")
    device.write_file("# mine\n10070 max=100M\n")
    reading = read(device)
    assert reading.system == "Linux"
    assert reading.release == device.release
    assert reading.euid == os.geteuid()
    assert reading.ram == 4096000 * 1024
    assert reading.loaded
    assert reading.kernel_writable
    assert reading.features == {
        "abi": "1",
        "engine": "hooks",
        "policies": "highest_rss,longest_run_time,worst,youngest",
        "metrics": "rss,anon,footprint",
        "footprint": "anon,swap,pgtables",
        "on_high": "event,term,reclaim",
    }
    assert reading.policies == ("default", "highest_rss", "longest_run_time", "worst", "youngest")
    assert reading.metrics == ("rss", "anon", "footprint")
    assert reading.limits_text == LINE
    assert reading.stats_text == "10070 usage=5 comm=x\n"
    assert reading.file_state == "present"
    assert reading.file_text == "# mine\n10070 max=100M\n"
    assert reading.file_sum
    assert reading.file_writable
    reading.require_kernel()
    reading.require_file()
    reading.require_permission(kernel=True, file=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\n\n",
        "no newline",
        "5 max=1M\n\n# x",
        "end file 0\nuid_mem_end\n|bar\n",
        "#\udcff\xe9\r\n",
        "# a\\nb%s\t\n",
    ],
)
def test_read_any_file(device: Device, text: str) -> None:
    device.load_module()
    device.write_file(text)
    assert read(device).file_text == text


def test_read_through_a_terminal(device: Device) -> None:
    device.load_module(LINE)
    device.write_file("# a\r\n5 max=1M")
    output = device.run(read_command(QUERY, str(device.root))).stdout.decode()
    reading = parse_reading("Welcome!\r\n" + output.replace("\n", "\r\n") + "Bye\r\n", QUERY)
    assert reading.limits_text == LINE
    assert reading.file_text == "# a\r\n5 max=1M"
    assert reading.release == device.release


def test_read_without_a_file(device: Device) -> None:
    device.load_module()
    reading = read(device)
    assert (reading.file_state, reading.file_text, reading.file_sum) == ("absent", None, "")
    assert reading.file_writable
    reading.require_file()


def test_own_path(device: Device) -> None:
    device.load_module()
    assert read(device, Query(OWN_PATH)).path == PATH
    (device.root / "data/local").mkdir(parents=True)
    assert read(device, Query(OWN_PATH)).path == PATH
    (device.root / "system/bin").mkdir(parents=True)
    (device.root / "system/bin/sh").touch()
    reading = read(device, Query(OWN_PATH))
    assert (reading.path, reading.file_state) == ("/data/local/uid_mem/limits", "absent")
    reading.require_file()
    assert read(device, Query("/else/where")).path == "/else/where"
    assert read(device, Query("")).path == ""


def test_read_without_etc(device: Device) -> None:
    device.load_module()
    (device.root / "etc").rmdir()
    reading = read(device)
    assert not reading.file_writable
    with pytest.raises(DeviceError, match="The directory of /etc/uid_mem/limits does not exist on this host, nor does"):
        reading.require_file()


def test_read_where_the_file_is_a_directory(device: Device) -> None:
    device.load_module()
    device.file.mkdir(parents=True)
    with pytest.raises(DeviceError, match="/etc/uid_mem/limits on this host is not a regular file"):
        read(device).require_file()


def test_read_where_the_file_is_a_broken_link(device: Device) -> None:
    device.load_module()
    device.file.parent.mkdir()
    device.file.symlink_to("nowhere")
    with pytest.raises(DeviceError, match="is not a regular file"):
        read(device).require_file()


def test_read_without_permission(device: Device) -> None:
    device.load_module(LINE)
    device.write_file("")
    device.limits.chmod(0o444)
    device.file.chmod(0o600)
    device.file.parent.chmod(0o555)
    options = as_nobody(device)
    if not options:
        device.file.chmod(0)
    reading = read(device, **options)
    assert reading.limits_text == LINE
    assert not reading.kernel_writable
    assert not reading.file_writable
    with pytest.raises(DeviceError, match=r"may not read /etc/uid_mem/limits on this host\. Set 'become: true'"):
        reading.require_file()
    with pytest.raises(
        DeviceError, match=rf"^UID {reading.euid} may not change /proc/uid_mem/limits on this host\. Set 'become"
    ):
        reading.require_permission(kernel=True, file=False)
    with pytest.raises(DeviceError, match=r"may not change /etc/uid_mem/limits on this host\. Set 'become: true'"):
        reading.require_permission(kernel=False, file=True)
    reading.require_permission(kernel=False, file=False)


def test_read_where_the_directory_is_closed(device: Device) -> None:
    device.load_module()
    device.write_file("")
    device.file.parent.chmod(0o600)
    options = as_nobody(device)
    try:
        assert read(device, **options).file_state == "unreadable"
    finally:
        device.file.parent.chmod(0o755)


def test_read_where_proc_is_closed(device: Device) -> None:
    device.load_module()
    device.limits.chmod(0o000)
    reading = read(device, **as_nobody(device))
    with pytest.raises(
        DeviceError, match=r"UID [0-9]+ may not read /proc/uid_mem/limits on this host\. Set 'become: true'"
    ):
        reading.require_kernel("limits")


# --- reading what only some tasks ask for


def test_read_only_what_is_asked_for(device: Device) -> None:
    device.load_module(LINE, stats="5 usage=1\n")
    device.write_file("5 max=1M\n")
    device.add_process(5, 1000, RssAnon=1)
    reading = read(device, Query())
    assert reading.features["engine"] == "hooks"
    assert (reading.limits_text, reading.stats_text, reading.processes_text) == (None, "", "")
    assert (reading.events_text, reading.file_text, reading.users) == (None, None, HostUsers())


def test_read_users(device: Device) -> None:
    """Whom the host has; a name is no option and no command."""
    names = ("nobody", "root", "uid-mem-nobody-is-called-so", "u0_a70", "a$(id)b", "--help")
    users = read(device, Query(users=names)).users.uids
    assert users == {
        "nobody": pwd.getpwnam("nobody").pw_uid,
        "root": 0,
        "uid-mem-nobody-is-called-so": None,
        "u0_a70": None,
        "a$(id)b": None,
        "--help": None,
    }


def test_read_subordinate_uids(device: Device) -> None:
    query = Query(parts=("subordinate",))
    assert read(device, query).users == HostUsers()
    lines = [
        "root:5:1",
        "$(id):6:1",
        "",
        "# a comment",
        "7:7:2",
        "nobody:8:1",
        "uid-mem-no:9:1",
        "nobody:10:1",
        "7:1:1",
    ]
    (device.root / "etc" / "subuid").write_text("\n".join(lines))
    nobody = pwd.getpwnam("nobody").pw_uid
    assert read(device, query).users.subordinate == {
        0: (Uids(5, 5),),
        7: (Uids(7, 8), Uids(1, 1)),
        nobody: (Uids(8, 8), Uids(10, 10)),
    }
    assert read(device, Query()).users == HostUsers()


def test_read_processes(device: Device) -> None:
    device.load_module()
    device.add_process(1, 0)
    device.add_process(77, 1000, RssAnon=1024, RssFile=2048, RssShmem=0, HugetlbPages=5, VmSwap=10)
    device.add_process(123456, 1000, RssAnon=1024)
    (device.root / "proc" / "88").mkdir()  # gone while it was looked at
    reading = read(device, Query(parts=("processes",)))
    assert usage_of([], reading.processes_text)[1000] == Usage(4 << 20, (2 << 20) + 10240)


def test_read_the_processes_of_this_machine(dash_device: Device) -> None:
    """What the kernel prints is understood: this process is among them, with what it uses."""
    dash_device.load_module()
    (dash_device.root / "proc" / str(os.getpid())).symlink_to(f"/proc/{os.getpid()}")
    usage = usage_of([], read(dash_device, Query(parts=("processes",))).processes_text)
    assert usage.keys() == {os.getuid()}
    assert 8 << 20 < usage[os.getuid()].anon < usage[os.getuid()].rss < 1 << 32


@pytest.mark.parametrize(("max_entries", "evict"), [(0, True), (10, False)])
def test_read_room(device: Device, max_entries: int, evict: bool) -> None:
    device.load_module()
    device.set_room(max_entries, evict=evict)
    reading = read(device)
    assert (reading.max_entries, reading.evicts) == (max_entries, evict)


def test_read_events(device: Device) -> None:
    device.load_module()
    lines = [f'seq={seq} ts=5 event=high uid=7 comm="\\x0a%s"\n' for seq in range(3, 4099)]
    (device.proc / "events").write_text("".join(lines))
    reading = read(device, Query(parts=("events",), max_events=2))
    assert reading.events_text == lines[-2] + lines[-1]
    assert reading.events_first == lines[0].strip()
    assert reading.uptime_ns == 1000_500_000_000
    assert read(device, Query(parts=("events",), max_events=10**6)).events_text == "".join(lines)


def test_no_event_yet(device: Device) -> None:
    """The kernel's file waits for the first event; so does this pipe, whose other end is open and gives nothing."""
    device.load_module()
    os.mkfifo(device.proc / "events")
    other_end = os.open(device.proc / "events", os.O_RDWR)
    try:
        reading = read(device, Query(parts=("events",), max_events=5))
    finally:
        os.close(other_end)
    assert reading.events_text == ""
    assert reading.features["engine"] == "hooks"


def test_read_the_users_of_events(device: Device) -> None:
    """Of the newest, by getent where there is one, and the time of day."""
    device.load_module(LINE)
    uids = [4, 1000, 1001, 1000]
    (device.proc / "events").write_text(
        "".join(f"seq={seq} ts=5 event=high uid={uid} max=9\n" for seq, uid in enumerate(uids))
    )
    (device.root / "etc" / "passwd").write_text(
        "root:x:0:0::/:/bin/sh\nalice:x:1000:1::/:/bin/sh\nbob:x:1001:1::/:/bin/sh\n"
    )
    before = int(time.time())
    for text in ("exit 127", 'shift; for uid do grep ":x:$uid:" "$DEVICE/etc/passwd"; done'):
        device.set_program("getent", text)
        reading = read(device, Query(parts=("events",), max_events=3))
        assert {uid: reading.event_users.get(uid) for uid in (4, 1000, 1001)} == {4: None, 1000: "alice", 1001: "bob"}
        assert reading.clock_s is not None
        assert before <= reading.clock_s <= time.time()


def test_events_are_not_for_everybody(device: Device) -> None:
    device.load_module(LINE)
    (device.proc / "events").write_text("seq=1 ts=5 event=high uid=7\n")
    (device.proc / "events").chmod(0)
    reading = read(device, Query(parts=("limits", "events"), max_events=5), **as_nobody(device))
    assert reading.events_text is None
    reading.require_kernel("limits")
    with pytest.raises(DeviceError, match=r"may not read /proc/uid_mem/events on this host\. Set 'become: true'"):
        reading.require_kernel("limits", "events")


# --- what stands in the way


def test_module_not_loaded(device: Device) -> None:
    modules = device.root / "lib" / "modules" / device.release / "updates"
    modules.mkdir(parents=True)
    (modules / "uid_mem.ko").touch()
    with pytest.raises(
        DeviceError, match=r"installed for the running kernel .* but not loaded\. Load it with 'modprobe uid_mem'"
    ):
        read(device).require_kernel()


def test_module_not_loaded_found_by_depmod(device: Device) -> None:
    modules = device.root / "lib" / "modules" / device.release
    modules.mkdir(parents=True)
    (modules / "modules.dep").write_text("kernel/mm/x.ko:\nkernel/drivers/misc/uid_mem.ko.xz:\n")
    reading = read(device)
    assert reading.module_installed
    assert "devfleet.uid_mem.uid_mem" in why_no_kernel(reading)


def why_no_kernel(reading: Reading) -> str:
    with pytest.raises(DeviceError) as caught:
        reading.require_kernel()
    return str(caught.value)


@pytest.mark.parametrize("place", ["boot", "modules", "proc"])
def test_module_missing_for_a_patched_kernel(device: Device, place: str) -> None:
    config = b"CONFIG_MM=y\nCONFIG_UID_MEM=y\n"
    if place == "proc":
        (device.root / "proc" / "config.gz").write_bytes(gzip.compress(config))
    else:
        path = {"boot": f"boot/config-{device.release}", "modules": f"lib/modules/{device.release}/config"}[place]
        (device.root / path).parent.mkdir(parents=True)
        (device.root / path).write_bytes(config)
    message = why_no_kernel(read(device))
    assert "is built with CONFIG_UID_MEM, but the module uid_mem is not installed for it" in message
    assert "devfleet.uid_mem.uid_mem" in message


@pytest.mark.parametrize("place", ["boot", "proc"])
def test_kernel_without_the_patch(device: Device, place: str) -> None:
    config = b"CONFIG_MM=y\n# CONFIG_UID_MEM is not set\n"
    if place == "proc":
        (device.root / "proc" / "config.gz").write_bytes(gzip.compress(config))
    else:
        (device.root / "boot").mkdir()
        (device.root / "boot" / f"config-{device.release}").write_bytes(config)
    message = why_no_kernel(read(device))
    assert f"The running kernel {device.release} is not built with CONFIG_UID_MEM" in message
    assert "devfleet.uid_mem.kernel_install" in message


def test_module_missing_for_an_unknown_kernel(device: Device) -> None:
    reading = read(device)
    assert (reading.module_installed, reading.patched) == (False, "unknown")
    assert "has no /proc/uid_mem and no module uid_mem" in why_no_kernel(reading)


def test_not_linux(dash_device: Device) -> None:
    dash_device.load_module()
    assert "needs Linux, and this host runs Darwin" in why_no_kernel(replace(read(dash_device), system="Darwin"))


def test_other_abi(dash_device: Device) -> None:
    dash_device.load_module(features="abi=2 engine=hooks\n")
    assert "speaks abi=2, this collection abi=1" in why_no_kernel(read(dash_device))


def test_root_without_permission(dash_device: Device) -> None:
    dash_device.load_module()
    reading = replace(read(dash_device), euid=0, kernel_writable=False, file_writable=False)
    with pytest.raises(DeviceError, match=r"limits on this host, although it runs as root: it needs CAP_SYS_RESOURCE"):
        reading.require_permission(kernel=True, file=True)
    with pytest.raises(DeviceError, match=r"limits on this host, although it runs as root: .*read-only"):
        reading.require_permission(kernel=False, file=True)


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        (".dockerenv", "", "docker"),
        ("run/.containerenv", "", "podman"),
        ("run/systemd/container", "systemd-nspawn\n", "systemd-nspawn"),
        ("proc/1/environ", "TERM=linux\0container=lxc\0", "lxc"),
    ],
)
def test_container(device: Device, path: str, text: str, kind: str) -> None:
    """Nobody can install a module or a kernel in there."""
    assert read(device).container == ""
    (device.root / path).parent.mkdir(parents=True, exist_ok=True)
    (device.root / path).write_text(text)
    reading = read(device)
    assert reading.container == kind
    message = reading.why_not_loaded()
    assert message.startswith(
        f"This host is a container ({kind}) and has no /proc/uid_mem: its kernel is that of the machi"
    )
    assert "kernel_install" not in message
    reading = replace(reading, loaded=True, euid=0, kernel_writable=False)
    with pytest.raises(DeviceError, match=r"this host is a container .* Run it there, for the UIDs"):
        reading.require_permission(kernel=True, file=False)


@pytest.mark.parametrize(
    ("output", "stderr", "message"),
    [
        ("", "", "exit status 127): it said nothing"),
        ("", "sh: not found", "exit status 127): sh: not found"),
        ("uid_mem_read 1\nsystem=Linux\n", "", "uid_mem_read 1 / system=Linux"),
    ],
)
def test_no_whole_answer(output: str, stderr: str, message: str) -> None:
    with pytest.raises(DeviceError) as caught:
        parse_reading(output, QUERY, rc=127, stderr=stderr)
    assert message in str(caught.value)


# --- writing


def change_of(
    file_text: str | None, *lines: str, undo: list[str] | None = None, file_sum: str = "", kernel_sum: str = ""
) -> Change:
    return Change(PATH, file_sum, kernel_sum, file_text, list(lines), undo or [])


def test_write_kernel_and_new_file(device: Device) -> None:
    device.load_module()
    text = "# \udcff %s \\n '\n10070 max=100M\n"
    printed = write(device, change_of(text, "10070 max=100M", "10071 max=1M"))
    assert printed == "10070 max=100M\n10071 max=1M\n"
    assert device.limits.read_text() == printed
    assert device.read_file() == text
    assert device.files() == ["limits"]
    assert device.file.stat().st_mode & 0o777 == 0o644
    assert device.file.parent.stat().st_mode & 0o777 == 0o755


def test_write_kernel_only(device: Device) -> None:
    device.load_module()
    assert write(device, change_of(None, "10070 max=100M")) == "10070 max=100M\n"
    assert not device.file.parent.exists()


def test_write_file_only(device: Device) -> None:
    device.load_module(LINE)
    device.write_file("5 max=1M\n")
    assert write(device, change_of("", file_sum=read(device).file_sum)) is None
    assert device.read_file() == ""
    assert device.limits.read_text() == LINE


def test_write_keeps_mode_and_owner(device: Device) -> None:
    device.load_module()
    device.write_file("5 max=1M\n")
    device.file.chmod(0o640)
    if os.getuid() == 0:
        os.chown(device.file, NOBODY, NOBODY)
    before = device.file.stat()
    write(device, change_of("6 max=1M\n", file_sum=read(device).file_sum))
    after = device.file.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino


def test_write_follows_a_link(device: Device) -> None:
    device.load_module()
    device.write_file("")
    target = device.root / "etc" / "shared"
    target.write_text("5 max=1M\n")
    device.file.unlink()
    device.file.symlink_to("../shared")
    write(device, change_of("6 max=1M\n", file_sum=read(device).file_sum))
    assert device.file.is_symlink()
    assert target.read_text() == "6 max=1M\n"


def test_write_embedded_in_the_command(device: Device) -> None:
    device.load_module()
    change = change_of("# it's %d\\n\n5 max=1M\n", "5 max=1M")
    change = replace(change, kernel_sum=read(device).kernel_sum)
    command = embedded(write_command(change, str(device.root)), change.data)
    assert command is not None
    done = device.run(command)
    assert parse_written(done.stdout.decode().replace("\n", "\r\n"), change).limits_text == "5 max=1M\n"
    assert device.read_file() == "# it's %d\\n\n5 max=1M\n"


def test_large_change_does_not_fit_into_a_command() -> None:
    assert embedded("x", b"k" * 126000) is not None
    assert embedded("x", b"k" * 127000) is None


def test_quotes_count_as_often_as_they_are_quoted() -> None:
    """On the way through two shells and su, a quote becomes 161 characters."""
    data = b"# don't\n" * 700
    command = embedded("x", data)
    assert command is not None
    assert len(shlex.quote(shlex.quote(shlex.quote(command)))) < 128 * 1024
    assert embedded("x", b"# don't\n" * 800) is None


def many(count: int) -> list[str]:
    return [f"{uid} max={uid}M" for uid in range(100000, 100000 + count)]


def test_write_many(device: Device) -> None:
    device.load_module()
    lines = many(20000)
    text = "".join(f"{line}\n" for line in lines)
    assert write(device, change_of(text, *lines)) == text
    assert device.read_file() == text


@pytest.mark.parametrize("with_file", [True, False])
def test_kernel_gets_one_write(device: Device, tmp_path: Path, with_file: bool) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    device.load_module()
    lines = many(20000)
    size = sum(len(line) + 1 for line in lines)
    change = change_of("5 max=1M\n" if with_file else None, *lines)
    change = replace(change, kernel_sum=read(device).kernel_sum)
    trace = tmp_path / "trace"
    strace = f"{shutil.which('strace')} -ff -y -s 0 -e trace=write,writev,pwrite64,splice,copy_file_range -o {trace} "
    device.run(strace + write_command(change, str(device.root)), change.data)
    calls = [line for part in sorted(tmp_path.glob("trace.*")) for line in part.read_text().splitlines()]
    to_limits = [line for line in calls if re.search(rf"\(\d+<{device.limits}>", line)]
    assert [line.rpartition(" = ")[2] for line in to_limits] == [str(size)]


def refused(device: Device, change: Change, *, before: str = ":", **options: Any) -> str:
    with pytest.raises(DeviceError) as caught:
        write(device, change, before=before, **options)
    return str(caught.value)


@pytest.mark.parametrize("old", ["5 max=1M\n", None])
def test_kernel_refuses(device: Device, write_limits: Path, old: str | None) -> None:
    device.load_module(LINE)
    device.install_kernel(write_limits)
    device.set_room(1, evict=False)
    if old is not None:
        device.write_file(old)
    message = refused(device, change_of("6 max=1M\n", "6 max=1M", file_sum=read(device).file_sum))
    assert "The kernel refused the limits: " in message
    assert "No space left on device. Nothing was changed. Its table is full (module parameter max_entries)" in message
    assert "records" not in message
    assert device.limits.read_text() == LINE
    if old is None:
        assert not device.file.parent.exists()
    else:
        assert device.read_file() == old
        assert device.files() == ["limits"]


def test_kernel_refuses_without_file(device: Device, write_limits: Path) -> None:
    device.load_module(LINE)
    device.install_kernel(write_limits)
    message = refused(device, change_of(None, "!7"))
    assert "The kernel refused the limits: " in message
    assert "No such file or directory. Nothing was changed. Look at /proc/uid_mem/limits" in message


def test_older_kernel_refuses_charges(device: Device, write_limits: Path) -> None:
    device.load_module(LINE)
    device.install_kernel(write_limits)
    # What it says then, here of a line that no kernel takes.
    message = refused(device, change_of(None, "7 charge_to=7"))
    assert "Invalid argument. Nothing was changed. An older module uid_mem does not know charge_to" in message


def test_disk_full(device: Device) -> None:
    """A limit on file sizes fails the write of the new file half-way, as a full disk does."""
    device.load_module(LINE)
    device.write_file("5 max=1M\n")
    lines = many(2000)
    change = change_of("".join(f"{line}\n" for line in lines), *lines, file_sum=read(device).file_sum)

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    message = refused(device, change, preexec_fn=small_files, restore_signals=False)
    assert message.startswith("/etc/uid_mem/limits cannot be written: ")
    assert "Nothing was changed. Make room" in message
    assert device.read_file() == "5 max=1M\n"
    assert device.limits.read_text() == LINE
    assert device.files() == ["limits"]


def test_input_cut_short(device: Device) -> None:
    device.load_module(LINE)
    device.write_file("5 max=1M\n")
    change = change_of("6 max=1M\n7 max=1M\n", "6 max=1M", file_sum=read(device).file_sum)
    change = replace(change, kernel_sum=read(device).kernel_sum)
    done = device.run(write_command(change, str(device.root)), change.data[:-10])
    with pytest.raises(DeviceError, match="only part of it could be written"):
        parse_written(done.stdout.decode(), change)
    assert device.read_file() == "5 max=1M\n"
    assert device.limits.read_text() == LINE


@pytest.mark.parametrize("size", [0, 1, 3, 4, 13, 20])
def test_input_cut_short_for_the_kernel(device: Device, size: int) -> None:
    """Nothing is written, where removals without what was to come instead would be left."""
    device.load_module(LINE)
    change = change_of(None, "!5", "!6", "!7", "8 max=2G", kernel_sum=read(device).kernel_sum)
    done = device.run(write_command(change, str(device.root)), change.data[:size])
    with pytest.raises(DeviceError, match="Only a part of the limits has reached the host"):
        parse_written(done.stdout.decode(), change)
    assert device.limits.read_text() == LINE


def test_kernel_only_and_file_of_somebody_else(device: Device) -> None:
    device.load_module(LINE)
    device.write_file("5 max=1M\n")
    change = change_of(None, "6 max=1M", file_sum=read(device).file_sum)
    device.write_file("5 max=2M\n")
    with pytest.raises(ConflictError):
        write(device, change)
    assert device.limits.read_text() == LINE


@pytest.mark.parametrize("at_ln", [":", "ln() { echo no links here; return 1; }"])
def test_kernel_only_where_nobody_can_lock(device: Device, at_ln: str) -> None:
    """Neither can anybody write the file there."""
    device.load_module(LINE)
    device.limits.chmod(0o666)
    device.write_file("5 max=1M\n")
    change = change_of(None, "6 max=1M", file_sum=read(device).file_sum)
    if at_ln == ":":
        device.file.parent.chmod(0o555)
    assert write(device, change, before=at_ln, **as_nobody(device)) == "6 max=1M\n"
    assert device.files() == ["limits"]


def test_stats_after_the_write(device: Device) -> None:
    device.load_module(stats="5 usage=4096 procs=1\n")
    change = change_of(None, "5 max=1M", kernel_sum=read(device).kernel_sum)
    done = device.run(write_command(change, str(device.root)), change.data)
    assert parse_written(done.stdout.decode(), change).stats_text == "5 usage=4096 procs=1\n"


@pytest.mark.parametrize("path", ["/etc/a\\tb", "/etc/a\\nb", "/etc/a\\cb"])
def test_path_with_a_backslash(device: Device, path: str) -> None:
    device.load_module()
    assert read(device, replace(QUERY, path=path)).path == path


@pytest.mark.parametrize("link_directory", [True, False])
def test_link_is_writable_where_its_target_is(device: Device, link_directory: bool) -> None:
    device.load_module()
    device.write_file("")
    device.file.unlink()
    (device.root / "elsewhere").mkdir()
    (device.root / "elsewhere" / "limits").write_text("")
    device.file.symlink_to("../../elsewhere/limits")
    for directory in (device.file.parent, device.root / "elsewhere"):
        directory.chmod(0o777)
    (device.file.parent if link_directory else device.root / "elsewhere").chmod(0o555)
    assert read(device, **as_nobody(device)).file_writable == link_directory


def test_directory_cannot_be_made(device: Device) -> None:
    device.load_module(LINE)
    (device.root / "etc" / "uid_mem").write_text("a file")
    assert "/etc/uid_mem/limits cannot be written: mkdir: " in refused(device, change_of("6 max=1M\n", "6 max=1M"))
    assert device.limits.read_text() == LINE


def test_directory_not_writable(device: Device) -> None:
    device.load_module(LINE)
    device.limits.chmod(0o666)
    device.write_file("5 max=1M\n")
    device.file.chmod(0o666)
    file_sum = read(device).file_sum
    device.file.parent.chmod(0o555)
    message = refused(device, change_of("6 max=1M\n", "6 max=1M", file_sum=file_sum), **as_nobody(device))
    assert "ermission denied" in message
    assert device.read_file() == "5 max=1M\n"
    assert device.limits.read_text() == LINE


def test_file_changed_meanwhile(device: Device) -> None:
    device.load_module(LINE)
    device.write_file("5 max=1M\n")
    file_sum = read(device).file_sum
    device.write_file("5 max=9M\n")
    message = refused(device, change_of("6 max=1M\n", "6 max=1M", file_sum=file_sum))
    assert message.startswith("/etc/uid_mem/limits keeps being changed by another process. Nothing was changed")
    assert device.read_file() == "5 max=9M\n"
    assert device.limits.read_text() == LINE


def test_file_appeared_meanwhile(device: Device) -> None:
    device.load_module(LINE)
    device.write_file("5 max=9M\n")
    assert "keeps being changed by another process" in refused(device, change_of("6 max=1M\n", "6 max=1M"))


def test_temporary_name_is_taken(device: Device) -> None:
    """A link someone put where the new file goes is not written through; what a killed run left is removed."""
    device.load_module(LINE)
    device.write_file("")
    (device.file.parent / ".limits.uid_mem.1").write_text("left behind")
    (device.file.parent / ".limits.uid_mem.1.in").write_text("left behind")
    change = change_of("6 max=1M\n", "6 max=1M", file_sum=read(device).file_sum)
    trap = device.root / "etc" / "trap"
    write(device, change, before=f"ln -s {trap} {device.file.parent}/.limits.uid_mem.$$")
    assert not trap.exists()
    assert device.read_file() == "6 max=1M\n"
    assert device.files() == ["limits"]


def test_temporary_name_is_taken_while_it_runs(device: Device) -> None:
    device.load_module(LINE)
    device.write_file("")
    change = change_of("6 max=1M\n", "6 max=1M", file_sum=read(device).file_sum)
    trap = device.root / "etc" / "trap"
    put = f"rm() {{ ln -s {trap} {device.file.parent}/.limits.uid_mem.$$; unset -f rm; }}"
    assert "cannot be written" in refused(device, change, before=put)
    assert not trap.exists()
    assert device.limits.read_text() == LINE


def test_disk_really_full(device: Device) -> None:
    """The directory is a file system of 16 KiB; the shell sees it in a mount namespace of its own."""
    unshare = shutil.which("unshare")
    can = [unshare or "unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(device.root / "etc")]
    if unshare is None or subprocess.run(can, capture_output=True, check=False).returncode:
        pytest.skip("not applicable: unshare -rm cannot mount a tmpfs here")
    device.load_module(LINE)
    lines = many(2000)
    text = "".join(f"{line}\n" for line in lines)
    directory = device.file.parent
    directory.mkdir()
    # The old file has the size of 5 max=1M in any case, so its sum can be computed elsewhere.
    (device.root / "copy").write_text("5 max=1M\n")
    shared = (DIRECTORY / "lib" / "read_files.sh").read_text(encoding="utf-8")
    file_sum = device.run(f"{shared}sum_of {device.root}/copy").stdout.decode().strip()
    change = change_of(text, *lines, file_sum=file_sum)
    change = replace(change, kernel_sum=read(device).kernel_sum)
    mounted = (
        f"{shutil.which('mount')} -t tmpfs -o size=16k tmpfs {directory} && printf '5 max=1M\\n' >{directory}/limits;"
        f" {write_command(change, str(device.root))}; cat {directory}/limits >{device.root}/after;"
        f" ls -A {directory} >>{device.root}/after"
    )
    done = device.run(f"{unshare} -rm sh -c {shlex.quote(mounted)}", change.data)
    with pytest.raises(DeviceError) as caught:
        parse_written(done.stdout.decode(), change, rc=done.returncode)
    assert "/etc/uid_mem/limits cannot be written: " in str(caught.value)
    assert "No space left on device" in str(caught.value)
    assert "Nothing was changed. Make room" in str(caught.value)
    assert (device.root / "after").read_text() == "5 max=1M\nlimits\n"
    assert device.limits.read_text() == LINE


def test_security_context_is_kept(device: Device) -> None:
    """As files have it on SELinux and on Android; busybox and toybox of Debian are built without."""
    device.load_module()
    device.write_file("5 max=1M\n")
    context = b"u:object_r:uid_mem_file:s0"
    try:
        os.setxattr(device.file, "security.selinux", context)
    except OSError:
        pytest.skip("not applicable: this file system keeps no security contexts")
    if b":" not in device.run(f"stat -c %C {device.file}").stdout:
        pytest.skip("not applicable: this stat does not know security contexts")
    write(device, change_of("6 max=1M\n", file_sum=read(device).file_sum))
    assert device.read_file() == "6 max=1M\n"
    assert os.getxattr(device.file, "security.selinux").rstrip(b"\0") == context


def test_security_context_cannot_be_kept(dash_device: Device) -> None:
    device = dash_device
    device.load_module(LINE)
    device.write_file("5 max=1M\n")
    change = change_of("6 max=1M\n", "6 max=1M", file_sum=read(device).file_sum)
    contexts = 'stat() { echo "a:b:c $3"; }; chcon() { echo chcon: Operation not permitted >&2; return 1; }'
    assert "chcon: Operation not permitted. Nothing was changed" in refused(device, change, before=contexts)
    assert device.read_file() == "5 max=1M\n"
    assert device.files() == ["limits"]


# --- two at a time


def process_of(device: Device, command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["sh", "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=device.environment,
    )


def lock_of(pid: int, *, boot: str = "", started: str = "") -> str:
    boot = boot or Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    stat = Path(f"/proc/{pid}/stat")
    return f"{boot}.{pid}.{started or stat.read_text().rpartition(') ')[2].split()[19]}"


@pytest.mark.parametrize("state", ["same boot, process ended", "number used again", "earlier boot", "nonsense"])
def test_lock_that_was_left_is_removed(device: Device, state: str) -> None:
    device.load_module()
    device.write_file("5 max=1M\n")
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = {
        "same boot, process ended": lock_of(ended.pid, started="12345"),
        "number used again": lock_of(os.getpid(), started="12345"),
        "earlier boot": lock_of(os.getpid(), boot="0b7eff7e-0000-4000-8000-000000000000"),
        "nonsense": "x",
    }[state]
    (device.file.parent / ".limits.uid_mem.lock").symlink_to(left)
    # Of one that was killed while it removed such a lock.
    (device.file.parent / ".limits.uid_mem.lock.break").symlink_to(left)
    write(device, change_of("6 max=1M\n", file_sum=read(device).file_sum))
    assert device.read_file() == "6 max=1M\n"
    assert device.files() == ["limits"]


@pytest.mark.parametrize("kernel", [True, False])
def test_lock_is_waited_for(device: Device, kernel: bool) -> None:
    """Also where only the kernel is written, while somebody else writes kernel and file."""
    device.load_module()
    device.write_file("5 max=1M\n")
    lock = device.file.parent / ".limits.uid_mem.lock"
    if kernel:
        change = change_of(None, "6 max=1M", file_sum=read(device).file_sum, kernel_sum=read(device).kernel_sum)
    else:
        change = change_of("6 max=1M\n", file_sum=read(device).file_sum)
    holder = subprocess.Popen(["sleep", "60"])
    try:
        lock.symlink_to(lock_of(holder.pid))
        writer = process_of(device, write_command(change, str(device.root)))
        with pytest.raises(subprocess.TimeoutExpired):
            writer.communicate(change.data, timeout=1)
        assert device.read_file() == "5 max=1M\n"
        assert lock.is_symlink()
    finally:
        holder.kill()
        holder.wait()
    output, _none = writer.communicate(timeout=60)
    assert parse_written(output.decode(), change).limits_text == ("6 max=1M\n" if kernel else None)
    assert device.read_file() == (change.file_text or "5 max=1M\n")
    assert device.files() == ["limits"]


def test_lock_that_never_goes(dash_device: Device) -> None:
    device = dash_device
    device.load_module(LINE)
    device.write_file("5 max=1M\n")
    (device.file.parent / ".limits.uid_mem.lock").symlink_to(lock_of(os.getpid()))
    change = change_of("6 max=1M\n", file_sum=read(device).file_sum)
    message = refused(device, change, before=f"sleep() {{ echo 1120.00 1.00 >{device.root}/proc/uptime; }}")
    assert "/etc/uid_mem/limits has been kept locked by another run for two minutes. Nothing was changed." in message
    assert "delete /etc/uid_mem/.limits.uid_mem.lock and /etc/uid_mem/.limits.uid_mem.lock.break on the host" in message
    assert device.read_file() == "5 max=1M\n"


def terminate(device: Device, change: Change, at: str) -> int:
    """Run the write script, terminate it at the first call of that utility, which takes a second; its exit status."""
    change = replace(change, kernel_sum=read(device).kernel_sum)
    waiting = device.root / "waiting"
    slow = f'fsync() {{ return 1; }}; {at}() {{ : >{waiting}; sleep 1; unset -f {at}; {at} "$@"; }}'
    command = write_command(change, str(device.root)).replace("LC_ALL=C\n", f"LC_ALL=C\n{slow}\n", 1)
    writer = process_of(device, f"exec {command}")
    assert writer.stdin
    writer.stdin.write(change.data)
    writer.stdin.close()
    for _tenth in range(300):
        if waiting.exists():
            break
        time.sleep(0.1)
    assert len(device.files()) == 4
    writer.terminate()
    assert writer.stdout
    writer.stdout.close()
    return writer.wait(timeout=60)


def test_terminated_writer_leaves_nothing(device: Device) -> None:
    """As when the connection is lost while it waits for the disk."""
    device.load_module(LINE)
    device.write_file("5 max=1M\n")
    change = change_of("6 max=1M\n", "6 max=1M", file_sum=read(device).file_sum)
    assert terminate(device, change, "sync") == 1
    assert device.files() == ["limits"]
    assert device.read_file() == "5 max=1M\n"
    assert device.limits.read_text() == LINE


def test_terminated_writer_finishes_what_it_has_begun(device: Device) -> None:
    """Once the kernel has the limits the file gets them, too."""
    device.load_module(LINE)
    device.write_file("5 max=1M\n")
    change = change_of("6 max=1M\n", "6 max=1M", file_sum=read(device).file_sum)
    terminate(device, change, "mv")
    assert device.files() == ["limits"]
    assert device.read_file() == "6 max=1M\n"
    assert device.limits.read_text() == "6 max=1M\n"


def test_kernel_changed_meanwhile(device: Device) -> None:
    device.load_module(LINE)
    device.write_file("5 max=1M\n")
    before = read(device)
    device.limits.write_text("")
    change = change_of("6 max=1M\n", "6 max=1M", file_sum=before.file_sum, kernel_sum=before.kernel_sum)
    with pytest.raises(ConflictError, match=r"^/proc/uid_mem/limits keeps being changed by another process"):
        write(device, change)
    assert device.limits.read_text() == ""
    assert device.read_file() == "5 max=1M\n"
    assert device.files() == ["limits"]


def test_kernel_changed_at_the_last_moment(device: Device, write_limits: Path) -> None:
    """The kernel refuses what was planned for another table: that is no fault of the task."""
    device.load_module(LINE)
    device.install_kernel(write_limits)
    change = change_of(None, "!10070", kernel_sum=read(device).kernel_sum)
    faster = f'sed() {{ : >{device.limits}; unset -f sed; sed "$@"; }}'
    with pytest.raises(ConflictError):
        write(device, change, before=faster)


def test_rename_fails_and_the_kernel_is_put_back(device: Device) -> None:
    device.load_module(LINE)
    device.write_file("5 max=1M\n")
    change = change_of("6 max=1M\n", "6 max=1M", undo=["!6"], file_sum=read(device).file_sum)
    message = refused(device, change, before="mv() { echo mv: Input/output error >&2; return 1; }")
    assert "cannot be written: mv: Input/output error. Nothing was changed." in message
    assert device.limits.read_text() == "!6\n"
    assert device.read_file() == "5 max=1M\n"
    assert device.files() == ["limits"]


def test_rename_fails_and_the_kernel_cannot_be_put_back(device: Device) -> None:
    device.load_module(LINE)
    device.write_file("5 max=1M\n")
    change = change_of("6 max=1M\n", "6 max=1M", undo=["!6"], file_sum=read(device).file_sum)
    failing = f"mv() {{ ln -sf /dev/full {device.limits}; echo mv: Input/output error >&2; return 1; }}"
    message = refused(device, change, before=failing)
    assert "The kernel took the limits, but /etc/uid_mem/limits could not be put in place" in message
    assert "mv: Input/output error" in message
    assert "No space left on device" in message


def test_rename_fails_with_nothing_for_the_kernel(device: Device) -> None:
    device.load_module(LINE)
    device.write_file("5 max=1M\n")
    change = change_of("6 max=1M\n", file_sum=read(device).file_sum)
    assert "cannot be written" in refused(device, change, before="mv() { return 1; }")
    assert device.limits.read_text() == LINE


def test_interrupted_answer() -> None:
    with pytest.raises(
        DeviceError, match=r"did not finish the write script \(exit status 255\).*run the task again: .* / lost"
    ):
        parse_written("uid_mem_write 1\n", change_of(None, "5 max=1M"), rc=255, stderr="lost\n")


def test_kernel_wants_capability() -> None:
    output = (
        "uid_mem_write 1\nfailed=kernel\nbegin message\n|dd: x: Operation not permitted\n\nend message 0\nuid_mem_end\n"
    )
    with pytest.raises(DeviceError, match=r"wants CAP_SYS_RESOURCE .* 'become: true'"):
        parse_written(output, change_of(None, "5 max=1M"))


@pytest.mark.parametrize("words", ["Operation not supported", "Not supported"], ids=["glibc", "musl"])
def test_kernel_counts_no_footprint(words: str) -> None:
    output = f"uid_mem_write 1\nfailed=kernel\nbegin message\n|dd: x: {words}\n\nend message 0\nuid_mem_end\n"
    change = replace(change_of(None, "5 max=1M metric=footprint"), names=Vocabulary(module_version="0.2.0"))
    with pytest.raises(DeviceError) as caught:
        parse_written(output, change)
    assert str(caught.value) == (
        f"The kernel refused the limits: dd: x: {words}. Nothing was changed. metric=footprint is not counted by the"
        " module uid_mem 0.2.0 of this host: the module is older than this collection, or the kernel has no kprobes"
        " (CONFIG_KPROBES); bring the module to the version of this collection with the role"
        " devfleet.uid_mem.uid_mem, or, on a kernel without kprobes, use the metric anon."
    )
    with pytest.raises(DeviceError, match=r"Look at /proc/uid_mem/limits"):
        parse_written(output, change_of(None, "5 max=1M"))

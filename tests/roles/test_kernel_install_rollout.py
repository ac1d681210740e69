# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a rollout safe: locks, room, the memory of what failed, the proof. The program runs for real, as root in
namespaces of its own; what needs a boot is shown by the molecule scenarios.
"""

from __future__ import annotations

import pathlib
import shlex
import sys

import pytest

from ansible_collections.devfleet.uid_mem.tests.roles.conftest import PROGRAMS, RunScript, device_program
from ansible_collections.devfleet.uid_mem.tests.roles.test_kernel_install import (
    NEW,
    RUNNING,
    menu,
    needs_grub,
    values,
    write_menu,
)

PROGRAM = device_program("kernel_install")
SH = f"sh {shlex.quote(str(PROGRAM))}"
STATE = "/var/lib/uid_mem/kernel_install"
SAVED = "${saved_entry}"
TRIAL = f"{SH} trial --release {NEW} --owner me --lease-seconds 9999999"
# Stands for grub-mkconfig, which wants a disk: the menu stays what it is.
MKCONFIG = """\
cat >/boot/mkconfig <<'END'
#!/bin/sh
cp /boot/grub/grub.cfg "$2"
END
chmod +x /boot/mkconfig; mount --bind /boot/mkconfig "$(PATH=/usr/sbin:$PATH command -v grub-mkconfig)"
"""
BOTH = (
    write_menu(menu(NEW, RUNNING, default=SAVED)) + f": > /boot/vmlinuz-{NEW}; : >/boot/vmlinuz-{RUNNING}\n" + MKCONFIG
)
PREFLIGHT = f"{SH} preflight --release {NEW} --key k1 --image-sum s1"


def records(**numbers: int) -> str:
    """Shell code for kernels of the role, in order of installation."""
    code = f"mkdir -p {STATE}/kernels\n"
    for name, number in numbers.items():
        release = name.replace("_", ".")
        code += f"printf 'key=k\\nnumber={number}\\n' > {STATE}/kernels/{release}\n"
    return code


# ---- two controllers --------------------------------------------------------------------------------------------


@needs_grub
def test_second_controller_is_told_who_is_at_work(on_device: RunScript) -> None:
    done = on_device(
        f"{BOTH}{TRIAL} >/dev/null; {SH} survey | grep ^lock; {SH} disarm --release {NEW} --owner other || echo rc=$?"
    )
    said = values(done.stdout)
    assert said["lock_owner"] == "me"
    assert int(said["lock_age_seconds"]) < 30
    assert said["locked_by"] == "me"
    assert "rc=7" in done.stdout
    for part in ("at work on this device: me, since 20", "seconds from now unless it goes on", "/var/lib/uid_mem/lock"):
        assert part in said["error"]


@needs_grub
def test_lock_ends_with_the_rollout(on_device: RunScript) -> None:
    done = on_device(
        f"{BOTH}{TRIAL} >/dev/null; {SH} disarm --release {NEW} --owner me; {SH} survey | grep ^lock_owner"
    )
    assert values(done.stdout)["lock_owner"] == ""


@needs_grub
@pytest.mark.parametrize(
    ("change", "free"),
    [
        ("", False),
        # Another boot: measured from there, so that a clock that jumps does not matter.
        ("s/^boot_id=.*/boot_id=another/", False),
        ("s/^boot_id=.*/boot_id=another/; s/^lease=.*/lease=1/", True),
        ("s/^lease=.*/lease=0/", True),
        ("s/^lease=.*/lease=0/; s/^process=.*/process=1:'$(cut -d ' ' -f 22 /proc/1/stat)'/", False),
    ],
)
def test_lock_ends_with_its_lease(on_device: RunScript, change: str, free: bool) -> None:
    done = on_device(
        f"{BOTH}{TRIAL} >/dev/null; sed -i '{change}' /var/lib/uid_mem/lock;"
        f"{SH} disarm --release {NEW} --owner other >/dev/null || echo rc=$?"
    )
    assert ("rc=7" not in done.stdout) == free


@needs_grub
def test_dead_run_is_succeeded_at_once(on_device: RunScript) -> None:
    done = on_device(f"{BOTH}{TRIAL} >/dev/null; {SH} disarm --release {NEW} --owner next --take-over me")
    assert done.returncode == 0


# ---- dpkg ---------------------------------------------------------------------------------------------------------

HOLD_LOCK = """\
mkdir -p /var/lib/dpkg
{python} -c '
import fcntl, time
lock = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep({seconds})' >/boot/holds &
until [ -s /boot/holds ]; do sleep 0.1; done
"""


def package_of(release: str) -> str:
    """Shell code for a dpkg that knows a kernel package."""
    name = f"linux-image-{release}".lower()
    return (
        "mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /var/lib/dpkg/triggers; touch /var/lib/dpkg/available\n"
        f"printf 'Package: {name}\\nStatus: install ok installed\\nMaintainer: x\\nArchitecture: all\\nVersion: 1\\n"
        f"Description: x\\n\\n' >>/var/lib/dpkg/status; echo /boot/vmlinuz-{release} >/var/lib/dpkg/info/{name}.list\n"
    )


def test_dpkg_lock_is_waited_for(on_device: RunScript) -> None:
    """A lock by fcntl, as dpkg and apt take it."""
    abandon = (
        f"{MKCONFIG}{write_menu(menu(RUNNING))} mkdir -p {STATE}/kernels\n"
        f"printf 'package=no-such\\n' >{STATE}/kernels/{NEW}\n"
        f"{SH} abandon --release {NEW} --lock-timeout"
    )
    held = HOLD_LOCK.format(python=sys.executable, seconds=20)
    done = on_device(f"{held}{abandon} 2 || echo rc=$?; kill %1")
    assert "rc=1" in done.stdout
    assert "dpkg has been kept locked for 2 seconds, now by process" in done.stdout
    assert "(python" in done.stdout
    assert "kernel_install_lock_timeout" in done.stdout


def test_dpkg_goes_on_when_the_lock_is_free(on_device: RunScript) -> None:
    held = HOLD_LOCK.format(python=sys.executable, seconds=3)
    done = on_device(
        f"{package_of(NEW)}{held}{write_menu(menu(RUNNING))} mkdir -p {STATE}/kernels\n"
        f"printf 'package=linux-image-{NEW}\\n' >{STATE}/kernels/{NEW}\n"
        f"{SH} abandon --release {NEW} --lock-timeout 60 || cat {STATE}/log; cat /var/lib/dpkg/status"
    )
    assert values(done.stdout)["abandoned"] == NEW
    assert "installed" not in done.stdout.split("abandoned=")[1]


@needs_grub
def test_kernel_to_return_to_is_held(on_device: RunScript) -> None:
    status = f"grep -A1 '^Package: linux-image-{RUNNING.lower()}$' /var/lib/dpkg/status | tail -n 1"
    done = on_device(
        f"{BOTH}{package_of(RUNNING)}{TRIAL} >/dev/null; {status}; cat {STATE}/held;"
        f"{SH} abandon --release {NEW} --owner me; {status}"
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "Status: hold ok installed"
    assert lines[1] == f"linux-image-{RUNNING}".lower()
    assert lines[-1] == "Status: install ok installed"


@needs_grub
def test_hold_of_somebody_else_stays(on_device: RunScript) -> None:
    status = f"grep -A1 '^Package: linux-image-{RUNNING.lower()}$' /var/lib/dpkg/status | tail -n 1"
    done = on_device(
        f"{BOTH}{package_of(RUNNING)} sed -i 's/install ok/hold ok/' /var/lib/dpkg/status; {TRIAL} >/dev/null;"
        f"test ! -e {STATE}/held; {SH} abandon --release {NEW} --owner me; {status}"
    )
    assert done.stdout.splitlines()[-1] == "Status: hold ok installed"


def test_oldest_goes_first_whatever_the_clock_says(on_device: RunScript) -> None:
    done = on_device(
        records(**{"6_1_3-c": 1, "6_1_1-a": 2, "6_1_2-b": 3})
        + f"touch -d 2037-01-01 {STATE}/kernels/6.1.3-c; {write_menu(menu(RUNNING))} {SH} prune --keep 2 || true;"
        f"{SH} survey | grep ^kernels="
    )
    assert "6.1.3-c" not in values(done.stdout)["kernels"]
    assert values(done.stdout)["kernels"].split()[0].startswith("6.1.2-b:k:")


# ---- what is refused ------------------------------------------------------------------------------------------------


@needs_grub
@pytest.mark.parametrize("quotes", ["'", '"'])
def test_menu_that_grub_mkconfig_did_not_make_is_left_alone(
    on_device: RunScript, tmp_path: pathlib.Path, quotes: str
) -> None:
    text = f"set default=0\nmenuentry {quotes}Appliance A{quotes} {{\n  linux /vmlinuz-{RUNNING} root=/dev/sda2\n}}\n"
    done = on_device(
        write_menu(text)
        + f": > /boot/vmlinuz-{NEW}; {PREFLIGHT} || echo rc=$?; {SH} trial --release {NEW} || echo rc=$?;"
        f"{SH} survey | tail -n 2"
    )
    assert done.stdout.count("rc=1") == 2
    assert "was not made by grub-mkconfig (RAUC, Mender and appliances bring their own" in done.stdout
    assert "update-grub" not in done.stdout
    assert values(done.stdout)["can_install"] == "no"
    after = tmp_path / "after"
    assert (after / "boot/grub/grub.cfg").read_text(encoding="utf-8") == text
    assert not list(after.rglob("*42_uid_mem")) + list(after.rglob("zz_uid_mem.cfg"))


@needs_grub
def test_every_file_system_is_looked_at(on_device: RunScript) -> None:
    done = on_device(
        "mkdir /boot/r /boot/t; mount -t tmpfs -o size=1m tmpfs /boot/r; mount -t tmpfs -o nr_inodes=8 tmpfs /var/lib\n"
        + write_menu(menu(RUNNING))
        + f"{PREFLIGHT} --payload-bytes 90000000 --boot-bytes 29360128 --remote-tmp /boot/r/new || true"
    )
    error = values(done.stdout)["error"]
    assert "/boot has 7 MiB free, 60 MiB are needed" in error
    assert "/boot/r/new has 1 MiB free, 86 MiB are needed: remove what is not needed there" in error
    assert "/var/lib has 7 inodes free, 100 are needed" in error


@needs_grub
def test_kernel_to_return_to_is_gone(on_device: RunScript) -> None:
    done = on_device(f"{BOTH}: >/boot/vmlinuz-6.1.0-9; {SH} trial --release 5.9.9-gone || echo rc=$?")
    assert "rc=1" in done.stdout
    assert f"5.9.9-gone is not installed any more; there are: {NEW} 6.1.0-9. Set" in done.stdout
    assert f"the newest: {NEW}" in done.stdout


# ---- what failed --------------------------------------------------------------------------------------------------

FAILED = (
    f"{BOTH}mkdir -p {STATE}/kernels /lib/modules\n"
    f"printf 'key=k1\\nimage_sum=s1\\nnumber=1\\n' >{STATE}/kernels/{NEW}\n{TRIAL} >/dev/null\n"
    f"sed -i s/^trial_boot_id=.*/trial_boot_id=before/ {STATE}/state\n"
)
ABANDON = f"{SH} abandon --release {NEW} --owner me --cause 'it panicked'\n"


@needs_grub
@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ("", True),
        ("--retry-failed yes", False),
        ("--key k2", False),
        ("--image-sum s2", False),
    ],
)
def test_kernel_that_failed_is_not_tried_again(on_device: RunScript, options: str, refused: bool) -> None:
    done = on_device(
        f"{FAILED}{ABANDON}{PREFLIGHT} {options} --owner me || true\n{SH} survey | grep -e ^failed -e ^last"
    )
    assert ("this kernel failed its trial on this device before (at 20" in done.stdout) == refused
    assert ("it panicked" in done.stdout) == refused
    said = values(done.stdout)
    assert said["failed"] == f"{NEW}:k1"
    assert said["last_rollout"].split()[1:] == ["failed", NEW]


@needs_grub
def test_what_was_never_booted_has_not_failed(on_device: RunScript) -> None:
    done = on_device(
        f"{FAILED}sed -i s/^trial_boot_id=.*/trial_boot_id=$(cat /proc/sys/kernel/random/boot_id)/ {STATE}/state\n"
        f"{ABANDON}{SH} survey | grep ^failed"
    )
    assert values(done.stdout)["failed"] == ""


@needs_grub
def test_staged_kernel_that_fell_back_has_failed(on_device: RunScript) -> None:
    """Without a controller nobody abandons it."""
    done = on_device(
        f"{FAILED}sed -i s/^trial_staged=.*/trial_staged=yes/ {STATE}/state; {SH} survey | grep -e ^failed -e ^last;"
        f"{PREFLIGHT} --owner me || true"
    )
    said = values(done.stdout)
    assert said["failed"] == f"{NEW}:k1"
    assert said["last_rollout"].split()[1:] == ["failed", NEW]
    assert "which was staged, ended on the kernel it was to replace" in said["error"]


# ---- windows --------------------------------------------------------------------------------------------------------


@needs_grub
def test_staged_kernel_waits_for_the_next_reboot(on_device: RunScript) -> None:
    done = on_device(f"{BOTH}{TRIAL} --reboot staged --health-check 'test -e \"/x y\"'; {SH} survey; cat {STATE}/trial")
    said = values(done.stdout)
    assert (said["reboot_required"], said["next_entry"], said["lock_owner"]) == ("yes", "uid_mem-trial", "")
    assert said["last_rollout"].split()[1:] == ["staged", NEW]
    assert said["health_check"] == 'test -e "/x y"'
    assert said["reboot"] == "staged"


@needs_grub
@pytest.mark.parametrize(("reboot", "action"), [("staged", "none"), ("now", "trial"), ("forbidden", "none")])
def test_plan_for_a_kernel_that_waits(on_device: RunScript, reboot: str, action: str) -> None:
    done = on_device(
        "mkdir -p /boot/m; mount --bind /boot/m /lib/modules 2>/dev/null || mkdir -p /lib/modules\n"
        f"mount -t tmpfs tmpfs /lib/modules; mkdir -p /lib/modules/{NEW}; : >/lib/modules/{NEW}/modules.dep\n"
        f"{BOTH}mkdir -p {STATE}/kernels; printf 'key=k1\\nimage_sum=s1\\n' >{STATE}/kernels/{NEW}\n"
        f"{TRIAL} --reboot staged >/dev/null; {PREFLIGHT} --reboot {reboot} || true"
    )
    # grub-probe does not know a tmpfs, which matters only where there is something to do.
    seen = values(done.stdout).get("action", "trial")
    assert seen == action


# ---- the proof ------------------------------------------------------------------------------------------------------


def proof(before: str, options: str = "") -> str:
    """Shell code: the running kernel proves itself, with files in place of the module's."""
    text = PROGRAM.read_text(encoding="utf-8").replace("/proc/uid_mem/", "/boot/proc_")
    program = PROGRAMS / "proof.sh"
    program.write_text(text, encoding="utf-8")
    return (
        f"{write_menu(menu(RUNNING, default=SAVED))} : >/boot/vmlinuz-{RUNNING}; mkdir -p {STATE}\n"
        f"printf %s {shlex.quote(before)} >{STATE}/before\n"
        ": >/boot/proc_limits; echo engine=hooks >/boot/proc_features\n"
        f"sh {program} prove --release {RUNNING} --settle-seconds 1 {options} || echo rc=$?; ls {STATE}\n"
    )


@needs_grub
def test_proof_commits(on_device: RunScript) -> None:
    done = on_device(proof("", "--health-check 'test -d /etc'") + f"{SH} survey | grep -e ^status -e ^settled -e ^last")
    said = values(done.stdout)
    assert said["committed"] == RUNNING
    assert (said["status"], said["settled"]) == ("committed", "yes")
    assert said["last_rollout"].split()[1:] == ["committed", RUNNING]


@needs_grub
@pytest.mark.parametrize(
    ("before", "options", "message"),
    [
        ("gateway=198.51.100.1\n", "", "there is no default route by 198.51.100.1, as there was"),
        ("gateway=198.51.100.1\n", "--expect any", "there is no default route by 198.51.100.1, as there was"),
        ("address=198.51.100.7\n", "", "the device has not got its address 198.51.100.7"),
        (
            "module=r8169\nmodule=no_such\n",
            "--allow-missing r8169",
            "drivers that were in use are not loaded: no_such (",
        ),
        ("", "--health-check 'echo the database is down; exit 3'", "ended with status 3: the database is down"),
        ("", "--health-check 'echo almost; sleep 9' --health-seconds 1", "took longer than 1 seconds: almost"),
    ],
)
def test_proof_names_what_is_wrong(on_device: RunScript, before: str, options: str, message: str) -> None:
    done = on_device(proof(before, options))
    assert "rc=4" in done.stdout
    assert message in values(done.stdout)["error"]
    # What it is compared with is there for the next attempt.
    assert "before" in done.stdout.splitlines()


@needs_grub
def test_proof_waits_for_services(on_device: RunScript) -> None:
    check = "test -e /boot/up || { : >/boot/up; exit 1; }"
    done = on_device(proof("", f"--health-check '{check}' --settle-seconds 20"))
    assert values(done.stdout)["committed"] == RUNNING


@needs_grub
def test_proof_before_the_reboot_is_asked_for_again(on_device: RunScript) -> None:
    done = on_device(f"{SH} prove --release {NEW} --not-boot $(cat /proc/sys/kernel/random/boot_id) || echo rc=$?")
    assert "rc=8" in done.stdout


# ---- the watchdog ---------------------------------------------------------------------------------------------------


@needs_grub
@pytest.mark.parametrize("has_driver", [True, False])
def test_watchdog_is_started_before_a_kernel_that_has_its_driver(
    on_device: RunScript, tmp_path: pathlib.Path, has_driver: bool
) -> None:
    for name in ("sys/bus/pci/drivers/i6300ESB timer/0000:00:05.0", "modules"):
        (tmp_path / name).mkdir(parents=True)
    driver = "kernel/drivers/watchdog/i6300esb.ko: \n" if has_driver else ""
    (tmp_path / "modules/modules.dep").write_text(driver, encoding="utf-8")
    text = PROGRAM.read_text(encoding="utf-8").replace("/sys/bus/pci", f"{tmp_path}/sys/bus/pci")
    program = tmp_path / "program.sh"
    program.write_text(text.replace("/lib/modules/$1/", f"{tmp_path}/modules/"), encoding="utf-8")
    done = on_device(
        f"{BOTH}mkdir /boot/grub/i386-pc; for m in setpci memrw regexp; do : >/boot/grub/i386-pc/$m.mod; done\n"
        f"sh {program} trial --release {NEW} --trial-seconds 300; grub-script-check /boot/grub/uid_mem.cfg"
    )
    assert done.returncode == 0
    entry = (tmp_path / "after/boot/grub/uid_mem.cfg").read_text(encoding="utf-8")
    # 300 s in two stages of 1/1024 s
    assert ("write_dword 0x${esb}0 0x25800\n" in entry) == has_driver
    assert entry.index("menuentry") < entry.index("linux")
    if has_driver:
        assert entry.index("menuentry") < entry.index("setpci -d 8086:25ab 68.b=2") < entry.index("linux\t")

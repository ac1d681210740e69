# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a device says of the parts of its kernel that are in use, by each kind of shell and utilities."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from ansible_collections.devfleet.uid_mem.tests.unit.device import Device

PART = Path(__file__).resolve().parents[3] / "device" / "kernel_install" / "in_use.sh"
RELEASE = "6.1.0-50-amd64"


def survey(device: Device) -> dict[str, str]:
    """The keys and values that the part says."""
    script = f"""
set -eu
say() {{ printf '%s\\n' "$*"; }}
running={RELEASE}
device_root={shlex.quote(str(device.root))}
. {shlex.quote(str(PART))}
say_in_use
"""
    done = device.run(script)
    assert done.stderr == b""
    assert done.returncode == 0
    return dict(line.split("=", 1) for line in done.stdout.decode().splitlines())


def write(device: Device, path: str, text: str = "") -> Path:
    file = device.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def bind(device: Device, bus: str, driver: str, module: str | None = None) -> None:
    """A device on that bus that has that driver."""
    place = device.root / "sys/devices" / bus / "device0"
    place.mkdir(parents=True, exist_ok=True)
    directory = device.root / "sys/bus" / bus / "drivers" / driver
    directory.mkdir(parents=True)
    (directory / "device0").symlink_to(place)
    (place / "driver").symlink_to(directory)
    for file in ("bind", "uevent"):
        (directory / file).write_text("")
    if module is not None:
        (device.root / "sys/module" / module / "drivers").mkdir(parents=True)
        (directory / "module").symlink_to(f"../../../../module/{module}")


@pytest.fixture(name="mounts", autouse=True)
def mounts_fixture(device: Device) -> None:
    write(device, "proc/mounts", "proc /proc proc rw 0 0\n/dev/vda1 / ext4 rw 0 0\n/dev/vda2 /srv ext4 rw 0 0\n")


def test_a_device_that_tells_nothing(device: Device) -> None:
    assert survey(device) == {
        "modules": "",
        "module_uses": "",
        "drivers": "",
        "filesystems": "ext4 proc",
        "lsm": "",
        "dkms": "",
        "dkms_modules": "",
        "netfilter": "",
    }


def test_how_modules_are_used(device: Device) -> None:
    write(
        device,
        f"lib/modules/{RELEASE}/modules.alias",
        "alias cpu:type:x86,ven*fam*mod*:feature:*0094* crc32c_intel\n"
        "alias cpu:type:x86,ven*fam*mod*:feature:*0085* kvm_intel\n"
        "alias pci:v00001234d*sv*sd*bc*sc*i* bochs-drm\n"
        "alias devname:net/tun tun\n"
        "alias rtnl-link-tun tun\n",
    )
    write(
        device,
        "proc/modules",
        "nft_ct 24576 3 - Live 0x0\n"
        "nf_tables 290816 61 nft_ct,nft_compat, Live 0x0\n"
        "nfnetlink 20480 2 nf_tables,nft_compat, Live 0x0\n"
        "crc32c_intel 24576 2 - Live 0x0\n"
        "kvm_intel 380928 0 - Live 0x0\n"
        "bochs_drm 20480 0 - Live 0x0\n"
        "tun 61440 0 - Live 0x0\n"
        "old 16384 - - Live 0x0\n"
        "stays 16384 1 [permanent], Live 0x0\n",
    )
    said = survey(device)
    assert said["modules"] == "nft_ct nf_tables nfnetlink crc32c_intel kvm_intel bochs_drm tun old stays"
    assert said["module_uses"].split() == [
        "nft_ct:used",
        "nf_tables:used",
        "nfnetlink:held",
        "crc32c_intel:cpu",
        "kvm_intel:used",
        "bochs_drm:hardware",
        "tun:loaded",
        "old:used",
        "stays:used",
    ]


def test_drivers_that_have_a_device(device: Device) -> None:
    write(
        device,
        f"lib/modules/{RELEASE}/modules.builtin",
        "kernel/drivers/tty/serial/8250/8250.ko\nkernel/a/rtc-cmos.ko\n",
    )
    bind(device, "virtio", "virtio_net", "virtio_net")
    bind(device, "hid", "hid-generic", "hid_generic")
    bind(device, "pnp", "rtc_cmos")
    bind(device, "pci_express", "pcieport")
    (device.root / "sys/bus/pci/drivers/e1000e").mkdir(parents=True)
    assert survey(device)["drivers"] == "hid_generic rtc_cmos virtio_net"


def test_active_security_modules(device: Device) -> None:
    write(device, "sys/kernel/security/lsm", "lockdown,capability,apparmor")
    assert survey(device)["lsm"] == "lockdown capability apparmor"


def test_security_modules_without_securityfs(device: Device) -> None:
    write(device, "sys/module/apparmor/parameters/enabled", "Y\n")
    write(device, "sys/fs/selinux/enforce", "1")
    assert survey(device)["lsm"] == "apparmor selinux"


def test_what_dkms_has_for_the_running_kernel(device: Device) -> None:
    for release in (RELEASE, "5.10.0-30-amd64"):
        write(device, f"var/lib/dkms/zfs/2.1.11/{release}/x86_64/module/zfs.ko")
        write(device, f"var/lib/dkms/zfs/2.1.11/{release}/x86_64/module/zfs-crypto.ko.xz")
        (device.root / f"var/lib/dkms/zfs/kernel-{release}-x86_64").symlink_to(f"2.1.11/{release}/x86_64")
    write(device, "var/lib/dkms/old/1/5.10.0-30-amd64/x86_64/module/old.ko")
    (device.root / "var/lib/dkms/old/kernel-5.10.0-30-amd64-x86_64").symlink_to("1/5.10.0-30-amd64/x86_64")
    said = survey(device)
    assert said["dkms"] == "zfs/2.1.11"
    assert sorted(said["dkms_modules"].split()) == ["zfs", "zfs_crypto"]


def test_tables_of_the_packet_filter(device: Device) -> None:
    write(device, "proc/net/ip_tables_names", "filter\nnat\n")
    write(device, "proc/net/ip6_tables_names")
    assert survey(device)["netfilter"] == "ip_tables"

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a device uses and a kernel does not have: the filter, from artifacts on the disk to sentences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.devfleet.uid_mem.plugins.filter import kernel_gaps as plugin
from ansible_collections.devfleet.uid_mem.plugins.filter.kernel_gaps import FilterModule

MODULES = """\
ext2 builtin
ext4 builtin
nf_tables module
overlay module
rtc_cmos builtin
uid_mem module
virtio_net builtin
"""
CONFIG = """\
# CONFIG_FUSE_FS is not set
CONFIG_BPF_SYSCALL=y
CONFIG_CGROUPS=y
CONFIG_DEVTMPFS=y
CONFIG_LSM="landlock,lockdown,yama,apparmor,bpf"
CONFIG_NF_TABLES=m
CONFIG_NR_CPUS=64
CONFIG_PROC_FS=y
CONFIG_SHMEM=y
CONFIG_SYSFS=y
"""
# A device that loses nothing.
AT_HOME = {
    "modules": "nf_tables overlay",
    "module_uses": "nf_tables:used overlay:loaded",
    "drivers": "rtc_cmos virtio_net",
    "filesystems": "cgroup2 devtmpfs ext4 proc sysfs tmpfs",
    "lsm": "lockdown,capability,yama,apparmor",
    "dkms": "",
}


@pytest.fixture(name="artifacts")
def artifacts_fixture(tmp_path: Path) -> Path:
    artifacts = tmp_path / "6.1-0123456789ab"
    artifacts.mkdir()
    lsm = ["capability", "lockdown", "yama", "apparmor", "selinux"]
    (artifacts / "manifest.json").write_text(json.dumps({"modules": "modules.list", "lsm": lsm}))
    (artifacts / "modules.list").write_text(MODULES)
    (artifacts / "config").write_text(CONFIG)
    return artifacts


def gaps(artifacts: Path, survey: dict[str, str], **options: Any) -> list[str]:
    found: list[str] = FilterModule().filters()["kernel_gaps"]({**AT_HOME, **survey}, str(artifacts), **options)
    return found


def test_nothing_is_missing(artifacts: Path) -> None:
    assert gaps(artifacts, {}) == []
    assert gaps(artifacts, {}, idle=True) == []


def test_a_device_that_says_nothing(artifacts: Path) -> None:
    assert plugin.kernel_gaps({}, str(artifacts)) == []


@pytest.mark.parametrize(
    ("survey", "sentence"),
    [
        ({"lsm": "tomoyo"}, "tomoyo: security module that is active (CONFIG_SECURITY_TOMOYO brings it)"),
        (
            {"lsm": "selinux"},
            "selinux: security module that is active (the new kernel has it and CONFIG_LSM does not start it)",
        ),
        ({"filesystems": "xfs"}, "xfs: file system that is mounted (CONFIG_XFS_FS brings it)"),
        ({"filesystems": "fuse.sshfs fuseblk"}, "fuse: file system that is mounted (CONFIG_FUSE_FS brings it)"),
        ({"filesystems": "devpts"}, "devpts: file system that is mounted (CONFIG_UNIX98_PTYS brings it)"),
        ({"filesystems": "vendorfs"}, "vendorfs: file system that is mounted"),
        ({"drivers": "e1000e"}, "e1000e: driver bound to a device (CONFIG_E1000E brings it)"),
        ({"drivers": "rtc-vendor"}, "rtc_vendor: driver bound to a device"),
        ({"netfilter": "ip_tables"}, "ip_tables: packet filter that has tables (CONFIG_IP_NF_IPTABLES brings it)"),
        (
            {"module_uses": "nft_ct:used"},
            "nft_ct: module of the packet filter that is loaded (CONFIG_NFT_CT brings it)",
        ),
        ({"module_uses": "xt_set:hardware"}, "xt_set: module of the packet filter that is loaded"),
        (
            {"module_uses": "br_netfilter:loaded"},
            "br_netfilter: module of the packet filter that is loaded (CONFIG_BRIDGE_NETFILTER brings it)",
        ),
        ({"module_uses": "tun:loaded"}, "tun: module that was loaded for a program (CONFIG_TUN brings it)"),
        ({"module_uses": "tcp_bbr:used"}, "tcp_bbr: module that is loaded and in use (CONFIG_TCP_CONG_BBR brings it)"),
        ({"modules": "vendor-thing"}, "vendor_thing: module that is loaded and in use"),
        (
            {"dkms": "zfs/2.1.11", "dkms_modules": "zfs spl", "module_uses": "zfs:used spl:held", "filesystems": "zfs"},
            "zfs: modules that DKMS has built for the running kernel, zfs/2.1.11 (it cannot build them for the new"
            " one, whose headers do not come with it)",
        ),
    ],
)
def test_one_gap(artifacts: Path, survey: dict[str, str], sentence: str) -> None:
    assert gaps(artifacts, survey) == [sentence]
    assert gaps(artifacts, survey, idle=True) == []
    name = sentence.partition(":")[0]
    assert gaps(artifacts, survey, allow_missing=[name]) == []
    assert gaps(artifacts, survey, allow_missing=[name.replace("_", "-")]) == []
    assert gaps(artifacts, survey, allow_missing=["all"]) == []
    assert gaps(artifacts, survey, allow_missing=["another"]) == [sentence]


@pytest.mark.parametrize(
    ("survey", "sentence"),
    [
        (
            {"module_uses": "crc32c_intel:cpu"},
            "crc32c_intel: module loaded for a feature of the processor (CONFIG_CRYPTO_CRC32C_INTEL brings it)",
        ),
        ({"module_uses": "pcspkr:hardware"}, "pcspkr: module loaded for hardware that it is not bound to"),
        ({"filesystems": "fusectl"}, "fusectl: file system that is mounted (CONFIG_FUSE_FS brings it)"),
    ],
)
def test_what_is_not_in_use_is_told_apart(artifacts: Path, survey: dict[str, str], sentence: str) -> None:
    assert gaps(artifacts, survey) == []
    assert gaps(artifacts, survey, idle=True) == [sentence]


def test_a_thing_is_told_once(artifacts: Path) -> None:
    """A file system that is a module, a driver that is a module, a module that others hold."""
    survey = {
        "filesystems": "xfs",
        "drivers": "e1000e",
        "modules": "xfs e1000e libcrc32c",
        "module_uses": "xfs:used e1000e:used libcrc32c:held",
    }
    assert [sentence.partition(":")[0] for sentence in gaps(artifacts, survey)] == ["xfs", "e1000e"]


def test_dkms_builds_its_modules_where_the_headers_come(artifacts: Path) -> None:
    survey = {"dkms": "zfs/2.1.11", "dkms_modules": "zfs", "module_uses": "zfs:used"}
    assert gaps(artifacts, survey, with_headers=True) == []


def test_our_own_module_is_no_gap(artifacts: Path) -> None:
    (artifacts / "modules.list").write_text(MODULES.replace("uid_mem module\n", ""))
    survey = {"dkms": "uid_mem/0.1", "dkms_modules": "uid_mem", "module_uses": "uid_mem:used uid_mem_test:loaded"}
    assert gaps(artifacts, survey) == []


def test_a_kernel_without_an_order_of_security_modules(artifacts: Path) -> None:
    (artifacts / "config").write_text(CONFIG.replace("CONFIG_LSM=", "# "))
    assert gaps(artifacts, {"lsm": "selinux"}) == []


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("manifest.json", "{}", "run that role again, which keeps the kernel"),
        ("manifest.json", "{", "Expecting"),
        ("modules.list", "ext4\n", "line 1 of modules.list is not 'NAME builtin' or 'NAME module': ext4"),
        ("modules.list", "ext4 maybe\n", "line 1 of modules.list"),
        ("modules.list", None, "No such file"),
    ],
)
def test_artifacts_that_do_not_say_what_they_have(artifacts: Path, file: str, text: str | None, message: str) -> None:
    if text is None:
        (artifacts / file).unlink()
    else:
        (artifacts / file).write_text(text)
    with pytest.raises(AnsibleFilterError, match=message) as error:
        gaps(artifacts, {})
    assert str(artifacts) in str(error.value)


def test_wrong_arguments(artifacts: Path) -> None:
    with pytest.raises(AnsibleFilterError, match="takes the survey of a device"):
        plugin.kernel_gaps(["ext4"], str(artifacts))
    with pytest.raises(AnsibleFilterError, match="allow_missing is a list of names, not 'all'"):
        plugin.kernel_gaps({}, str(artifacts), allow_missing="all")


def test_the_example_shows_what_is_returned(artifacts: Path) -> None:
    (artifacts / "manifest.json").write_text(json.dumps({"modules": "modules.list", "lsm": []}))
    sample = yaml.safe_load(plugin.RETURN)["_value"]["sample"]
    assert gaps(artifacts, {"lsm": "apparmor"}) == sample

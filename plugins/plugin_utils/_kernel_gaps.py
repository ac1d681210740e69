# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is in use on a device and missing in a kernel that it is to get.

Both sides are texts: what the device says of itself (words in a few keys, see C(Survey)) and what the artifacts of a
build list (C(manifest.json), C(modules.list), C(config)). Nothing here reads a file.

What counts as in use, and what does not:

- A driver bound to a device, a mounted file system, an active security module, a module of the packet filter, a module
  whose use count is higher than the number of modules that hold it, and one that is loaded without hardware asking for
  it, so by a program: a gap where the new kernel has none.
- A module that only other modules hold is not looked at: if it is needed, so are they, and they cannot be built without
  what they need.
- A module offered for a feature of the processor (an accelerated algorithm) or for hardware that it is not bound to,
  and a file system that systemd mounts wherever it exists: an idle gap, to be mentioned and not to be refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# Modules that are there for rules of the packet filter. A use count of 0 does not say that no rule needs them.
PACKET_FILTER = ("nf_", "nft_", "xt_", "ipt_", "ip6t_", "ebt_", "ebtable", "ip_set", "ip_vs", "iptable_", "ip6table_")
PACKET_FILTER_NAMES = frozenset(
    {"arp_tables", "arptable_filter", "br_netfilter", "ip6_tables", "ip_tables", "nfnetlink", "x_tables"}
)

# File systems that are no modules, with the options of which one brings them; none: each kernel has it.
BUILT_IN_FILE_SYSTEMS: Mapping[str, tuple[str, ...]] = {
    "bpf": ("BPF_SYSCALL",),
    "cgroup": ("CGROUPS",),
    "cgroup2": ("CGROUPS",),
    "configfs": ("CONFIGFS_FS",),
    "cpuset": ("CPUSETS",),
    "debugfs": ("DEBUG_FS",),
    "devpts": ("UNIX98_PTYS",),
    "devtmpfs": ("DEVTMPFS",),
    "efivarfs": ("EFIVAR_FS",),
    "fusectl": ("FUSE_FS",),
    "hugetlbfs": ("HUGETLBFS",),
    "mqueue": ("POSIX_MQUEUE",),
    "nsfs": (),
    "proc": ("PROC_FS",),
    "pstore": ("PSTORE",),
    "ramfs": (),
    "resctrl": ("X86_CPU_RESCTRL",),
    "rootfs": (),
    "securityfs": ("SECURITYFS",),
    "selinuxfs": ("SECURITY_SELINUX",),
    "smackfs": ("SECURITY_SMACK",),
    "sysfs": ("SYSFS",),
    "tmpfs": ("TMPFS", "SHMEM"),
    "tracefs": ("TRACING",),
}

# What systemd mounts wherever the kernel has it: that it is mounted does not say that anything needs it.
MOUNTED_ANYWAY = frozenset(
    {
        "bpf",
        "configfs",
        "debugfs",
        "efivarfs",
        "fusectl",
        "hugetlbfs",
        "mqueue",
        "pstore",
        "securityfs",
        "tracefs",
    }
)

# What is named like its option.
_BY_NAME = """
    ata_piix bonding bridge cifs dm_crypt dummy e1000 e1000e hid_generic i2c_i801 i40e ice igb iwlwifi ixgbe kvm_amd
    kvm_intel megaraid_sas mlx4_en mlx5_core nf_conntrack nf_nat nf_tables nft_compat nft_ct nft_masq nvme_core
    r8169 squashfs tun usb_storage veth vhost_net virtio_blk virtio_net virtio_pci vmxnet3 vxlan wireguard
"""
# File systems that are the option with _FS, security modules that are the one with SECURITY_.
_FILE_SYSTEMS = "btrfs ceph erofs exfat ext4 f2fs fuse jfs overlay vfat xfs"
_SECURITY_MODULES = "apparmor landlock loadpin safesetid selinux smack tomoyo yama"
# The option that brings a driver, a module, a file system or a security module.
OPTIONS: Mapping[str, str] = {
    **{name: name.upper() for name in _BY_NAME.split()},
    **{name: f"{name.upper()}_FS" for name in _FILE_SYSTEMS.split()},
    **{name: f"SECURITY_{name.upper()}" for name in _SECURITY_MODULES.split()},
    "8021q": "VLAN_8021Q",
    "ahci": "SATA_AHCI",
    "amdgpu": "DRM_AMDGPU",
    "arp_tables": "IP_NF_ARPTABLES",
    "atkbd": "KEYBOARD_ATKBD",
    "autofs": "AUTOFS_FS",
    "bnxt_en": "BNXT",
    "bpf": "BPF_LSM",
    "br_netfilter": "BRIDGE_NETFILTER",
    "crc32c_intel": "CRYPTO_CRC32C_INTEL",
    "dm_mod": "BLK_DEV_DM",
    "ena": "ENA_ETHERNET",
    "evdev": "INPUT_EVDEV",
    "hv_netvsc": "HYPERV_NET",
    "hv_storvsc": "HYPERV_STORAGE",
    "i8042": "SERIO_I8042",
    "i915": "DRM_I915",
    "ip6_tables": "IP6_NF_IPTABLES",
    "ip6table_filter": "IP6_NF_FILTER",
    "ip6table_mangle": "IP6_NF_MANGLE",
    "ip6table_nat": "IP6_NF_NAT",
    "ip_tables": "IP_NF_IPTABLES",
    "ipt_REJECT": "IP_NF_TARGET_REJECT",
    "iptable_filter": "IP_NF_FILTER",
    "iptable_mangle": "IP_NF_MANGLE",
    "iptable_nat": "IP_NF_NAT",
    "iptable_raw": "IP_NF_RAW",
    "iso9660": "ISO9660_FS",
    "lockdown": "SECURITY_LOCKDOWN_LSM",
    "loop": "BLK_DEV_LOOP",
    "md_mod": "BLK_DEV_MD",
    "mpt3sas": "SCSI_MPT3SAS",
    "nfnetlink": "NETFILTER_NETLINK",
    "nfs": "NFS_FS",
    "nfs4": "NFS_V4",
    "nouveau": "DRM_NOUVEAU",
    "nvme": "BLK_DEV_NVME",
    "ppp_generic": "PPP",
    "psmouse": "MOUSE_PS2",
    "raid1": "MD_RAID1",
    "raid10": "MD_RAID10",
    "raid456": "MD_RAID456",
    "rpc_pipefs": "SUNRPC",
    "sd_mod": "BLK_DEV_SD",
    "sr_mod": "BLK_DEV_SR",
    "tcp_bbr": "TCP_CONG_BBR",
    "tg3": "TIGON3",
    "uas": "USB_UAS",
    "virtio_rng": "HW_RANDOM_VIRTIO",
    "virtio_scsi": "SCSI_VIRTIO",
    "vmw_pvscsi": "VMWARE_PVSCSI",
    "xen_blkfront": "XEN_BLKDEV_FRONTEND",
    "xen_netfront": "XEN_NETDEV_FRONTEND",
    "xhci_pci": "USB_XHCI_PCI",
    "xt_MASQUERADE": "NETFILTER_XT_TARGET_MASQUERADE",
    "xt_conntrack": "NETFILTER_XT_MATCH_CONNTRACK",
    "xt_mark": "NETFILTER_XT_MARK",
    "xt_multiport": "NETFILTER_XT_MATCH_MULTIPORT",
}

# Modules of the collection itself: a kernel that it builds brings them.
OURS = frozenset({"uid_mem", "uid_mem_test"})


class ArtifactsError(ValueError):
    """Artifacts that do not say what their kernel has; the message says what to do."""


@dataclass(frozen=True)
class Kernel:
    """What a kernel has, by its artifacts."""

    # Each module and each file system that one brings, with dashes as underscores.
    names: frozenset[str]
    # Options that are y or m, without CONFIG_.
    options: frozenset[str]
    # Security modules that are compiled in, and those that it starts by default; None: all that are compiled in.
    lsm: frozenset[str]
    started_lsm: frozenset[str] | None = None

    def has_file_system(self, name: str) -> bool:
        """Whether a file system of that type can be mounted."""
        if name in self.names:
            return True
        options = BUILT_IN_FILE_SYSTEMS.get(name)
        return options is not None and (not options or any(option in self.options for option in options))


def parse_kernel(lsm: Iterable[str], modules_list: str, config: str) -> Kernel:
    """The kernel that C(lsm) of C(manifest.json), C(modules.list) and C(config) describe."""
    names = set()
    for number, line in enumerate(modules_list.splitlines(), 1):
        words = line.split()
        if len(words) != 2 or words[1] not in {"builtin", "module"}:
            raise ArtifactsError(f"line {number} of modules.list is not 'NAME builtin' or 'NAME module': {line}")
        names.add(words[0])
    options = set()
    started = None
    for line in config.splitlines():
        option, value = [*line.removeprefix("CONFIG_").split("=", 1), ""][:2]
        if value in {"y", "m"}:
            options.add(option)
        elif option == "LSM" and line.startswith("CONFIG_"):
            started = frozenset(value.strip('"').split(","))
    return Kernel(frozenset(names), frozenset(options), frozenset(lsm), started)


@dataclass(frozen=True)
class Survey:
    """What is in use on a device."""

    drivers: frozenset[str] = frozenset()
    filesystems: frozenset[str] = frozenset()
    lsm: frozenset[str] = frozenset()
    # Loaded modules by how they are used: used, held, cpu, hardware or loaded.
    modules: Mapping[str, str] = field(default_factory=dict)
    # NAME/VERSION, and the modules that they brought.
    dkms: tuple[str, ...] = ()
    dkms_modules: frozenset[str] = frozenset()
    # Modules for tables that the packet filter has, built in or not.
    netfilter: frozenset[str] = frozenset()


def _words(survey: Mapping[str, str], key: str) -> list[str]:
    return survey.get(key, "").replace(",", " ").split()


def _names(survey: Mapping[str, str], key: str) -> frozenset[str]:
    return frozenset(word.replace("-", "_") for word in _words(survey, key))


def parse_survey(survey: Mapping[str, str]) -> Survey:
    """The survey of a device: C(modules), C(drivers), C(filesystems), C(lsm) and C(dkms), and what it says beyond.

    C(module_uses) has C(NAME:USE) for the loaded modules. A device that does not say how a module is used counts as
    using it.
    """
    uses = dict.fromkeys(_names(survey, "modules"), "used")
    for word in _words(survey, "module_uses"):
        name, use = [*word.split(":", 1), "used"][:2]
        uses[name.replace("-", "_")] = use
    return Survey(
        drivers=_names(survey, "drivers"),
        # fuse.sshfs is fuse, whatever serves it.
        filesystems=frozenset(
            "fuse" if name.startswith("fuse.") or name == "fuseblk" else name for name in _names(survey, "filesystems")
        ),
        lsm=_names(survey, "lsm"),
        modules=uses,
        dkms=tuple(_words(survey, "dkms")),
        dkms_modules=_names(survey, "dkms_modules"),
        netfilter=_names(survey, "netfilter"),
    )


@dataclass(frozen=True)
class Gap:
    """One thing that is in use and missing."""

    name: str
    use: str
    way_out: str = ""
    idle: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.use}{f' ({self.way_out})' if self.way_out else ''}"


def option_for(name: str) -> str:
    """Which option brings what has that name, as a part of a sentence; empty if it is not known."""
    option = OPTIONS.get(name) or next(iter(BUILT_IN_FILE_SYSTEMS.get(name, ())), None)
    return f"CONFIG_{option} brings it" if option else ""


def is_packet_filter(name: str) -> bool:
    """Whether a module is there for rules of the packet filter."""
    return name.startswith(PACKET_FILTER) or name in PACKET_FILTER_NAMES


def _lsm_gaps(survey: Survey, kernel: Kernel) -> Iterable[Gap]:
    for name in sorted(survey.lsm - {"capability"}):
        if name not in kernel.lsm:
            yield Gap(name, "security module that is active", option_for(name))
        elif kernel.started_lsm is not None and name not in kernel.started_lsm and name not in {"ima", "evm"}:
            yield Gap(name, "security module that is active", "the new kernel has it and CONFIG_LSM does not start it")


def _module_gap(name: str, use: str) -> Gap | None:
    if use == "held":
        return None
    if use == "cpu":
        return Gap(name, "module loaded for a feature of the processor", option_for(name), idle=True)
    if is_packet_filter(name):
        return Gap(name, "module of the packet filter that is loaded", option_for(name))
    if use == "hardware":
        return Gap(name, "module loaded for hardware that it is not bound to", option_for(name), idle=True)
    if use == "loaded":
        return Gap(name, "module that was loaded for a program", option_for(name))
    return Gap(name, "module that is loaded and in use", option_for(name))


def _dkms_gaps(survey: Survey, *, with_headers: bool) -> Iterable[Gap]:
    for word in survey.dkms:
        name = word.partition("/")[0]
        if name not in OURS and not with_headers:
            yield Gap(
                name,
                f"modules that DKMS has built for the running kernel, {word}",
                "it cannot build them for the new one, whose headers do not come with it",
            )


def _file_system_gaps(survey: Survey, kernel: Kernel) -> Iterable[Gap]:
    for name in sorted(survey.filesystems - survey.dkms_modules):
        if not kernel.has_file_system(name):
            yield Gap(name, "file system that is mounted", option_for(name), idle=name in MOUNTED_ANYWAY)


def find_gaps(survey: Survey, kernel: Kernel, *, with_headers: bool = False) -> list[Gap]:
    """All that is in use on the device and missing in the kernel; with its headers DKMS builds its modules again."""
    gaps = [*_lsm_gaps(survey, kernel), *_file_system_gaps(survey, kernel)]
    # A thing is told once, by its strongest use.
    known = {gap.name for gap in gaps} | kernel.names | survey.dkms_modules | OURS
    gaps += [Gap(name, "driver bound to a device", option_for(name)) for name in sorted(survey.drivers - known)]
    known |= survey.drivers
    gaps += [Gap(name, "packet filter that has tables", option_for(name)) for name in sorted(survey.netfilter - known)]
    known |= survey.netfilter
    modules = (_module_gap(name, use) for name, use in sorted(survey.modules.items()) if name not in known)
    gaps += [gap for gap in modules if gap is not None]
    return [*gaps, *_dkms_gaps(survey, with_headers=with_headers)]


def missing(gaps: Iterable[Gap], *, allowed: Iterable[str] = (), idle: bool = False) -> list[str]:
    """The gaps as sentences, without those whose names are allowed; only the idle ones, or only those that count."""
    names = {name.replace("-", "_") for name in allowed}
    return [str(gap) for gap in gaps if gap.idle == idle and gap.name.replace("-", "_") not in names]

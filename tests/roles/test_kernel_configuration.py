# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the programs of kernel_build do with a device's configuration, and what they say of a kernel that is built.

The kernel is a package of a few empty files; its make notes what it is asked for.
"""

from __future__ import annotations

import json
import pathlib
import subprocess

import pytest

FILES = pathlib.Path(__file__).resolve().parents[2] / "roles" / "kernel_build" / "files"
RELEASE = "6.1.999-uidmem-01234567"

MAKEFILE = """\
localmodconfig:
\t@cp $(LSMOD) asked.lsmod
\t@echo "$(LMC_KEEP)" > asked.keep
\t@echo "nvidia config not found!!" >&2
\t@echo "# CONFIG_E1000E is not set" > .config
"""


def run(program: str, *arguments: object, ok: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(FILES / program), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )
    print(done.stdout, done.stderr)  # pytest shows it when a test fails
    assert (done.returncode == 0) == ok
    return done


def write(path: pathlib.Path, text: str = "") -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(name="package")
def package_fixture(tmp_path: pathlib.Path) -> pathlib.Path:
    """A kernel with ext4 built in and three modules."""
    root = tmp_path / "root"
    modules = root / "lib/modules" / RELEASE
    write(modules / "kernel/net/netfilter/nf_tables.ko")
    write(modules / "kernel/drivers/virtio/virtio-thing.ko.xz")
    write(modules / "kernel/fs/fuse/fuse.ko")
    write(modules / "modules.builtin", "kernel/fs/ext4/ext4.ko\nkernel/drivers/rtc/rtc-cmos.ko\n")
    write(modules / "modules.builtin.modinfo", "ext4.license=GPL\0ext4.alias=fs-ext2\0ext4.alias=fs-ext4\0")
    write(
        modules / "modules.alias", "# Aliases\nalias fs-fuseblk fuse\nalias fs-fuse fuse\nalias pci:v1 virtio_thing\n"
    )
    write(
        root / "DEBIAN/control",
        f"Package: linux-image-{RELEASE}\nVersion: 6.1.999-1\nArchitecture: all\n"
        "Maintainer: uid_mem <root@localhost>\nDescription: a kernel\n",
    )
    package = tmp_path / f"linux-image-{RELEASE}_6.1.999-1_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", root, package], check=True, capture_output=True)
    return package


def test_modules_of_a_package(package: pathlib.Path) -> None:
    assert run("list_modules.sh", package).stdout.splitlines() == [
        "ext2 builtin",
        "ext4 builtin",
        "fuse module",
        "fuseblk module",
        "nf_tables module",
        "rtc_cmos builtin",
        "virtio_thing module",
    ]


def test_security_modules_of_a_configuration(tmp_path: pathlib.Path) -> None:
    config = write(
        tmp_path / "config",
        'CONFIG_SECURITY=y\nCONFIG_LSM="lockdown,yama,apparmor,bpf"\nCONFIG_SECURITY_APPARMOR=y\n'
        "CONFIG_SECURITY_SELINUX=y\n# CONFIG_SECURITY_YAMA is not set\nCONFIG_BPF_LSM=y\n",
    )
    assert run("list_modules.sh", "--lsm", config).stdout.split() == ["capability", "apparmor", "bpf", "selinux"]
    assert run("list_modules.sh", "--lsm", write(tmp_path / "none")).stdout == ""


def test_headers_without_the_key_that_signs(package: pathlib.Path, tmp_path: pathlib.Path) -> None:
    kbuild = tmp_path / "kbuild"
    write(kbuild / ".config", "CONFIG_MODULES=y\n")
    write(kbuild / "scripts/mod/modpost", "#!/bin/sh\n").chmod(0o755)
    write(kbuild / "certs/signing_key.pem", "secret")
    write(kbuild / "certs/signing_key.x509", "public")
    out = tmp_path / "out"
    out.mkdir()
    run("pack_headers.sh", "--epoch", 1700000000, kbuild, package, out)
    headers = out / f"linux-headers-{RELEASE}_6.1.999-1_all.deb"
    unpacked = tmp_path / "unpacked"
    subprocess.run(["dpkg-deb", "--raw-extract", headers, unpacked], check=True)
    source = unpacked / f"usr/src/linux-headers-{RELEASE}"
    assert (source / ".config").exists()
    assert (source / "scripts/mod/modpost").stat().st_mode & 0o111
    assert (source / "certs/signing_key.x509").exists()
    assert not (source / "certs/signing_key.pem").exists()
    link = unpacked / f"lib/modules/{RELEASE}/build"
    assert str(link.readlink()) == f"/usr/src/linux-headers-{RELEASE}"
    assert f"--arg={RELEASE} /etc/kernel/header_postinst.d" in (unpacked / "DEBIAN/postinst").read_text()
    assert (unpacked / "DEBIAN/postinst").stat().st_mode & 0o111


@pytest.fixture(name="tree")
def tree_fixture(tmp_path: pathlib.Path) -> pathlib.Path:
    write(tmp_path / "tree/Makefile", MAKEFILE)
    return write(tmp_path / "tree/.config", "CONFIG_E1000E=m\n").parent


def test_modules_that_nobody_has_loaded_are_left_out(tree: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done = run("reduce_config.sh", tree, tmp_path / "reduced", "virtio-net", "nvidia")
    assert (tmp_path / "reduced").read_text() == "# CONFIG_E1000E is not set\n"
    names = [line.split()[0] for line in (tree / "asked.lsmod").read_text().splitlines()]
    assert names == ["Module", "loop", "virtio_net", "nvidia"]
    assert done.stdout == "nvidia is no module of this source\n"
    kept = (tree / "asked.keep").read_text().strip().split(":")
    assert "drivers/usb/storage" in kept
    assert not {"net/netfilter", "drivers/md"} & set(kept)


@pytest.mark.parametrize(
    ("loaded", "kept"), [("nft_ct", "net/netfilter"), ("ip6_tables", "net/ipv6/netfilter"), ("dm-mod", "drivers/md")]
)
def test_what_stays_beside_a_loaded_module(tree: pathlib.Path, tmp_path: pathlib.Path, loaded: str, kept: str) -> None:
    run("reduce_config.sh", tree, tmp_path / "reduced", "ext4", loaded, loaded)
    assert (tree / "asked.keep").read_text().strip().split(":").count(kept) == 1


def test_what_is_no_name_of_a_module(tree: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done = run("reduce_config.sh", tree, tmp_path / "reduced", "ext4;reboot", ok=False)
    assert "'ext4;reboot' is not the name of a module" in done.stderr


def test_a_tree_that_cannot_be_reduced(tree: pathlib.Path, tmp_path: pathlib.Path) -> None:
    write(tree / "Makefile", "localmodconfig:\n\t@echo no such thing >&2; false\n")
    done = run("reduce_config.sh", tree, tmp_path / "reduced", "ext4", ok=False)
    assert "no such thing" in done.stderr
    assert not (tmp_path / "reduced").exists()


@pytest.fixture(name="plan")
def plan_fixture(tmp_path: pathlib.Path) -> list[str]:
    """Options of a build, whatever it would be made of."""
    write(tmp_path / "patches/0001-a.patch")
    write(tmp_path / "module/Kbuild")
    config = write(tmp_path / "config", "CONFIG_E1000E=m\n")
    write(tmp_path / "source/Makefile")
    return [
        *("--series", "6.1", "--source-name", "linux-6.1", "--source-sha256", "0" * 64),
        *("--source-dir", str(tmp_path / "source"), "--patches", str(tmp_path / "patches")),
        *("--base", str(config), "--module", str(tmp_path / "module"), "--cache", str(tmp_path / "cache")),
    ]


def test_the_key_knows_what_is_left_out(plan: list[str]) -> None:
    def key(*options: str) -> str:
        found: str = json.loads(run("build_plan.sh", *plan, *options).stdout)["kernel_key"]
        return found

    whole = key()
    some = key("--loaded", "ext4 virtio-net")
    assert whole == key("--loaded", "")
    assert whole != some
    assert some == key("--loaded", "virtio_net  ext4 ext4")
    assert some != key("--loaded", "ext4")

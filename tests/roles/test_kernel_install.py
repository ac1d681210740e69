# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role kernel_install and its program, as far as that goes without booting a device.

The program runs for real, as root in namespaces of its own, on GRUB's own tools. What needs a boot is
shown by the molecule scenario.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

import pytest

from ansible_collections.devfleet.uid_mem.tests.roles.conftest import ROLES, RunRole, RunScript

PROGRAM = ROLES / "kernel_install" / "files" / "kernel_install.sh"
SH = f"sh {shlex.quote(str(PROGRAM))}"
RUNNING = os.uname().release
NEW = "6.1.999-uidmem-0123abcd"

needs_grub = pytest.mark.skipif(
    not shutil.which("grub-editenv", path="/usr/bin:/bin"), reason="needs Debian's grub-common"
)

# The shape of what Debian's grub-mkconfig writes: a simple entry for whatever sorts newest, the others in a submenu.
ENTRY = """\
{indent}menuentry 'Debian GNU/Linux, with Linux {release}{word}' --class debian $menuentry_id_option '{id}' {{
{indent}	insmod ext2
{indent}	linux	/boot/vmlinuz-{release} root=UUID=1 ro {options}quiet
{indent}	initrd	/boot/initrd.img-{release}
{indent}}}
"""


def menu(*releases: str, default: str = "0", submenu: bool = True) -> str:
    lines = ["if [ -z x ]; then\n  set x=y\nelse\n", f'   set default="{default}"\nfi\n']
    indent = ""
    if submenu:
        lines.append(ENTRY.format(indent="", release=releases[0], word="", id="gnulinux-simple-1", options=""))
        lines.append("submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced-1' {\n")
        indent = "\t"
    for release in releases:
        for kind, options in (("advanced", ""), ("recovery", "single ")):
            identity = f"gnulinux-{release}-{kind}-1"
            lines.append(ENTRY.format(indent=indent, release=release, word="", id=identity, options=options))
    if submenu:
        lines.append("}\n")
    return "".join(lines)


def write_menu(text: str) -> str:
    """Shell code that makes this GRUB's menu."""
    return f"printf %s {shlex.quote(text)} > /boot/grub/grub.cfg\n"


def artifacts(directory: pathlib.Path, **changes: object) -> pathlib.Path:
    """Artifacts as kernel_build leaves them; nothing here gets as far as unpacking the package."""
    directory.mkdir()
    names = [f"linux-image-{NEW}_1_amd64.deb", "bzImage", "uid_mem.ko", "config", "System.map"]
    for name in names:
        (directory / name).write_text(f"content of {name}\n", encoding="utf-8")
    manifest = {
        "schema": 1,
        "key": "0123abcd" * 8,
        "series": "6.1",
        "kernel_release": NEW,
        "arch": os.uname().machine,
        "inputs": {},
        "outputs": {name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in names},
        "image_deb": names[0],
        "image": "bzImage",
        "module": "uid_mem.ko",
        "size_installed_bytes": 1000,
    }
    (directory / "manifest.json").write_text(json.dumps(manifest | changes), encoding="utf-8")
    return directory


def values(output: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)


# ---- the program ----------------------------------------------------------------------------------------------


def test_help_names_every_command() -> None:
    done = subprocess.run(["sh", PROGRAM, "--help"], capture_output=True, text=True, check=True)
    for command in (
        "status",
        "preflight",
        "install",
        "trial",
        "reboot",
        "prove",
        "abandon",
        "prune",
        "uninstall",
        "pack",
    ):
        assert f"\n  {command} " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which command?"),
        (["fly"], "unknown command 'fly'"),
        (["preflight"], "needs --release"),
        (["preflight", "--release", "a/b"], "--release takes letters, digits"),
        (["preflight", "--release"], "without its value: '--release'"),
        (["prune", "--keep", "0"], "--keep takes a number of at least 1"),
        (["trial", "--panic-seconds", "0"], "0 means no reboot"),
        (["install", "--initrd", "perhaps"], "--initrd takes auto, yes or no"),
        (["install", "--colour", "red"], "unknown option '--colour'"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], message: str) -> None:
    done = subprocess.run(["sh", PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "--help" in done.stderr


def test_without_root_the_way_out_is_named() -> None:
    drop = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    program = PROGRAM.read_text(encoding="utf-8")
    done = subprocess.run([*drop, "sh", "-s", "status"], input=program, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "become: true" in done.stdout


@needs_grub
def test_no_room_for_the_kernel_is_told_with_figures_and_the_way_out(on_device: RunScript) -> None:
    done = on_device(
        write_menu(menu(RUNNING))
        + f"{SH} preflight --release {NEW} --image-sum k --installed-bytes 1000 --boot-bytes 29360128"
    )
    assert done.returncode == 1
    # 28 MiB and a reserve of 32 on a file system of 8
    assert "/boot has 7 MiB free, 60 MiB are needed: remove old kernels there" in done.stdout
    assert "kernel_install_reserve_mib (now 32)" in done.stdout


def test_no_room_for_the_modules_is_told(on_device: RunScript) -> None:
    done = on_device(f"{SH} preflight --release {NEW} --image-sum k --installed-bytes {10**17}")
    assert done.returncode == 1
    assert "/ has " in done.stdout
    assert "95367431673 MiB are needed" in done.stdout


def test_old_kernels_of_ours_are_offered_as_room(on_device: RunScript) -> None:
    done = on_device(
        "mkdir -p /var/lib/uid_mem/kernel_install/kernels\n"
        "cd /var/lib/uid_mem/kernel_install/kernels\n"
        "for release in 6.1.1-a 6.1.2-b; do echo key=k > $release; done\n"
        f"{SH} preflight --release {NEW} --image-sum k --keep 3 --boot-bytes 29360128"
    )
    assert done.returncode == 1
    assert "or set kernel_install_keep below 3" in done.stdout


def test_room_is_made_by_what_keep_allows(on_device: RunScript) -> None:
    """Of 8 MiB 2 are free; the oldest kernel takes 5, and one more is kept."""
    preflight = f"{SH} preflight --release {NEW} --image-sum k --reserve-mib 1 --boot-bytes 4194304 --initrd no"
    done = on_device(
        write_menu(menu(RUNNING)) + "mkdir -p /var/lib/uid_mem/kernel_install/kernels\n"
        "cd /var/lib/uid_mem/kernel_install/kernels\n"
        "echo key=k > 6.1.1-a; touch -d 2020-01-01 6.1.1-a; echo key=k > 6.1.2-b\n"
        "dd if=/dev/zero of=/boot/vmlinuz-6.1.1-a bs=1M count=5 2>/dev/null\n"
        f"{preflight} --keep 2 || true\n{preflight} --keep 3 || true"
    )
    first, second = done.stdout.split("error=", 2)[1:] if done.stdout.startswith("error=") else ("", done.stdout)
    # GRUB's other problems depend on this machine; room is one only where nothing may be removed.
    assert "/boot has" not in first
    assert "/boot has" in second


def test_other_architecture_is_refused(on_device: RunScript) -> None:
    done = on_device(f"{SH} preflight --release {NEW} --image-sum k --arch vax")
    assert done.returncode == 1
    assert f"the kernel is for vax, this device is {os.uname().machine}" in done.stdout


@needs_grub
def test_device_without_grub_menu_is_refused(on_device: RunScript) -> None:
    done = on_device(f"{SH} preflight --release {NEW} --image-sum k")
    assert done.returncode == 1
    assert "there is no /boot/grub/grub.cfg" in done.stdout


@needs_grub
def test_device_without_an_entry_for_the_running_kernel_is_refused(on_device: RunScript) -> None:
    """The simple entry boots the newest kernel, whichever that is: nothing to fall back to."""
    done = on_device(
        write_menu(menu("6.1.0-other").replace("vmlinuz-6.1.0-other", f"vmlinuz-{RUNNING}", 1))
        + f"{SH} preflight --release {NEW} --image-sum k"
    )
    assert done.returncode == 1
    assert f"GRUB has no menu entry for the running kernel {RUNNING}" in done.stdout


TRIAL = f": > /boot/vmlinuz-{NEW}\n{SH} trial --release {NEW} --panic-seconds 7 || echo status=$?\n"


@needs_grub
@pytest.mark.parametrize("submenu", [True, False])
def test_trial_boots_the_new_kernel_once_and_the_running_one_by_default(
    on_device: RunScript, tmp_path: pathlib.Path, submenu: bool
) -> None:
    text = menu(NEW, RUNNING, default="${saved_entry}", submenu=submenu)
    done = on_device(write_menu(text) + TRIAL + f"{SH} status\ngrub-script-check /boot/grub/uid_mem.cfg")
    said = values(done.stdout)
    assert done.returncode == 0
    assert said["armed"] == NEW
    assert said["next_entry"] == "uid_mem-trial"
    prefix = "gnulinux-advanced-1>" if submenu else ""
    assert said["saved_entry"] == f"{prefix}gnulinux-{RUNNING}-advanced-1"
    entry = (tmp_path / "after/boot/grub/uid_mem.cfg").read_text(encoding="utf-8")
    assert f"linux\t/boot/vmlinuz-{NEW} root=UUID=1 ro quiet panic=7 oops=panic uid_mem_trial=1\n" in entry
    assert "$menuentry_id_option 'uid_mem-trial'" in entry
    assert entry.count("menuentry ") == 1
    assert "GRUB_DEFAULT=saved" in (tmp_path / "after/etc/default/grub.d/zz_uid_mem.cfg").read_text(encoding="utf-8")
    assert "uid_mem.cfg" in (tmp_path / "after/etc/grub.d/42_uid_mem").read_text(encoding="utf-8")


@needs_grub
def test_environment_block_is_replaced_whole(on_device: RunScript, tmp_path: pathlib.Path) -> None:
    """Neither a rest of a half-made block nor another variable in it is lost or left behind."""
    done = on_device(
        write_menu(menu(NEW, RUNNING, default="${saved_entry}"))
        + "grub-editenv /boot/grub/grubenv create\ngrub-editenv /boot/grub/grubenv set theirs=kept\n"
        + TRIAL
        + "grub-editenv /boot/grub/grubenv list"
    )
    assert done.returncode == 0
    assert values(done.stdout)["theirs"] == "kept"
    assert (tmp_path / "after/boot/grub/grubenv").stat().st_size == 1024
    assert not list((tmp_path / "after/boot/grub").glob("*.uid_mem-new"))


@needs_grub
def test_disarmed_trial_leaves_nothing(on_device: RunScript, tmp_path: pathlib.Path) -> None:
    done = on_device(
        write_menu(menu(NEW, RUNNING, default="${saved_entry}")) + TRIAL + f"{SH} disarm --release {NEW}\n{SH} status"
    )
    said = values(done.stdout)
    assert done.returncode == 0
    assert said["next_entry"] == ""
    assert said["trial_release"] == ""
    assert not (tmp_path / "after/boot/grub/uid_mem.cfg").exists()
    assert not list((tmp_path / "after/etc/systemd").rglob("uid_mem-kernel-trial*"))


@needs_grub
def test_proof_of_a_kernel_that_does_not_run_is_refused(on_device: RunScript) -> None:
    done = on_device(f"{SH} prove --release {NEW}")
    assert done.returncode == 3
    assert f"the device runs {RUNNING} instead of {NEW}" in done.stdout


@needs_grub
def test_running_kernel_is_never_removed(on_device: RunScript) -> None:
    done = on_device(
        "mkdir -p /var/lib/uid_mem/kernel_install/kernels\n"
        f"echo key=k > /var/lib/uid_mem/kernel_install/kernels/{RUNNING}\n"
        f"{SH} abandon --release {RUNNING} || echo status=$?; {SH} uninstall || echo status=$?; {SH} prune --keep 1"
    )
    assert "status=6" in done.stdout
    assert f"{RUNNING} is a uid_mem kernel and is running: roll back to another one first" in done.stdout
    assert values(done.stdout)["pruned"] == ""


def test_damaged_payload_is_refused(on_device: RunScript, tmp_path: pathlib.Path) -> None:
    source = artifacts(tmp_path / "artifacts")
    manifest = json.loads((source / "manifest.json").read_text(encoding="utf-8"))
    sums = "".join(f"{digest}  {name}\n" for name, digest in manifest["outputs"].items())
    packed = subprocess.run(
        [
            *("sh", PROGRAM, "pack", "--artifacts", source, "--key", "k"),
            *("--image-deb", manifest["image_deb"], "--output-dir", tmp_path / "bundles"),
        ],
        input=sums,
        capture_output=True,
        text=True,
        check=True,
    )
    bundle = pathlib.Path(values(packed.stdout)["bundle"])
    bundle.write_bytes(bundle.read_bytes().replace(b"content of uid_mem.ko", b"content of uid_mem.kO"))
    done = on_device(f"sh {shlex.quote(str(bundle))} install --release {NEW} --key k --image-sum k --module-sum 0")
    assert done.returncode == 1
    assert "checksum mismatch after copying, nothing was installed" in done.stdout


# ---- the role -------------------------------------------------------------------------------------------------


def test_artifacts_that_are_not_there(run_role_on_device: RunRole, tmp_path: pathlib.Path) -> None:
    status, said = run_role_on_device("kernel_install", kernel_install_artifacts=str(tmp_path / "nowhere"))
    assert status == 2
    assert f"there is no {tmp_path}/nowhere/manifest.json on the controller" in said
    assert "make kernel" in said


def test_artifacts_that_do_not_match_their_manifest(run_role_on_device: RunRole, tmp_path: pathlib.Path) -> None:
    source = artifacts(tmp_path / "artifacts")
    (source / "bzImage").write_text("another", encoding="utf-8")
    status, said = run_role_on_device(
        "kernel_install", kernel_install_artifacts=str(source), kernel_install_cache_dir=str(tmp_path / "cache")
    )
    assert status == 2
    assert "The artifacts cannot be used: artifacts in" in said
    assert "bzImage: FAILED" in said
    assert "build them anew" in said


@needs_grub
def test_role_changes_nothing_where_there_is_no_room(run_role_on_device: RunRole, tmp_path: pathlib.Path) -> None:
    source = artifacts(tmp_path / "artifacts", size_installed_bytes=10**17)
    status, said = run_role_on_device(
        "kernel_install", kernel_install_artifacts=str(source), kernel_install_cache_dir=str(tmp_path / "cache")
    )
    assert status == 2
    assert f"Kernel {NEW} cannot be installed, nothing was changed:" in said
    assert "MiB are needed: remove old kernels there" in said
    assert "changed=0" in said
    after = tmp_path / "after"
    assert not list((after / "lib").iterdir())
    assert not list((after / "boot/grub").iterdir())
    assert not list(after.rglob("*uid_mem*"))


def test_release_with_blanks_is_refused(run_role_on_device: RunRole, tmp_path: pathlib.Path) -> None:
    source = artifacts(tmp_path / "artifacts", kernel_release="6.1 evil")
    status, said = run_role_on_device(
        "kernel_install", kernel_install_artifacts=str(source), kernel_install_cache_dir=str(tmp_path / "cache")
    )
    assert status == 2
    assert "unexpected argument" in said or "unknown option" in said


# Stands for ssh: runs on this machine what it is given, and does not connect for the first command with "prove" in it.
LOSSY_SSH = """\
#!/bin/sh
for command do :; done
case $command in
*prove*)
    if mkdir "$0.lost" 2>/dev/null; then
        echo 'Connection timed out during banner exchange' >&2
        exit 255
    fi
    ;;
esac
exec sh -c "$command"
"""


def test_connection_lost_after_the_reboot_is_made_again(run_role_on_device: RunRole, tmp_path: pathlib.Path) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(LOSSY_SSH, encoding="utf-8")
    ssh.chmod(0o755)
    status, said = run_role_on_device(
        "kernel_install",
        tasks_from="prove",
        kernel_install_boot_timeout=60,
        kernel_install_prove_options="--release no-such",
        ansible_connection="ssh",
        ansible_ssh_executable=str(ssh),
        ansible_ssh_transfer_method="piped",
        ansible_python_interpreter=sys.executable,
    )
    assert (tmp_path / "ssh.lost").is_dir()
    assert status == 0
    assert "Connection timed out during banner exchange" in said
    assert "Device answers again" in said
    assert "changed=1 unreachable=0" in said

#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes the disk image that virtual devices start from. Needs neither root nor loop devices nor
# mounts: without root mmdebstrap works in a user namespace and fakeroot keeps the owners of files;
# mke2fs fills the file system; GRUB is installed by a guest that has the image as its disk.

set -euo pipefail

me=${0##*/}
here=$(dirname "$(readlink -f "$0")")
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source-path=SCRIPTDIR source=messages.sh
. "$here/messages.sh"

help() {
    cat <<END
usage: $me [option...] IMAGE

Makes IMAGE, a raw disk image of Debian with GRUB, a stock kernel, sshd and Python.

  --suite NAME       Debian release (default: bookworm)
  --mirror URL       Debian archive (default: the one this host's apt uses for the release, else
                     mmdebstrap's own)
  --size SIZE        size of the disk, a number and M, G or T (default: 4G)
  --packages LIST    further packages, separated by blanks or commas
  --init NAME        what starts the services: systemd, openrc or sysvinit (default: systemd)
  --accel ACCEL      QEMU accelerator for the last step: kvm or tcg (default: as
                     probe_accelerator.sh says)
  --cache CACHE      where probe_accelerator.sh keeps its answer
  --help             show this text

Exit status: 0 done, 1 failed and no IMAGE, 2 wrong arguments.
END
}

suite=bookworm
mirror=
size=4G
accel=
cache=
further_packages=
init=systemd

options=$(getopt --name "$me" --options '' --longoptions \
    suite:,mirror:,size:,packages:,init:,accel:,cache:,help -- "$@") || usage_error 'wrong arguments'
eval set -- "$options"
while [ "$1" != -- ]; do
    case $1 in
    --suite) suite=$2 && shift ;;
    --mirror) mirror=$2 && shift ;;
    --size) size=$2 && shift ;;
    --packages) further_packages=$2 && shift ;;
    --init) init=$2 && shift ;;
    --accel) accel=$2 && shift ;;
    --cache) cache=$2 && shift ;;
    --help) help && exit 0 ;;
    esac
    shift
done
shift
[ $# -eq 1 ] || usage_error 'exactly one IMAGE is needed'
image=$1
[[ $suite =~ ^[a-z][a-z0-9.-]*$ ]] || usage_error "--suite is the name of a Debian release, not '$suite'"
[[ $size =~ ^[1-9][0-9]*[MGT]$ ]] || usage_error "--size is a number and M, G or T, for example 4G, not '$size'"
[[ $further_packages =~ ^[a-z0-9.+:,\ -]*$ ]] || usage_error "--packages is a list of package names, not '$further_packages'"
case $accel in '' | kvm | tcg) ;; *) usage_error "--accel is kvm or tcg, not '$accel'" ;; esac
case $init in
systemd) init_packages='dbus systemd-sysv' ;;
openrc) init_packages='busybox-syslogd ifupdown openrc sysvinit-core' ;;
sysvinit) init_packages='busybox-syslogd ifupdown sysv-rc sysvinit-core' ;;
*) usage_error "--init is systemd, openrc or sysvinit, not '$init'" ;;
esac

packages="ca-certificates e2fsprogs fdisk grub-pc initramfs-tools iproute2 kmod linux-image-cloud-amd64
    openssh-server procps python3 python3-apt sudo udev zstd $init_packages $further_packages"
packages=$(tr -s ' ,\n' '\n' <<<"$packages" | sort -u | paste -sd,)

# Nothing of this is of use on a device that lives for an afternoon, and each costs time at every
# boot of an emulated processor.
masked_units='apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer
    fstrim.timer systemd-tmpfiles-clean.timer getty@tty1.service getty-static.service
    systemd-pstore.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount
    systemd-network-generator.service systemd-update-utmp.service
    systemd-update-utmp-runlevel.service dev-hugepages.mount dev-mqueue.mount
    sys-fs-fuse-connections.mount sys-kernel-config.mount modprobe@configfs.service
    modprobe@fuse.service modprobe@dm_mod.service modprobe@loop.service'
masked_units=$(tr -s ' \n' ' ' <<<"$masked_units")

step() {
    printf '== %s\n' "$1" >&2
}

# check_room DIRECTORY MIB WHAT WAY_OUT
check_room() {
    local have
    have=$(($(df --output=avail -k "$1" | tail -n 1) / 1024))
    [ "$have" -ge "$2" ] || die "$3 needs $2 MiB of room and $1 has $have: free some, or set $4."
}

# Not /tmp, which may be in RAM.
export TMPDIR=${TMPDIR:-/var/tmp}
check_room "$TMPDIR" 1536 'The root file system' 'TMPDIR to a directory that has it'
check_room "$(dirname "$image")" 768 'The image' 'virtual_device_cache_dir to a directory that has it'
work=$(mktemp -d "$TMPDIR/virtual_device.XXXXXXXX")
child=
finish() {
    local status=$?
    trap - EXIT
    if [ -n "$child" ]; then
        kill "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    if [ "$status" -ne 0 ] && [ -s "$work/console.log" ]; then
        tail -n 40 "$work/console.log" >&2
    fi
    [ "$status" -eq 0 ] || rm -f "$image"
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 143' TERM INT HUP

# run COMMAND...: like COMMAND, but a signal ends it at once.
run() {
    "$@" &
    child=$!
    wait "$child"
    child=
}

# mirror_of_host: the archive of the suite that this host's apt uses.
mirror_of_host() {
    # shellcheck disable=SC2016 # the variables are apt's
    apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk -v suite="$suite" '$1 == "Debian" && $2 == suite && $3 == "main" { print $4; exit }'
}

# apt_options_of_host: how this host's apt gets to an archive, and what it accepts there.
apt_options_of_host() {
    apt-config dump 2>/dev/null |
        sed -nE '/^Acquire::(https?::Proxy|Check-Valid-Until|Check-Date|Retries)\b.*"[^"]+";$/Ip' |
        sed 's/^/--aptopt=/'
}

make_root_file_system() {
    local aptopts init_hooks
    tar --create --directory "$here/rootfs" --file "$work/overlay.tar" --sort=name \
        --owner=0 --group=0 --mode=u=rwX,go=rX .
    # The hooks' $1 is the root file system's directory.
    # shellcheck disable=SC2016
    if [ "$init" = systemd ]; then
        init_hooks=(
            --customize-hook='chroot "$1" systemctl --quiet enable systemd-networkd virtual-device-setup'
            --customize-hook='chroot "$1" systemctl --quiet disable systemd-networkd-wait-online e2scrub_reap'
            --customize-hook='chroot "$1" systemctl --quiet set-default multi-user'
            --customize-hook="chroot \"\$1\" systemctl --quiet mask $masked_units"
        )
    else
        init_hooks=(--customize-hook='chroot "$1" update-rc.d virtual-device-setup defaults')
    fi
    mapfile -t aptopts < <(apt_options_of_host || true)
    [ -n "$mirror" ] || mirror=$(mirror_of_host || true)
    # The hooks' $1 is the root file system's directory.
    # shellcheck disable=SC2016
    run mmdebstrap --quiet --variant=minbase --include="$packages" --components=main \
        ${aptopts[@]+"${aptopts[@]}"} \
        --setup-hook="tar-in $work/overlay.tar /" \
        --essential-hook='printf "%s\n" virtio_pci virtio_blk virtio_net ext4 >"$1/etc/initramfs-tools/modules"' \
        --essential-hook='echo grub-pc grub-pc/install_devices_empty boolean true | chroot "$1" debconf-set-selections' \
        "${init_hooks[@]}" \
        --customize-hook='echo PARTUUID=75696401-01 / ext4 defaults,noatime,errors=remount-ro 0 1 >"$1/etc/fstab"' \
        --customize-hook='chmod -x "$1"/etc/grub.d/20_linux_xen "$1"/etc/grub.d/30_*' \
        --customize-hook='echo nameserver 10.0.2.3 >"$1/etc/resolv.conf"' \
        --customize-hook='rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/apt/apt.conf.d/99mmdebstrap"' \
        --customize-hook='echo uninitialized >"$1/etc/machine-id"' \
        "$suite" "$work/rootfs.tar" ${mirror:+"$mirror"}
}

make_disk() {
    local size_in_bytes fakeroot=()
    [ "$(id -u)" -eq 0 ] || fakeroot=(fakeroot --)
    mkdir "$work/rootfs"
    rm -f "$image"
    truncate --size "$size" "$image"
    size_in_bytes=$(stat --format %s "$image")
    sfdisk --quiet "$image" <<END
label: dos
label-id: 0x75696401
start=2048, type=83, bootable
END
    # shellcheck disable=SC2016 # $1 to $4 are for the inner shell
    run "${fakeroot[@]}" sh -ec '
        tar --extract --preserve-permissions --numeric-owner --exclude="./dev/*" --file "$1" --directory "$2"
        mke2fs -q -F -t ext4 -L root -d "$2" \
            -E offset=1048576,root_owner=0:0,lazy_itable_init=0,assume_storage_prezeroed=1 "$3" "$4"
        ' sh "$work/rootfs.tar" "$work/rootfs" "$image" "$((size_in_bytes / 1024 - 1024))k"
}

install_boot_loader() {
    # Some ten seconds of processor time, which on a busy host without KVM is minutes.
    local cpu=max seal_timeout=1800
    accel=${accel:-$("$here/probe_accelerator.sh" ${cache:+"$cache"})}
    [ "$accel" != kvm ] || cpu=host
    run timeout "$seal_timeout" qemu-system-x86_64 -accel "$accel" -cpu "$cpu" -m 512 \
        -nodefaults -display none -no-reboot \
        -drive "file=$image,format=raw,if=virtio,cache=unsafe" -serial "file:$work/console.log" \
        -kernel "$work/rootfs/vmlinuz" -initrd "$work/rootfs/initrd.img" \
        -append 'root=/dev/vda1 rw console=ttyS0 loglevel=4 panic=-1 init=/usr/local/sbin/virtual-device-seal' ||
        die 'The guest that installs the boot loader did not end; its console is above.'
    grep -q 'virtual-device-seal: sealed' "$work/console.log" ||
        die 'The boot loader was not installed; the console of the guest is above.'
}

step "root file system of $suite is made"
make_root_file_system
step 'disk is made'
make_disk
step 'boot loader is installed from inside a guest'
install_boot_loader

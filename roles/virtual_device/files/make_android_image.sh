#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes the two disks that virtual devices with the profile "android" start from. The programs are
# Debian's, for arm64: apt fetches and verifies them in a private state, so that nothing of the host's
# own apt changes, and they are unpacked, not installed. Needs no root: mke2fs fills the file system,
# debugfs gives the files their owners. The same packages make the same bytes.

set -euo pipefail

me=${0##*/}
here=$(dirname "$(readlink -f "$0")")
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source-path=SCRIPTDIR source=messages.sh
. "$here/messages.sh"
# shellcheck source-path=SCRIPTDIR source=../../kernel_build/files/debian_archive.sh
. "$here/../../kernel_build/files/debian_archive.sh"

help() {
    cat <<END
usage: $me [option...] CACHE

Prints, as its last line, the directory CACHE/images/android-KEY with the disks system.img, which is
only read, and data.img, which a device's own disk starts as. KEY is the hash of everything that they
are made from but the packages; what is there is not made again.

  --print-path       only print the path; exit status 3 if it is not there
  --suite NAME       Debian release of the packages (default: trixie)
  --mirror URL       Debian archive (default: the one this host's apt uses)
  --keyring FILE     keys that may sign the index
                     (default: /usr/share/keyrings/debian-archive-keyring.gpg)
  --help             show this text

Exit status: 0 done, 1 failed, 2 wrong arguments, 3 see --print-path.
END
}

print_path=
suite=trixie
mirror=
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
options=$(getopt --name "$me" --options '' --longoptions print-path,suite:,mirror:,keyring:,help -- "$@") ||
    usage_error 'wrong arguments'
eval set -- "$options"
while [ "$1" != -- ]; do
    case $1 in
    --print-path) print_path=yes ;;
    --suite) suite=$2 && shift ;;
    --mirror) mirror=$2 && shift ;;
    --keyring) keyring=$2 && shift ;;
    --help) help && exit 0 ;;
    esac
    shift
done
shift
[ $# -eq 1 ] || usage_error 'exactly one CACHE is needed'
[[ $suite =~ ^[a-z][a-z0-9.-]*$ ]] || usage_error "--suite is the name of a Debian release, not '$suite'"
cache=$1

cc=aarch64-linux-gnu-gcc
command -v "$cc" >/dev/null || die "$cc is missing: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
key=$({
    printf '%s\n' "$suite"
    "$cc" -dumpfullversion
    cd "$here"
    find "$me" android -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
} | sha256sum | cut -c 1-12)
image=$cache/images/android-$key
if [ -n "$print_path" ]; then
    printf '%s\n' "$image"
    [ -e "$image" ] || exit 3
    exit 0
fi

mkdir -p "$cache/images"
exec 9>"$image.lock"
flock 9
if [ -e "$image" ]; then
    printf '%s\n' "$image"
    exit 0
fi
work=$(mktemp -d "$image.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root

# What a device is made of. dd and tr are coreutils', as Debian's toybox has none.
packages=(adbd coreutils mksh toybox)
# The commands of toybox that Android has as well, by the list of Android 14 (shell_and_utilities).
toybox_commands=(
    '[' base64 basename blkid blockdev cal cat chattr chgrp chmod chown chroot chrt cksum clear cmp comm cp cpio cut
    date devmem df dirname dmesg dos2unix du echo egrep env expand fallocate false fgrep file find flock fmt free
    freeramdisk fsfreeze fsync getconf grep groups gunzip head help hostname hwclock i2cdetect i2cdump i2cget i2cset
    iconv id ifconfig inotifyd insmod install ionice iorenice iotop kill killall ln logname losetup ls lsattr lsmod
    lspci lsusb makedevs md5sum microcom mkdir mkfifo mknod mkswap mktemp modinfo mount mountpoint mv nc netcat
    netstat nice nl nohup nproc nsenter od partprobe paste patch pgrep pidof ping ping6 pivot_root pkill pmap
    poweroff printenv printf prlimit ps pwd pwdx readelf readlink realpath reboot renice rev rfkill rm rmdir rmmod
    rtcwake sed seq setfattr setsid sha1sum sha224sum sha256sum sha384sum sha512sum sleep sort split stat strings
    swapoff swapon sync sysctl tac tail tar taskset tee test time timeout top touch true truncate tty
    tunctl uclampset ulimit umount uname uniq unix2dos unlink unshare uptime usleep uudecode uuencode uuidgen
    vconfig vmstat watch wc which whoami xargs xxd yes zcat
)

fetch_packages() {
    local apt_get
    [ -r "$keyring" ] || die "$keyring is missing: install the package debian-archive-keyring"
    [ -n "$mirror" ] || mirror=$(debian_mirror main)
    [ -n "$mirror" ] || die "this host's apt knows no Debian archive, which the programs of the device are fetched from"
    private_apt "$work/apt" "deb [signed-by=$keyring] $mirror $suite main"
    apt_get=(apt-get -c "$work/apt/apt.conf" -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64
        -o APT::Update::Error-Mode=any -o APT::Install-Recommends=false)
    { "${apt_get[@]}" update && "${apt_get[@]}" install --download-only -y "${packages[@]}"; } \
        </dev/null >"$work/log" 2>&1 || die "the programs of the device can't be fetched: $(apt_error "$work/log")"
    mkdir "$work/unpacked"
    for package in "$work"/apt/archives/*.deb; do
        dpkg-deb -x "$package" "$work/unpacked"
    done
}

# library NAME: the file of a library, by its name in a program that needs it.
library() {
    local directory
    for directory in "$work"/unpacked/usr/lib/aarch64-linux-gnu{,/android}; do
        if [ -e "$directory/$1" ]; then
            readlink -f "$directory/$1"
            return
        fi
    done
    die "no package has the library $1"
}

# add_program NAME FILE: with the libraries that it needs, and these need.
add_program() {
    install -m 0755 "$2" "$root/system/bin/$1"
    add_libraries "$2"
}

add_libraries() {
    local name file
    for name in $("${cc%gcc}readelf" -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
        [ ! -e "$root/system/lib64/$name" ] || continue
        file=$(library "$name")
        install -m 0755 "$file" "$root/system/lib64/$name"
        add_libraries "$file"
    done
}

lay_out_root() {
    local command bin=$work/unpacked/usr
    mkdir -p "$root"/{data,dev,proc,sys,vendor,system/{bin,etc/init,lib64}}
    # /bin and /etc as Android has them; /lib is where the programs look for their libraries.
    ln -s system/bin "$root/bin"
    ln -s system/etc "$root/etc"
    ln -s system/lib64 "$root/lib"
    cp -R "$here/android/system/." "$root/system"
    chmod 0755 "$root"/system/bin/*
    add_program adbd "$bin/sbin/adbd"
    add_program sh "$bin/bin/mksh"
    add_program dd "$bin/bin/dd"
    add_program tr "$bin/bin/tr"
    add_program toybox "$bin/bin/toybox"
    for command in "${toybox_commands[@]}"; do
        ln -s toybox "$root/system/bin/$command"
    done
    "$cc" -std=gnu11 -O2 -Wall -Wextra -Werror -static -s -o "$root/init" "$here/android/init.c"
    "$cc" -std=gnu11 -O2 -Wall -Wextra -Werror -static -s -o "$root/system/bin/su" "$here/android/su.c"
    # For the C library's programs, which know no other users.
    cat >"$root/system/etc/passwd" <<END
root:x:0:0::/:/system/bin/sh
system:x:1000:1000::/:/system/bin/sh
shell:x:2000:2000::/data/local/tmp:/system/bin/sh
nobody:x:9999:9999::/:/system/bin/sh
END
    sed 's/^\([^:]*\):x:[0-9]*:\([0-9]*\):.*/\1:x:\2:/' "$root/system/etc/passwd" >"$root/system/etc/group"
    chmod -R u+w,go-w "$root"
}

# make_ext4 IMAGE SIZE MKE2FS_OPTION...
make_ext4() {
    local file=$1 size=$2
    shift 2
    truncate -s "$size" "$file"
    E2FSPROGS_FAKE_TIME=1 mke2fs -q -t ext4 -m 0 -U 00000000-0000-4000-8000-000000000001 \
        -E hash_seed=00000000-0000-4000-8000-000000000002,lazy_itable_init=0,root_owner=0:0 "$@" "$file"
}

# set_owners: everything is root's, su is what it is for, and all times are the same.
set_owners() {
    {
        find "$root" -printf '/%P\n' | LC_ALL=C sort | while IFS= read -r path; do
            printf 'set_inode_field "%s" %s\n' "$path" 'uid 0' "$path" 'gid 0'
            printf 'set_inode_field "%s" %s @1\n' "$path" atime "$path" ctime "$path" mtime "$path" crtime
        done
        printf 'set_inode_field /system/bin/su mode 0104755\n'
    } >"$work/owners"
    E2FSPROGS_FAKE_TIME=1 debugfs -w -f "$work/owners" "$work/system.img" 2>&1 | grep -v '^debugfs' >"$work/complaints" || true
    [ ! -s "$work/complaints" ] || die "the owners of files cannot be set: $(head -n 3 "$work/complaints")"
}

fetch_packages
lay_out_root
make_ext4 "$work/system.img" 64M -O ^has_journal -d "$root"
set_owners
# A device's disk is larger, and so is this file system then.
make_ext4 "$work/data.img" 512M
mkdir "$work/image"
mv "$work/system.img" "$work/data.img" "$work/image"
chmod 0444 "$work"/image/*
mv "$work/image" "$image"
printf '%s\n' "$image"

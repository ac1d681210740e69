#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: make_watchdog.sh KERNEL_SOURCE_DEB PREBUILD RELEASE PACKAGE_VERSION CACHE
#
# Builds the driver of QEMU's watchdog, i6300esb, for a kernel of Debian 12 that lacks it, as the one for clouds does, by
# PREBUILD, the program of role uid_mem. Prints where it is as the last line.

set -euo pipefail

if [ "${1-}" = --help ] || [ $# -ne 5 ]; then
    sed -n '/^# usage:/,/^$/{/^#/{s/^# \{0,1\}//;p}}' "$0"
    [ $# -eq 5 ] || [ "${1-}" = --help ] || exit 2
    exit 0
fi
source_deb=$1 prebuild=$2 release=$3 package_version=$4 cache=$5

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/source"
echo 'obj-m := i6300esb.o' >"$work/source/Kbuild"
# The archive is read to its end, or what writes to the pipe would fail.
dpkg-deb --fsys-tarfile "$source_deb" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' | xz -dc -T 0 |
    tar -xO --wildcards '*/drivers/watchdog/i6300esb.c' >"$work/source/i6300esb.c"
id=i6300esb-$(cat "$work"/source/* | sha256sum | cut -c 1-12)
"$prebuild" --release "$release" --package-version "$package_version" --suite bookworm --os debian --arch "$(uname -m)" \
    --source "$work/source" --source-id "$id" --module i6300esb --cache "$cache"

#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Compiles a configured kernel tree and packs what a device and later module builds need.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=build_lib.sh
. "$(dirname "$(readlink -f "$0")")/build_lib.sh"

help() {
    cat <<'END'
usage: compile_kernel.sh [option...] TREE OUT

Runs make bindeb-pkg in TREE, which is patched and configured, and fills OUT, which must
not exist, with
  linux-image-RELEASE_*.deb  config  System.map  the boot image (bzImage on x86_64)
  image    the boot image's name
  release  the kernel release
  kbuild/  the part of the tree that modules are built against
TREE's parent directory receives the other packages that bindeb-pkg makes. ARCH and CROSS_COMPILE
in the environment have the meaning that make gives them.

  --jobs N     compile this many files at once (default: the number of processors)
  --epoch S    seconds since 1970 taken as the time of the build (default: 0)
  --ccache DIR use ccache, if it is installed, with its cache in DIR
END
}

jobs=$(nproc) epoch=0 ccache=''
while [ $# -gt 0 ]; do
    case $1 in
    --help) help; exit 0 ;;
    --jobs) need_value "$1" $#; jobs=$2; shift ;;
    --epoch) need_value "$1" $#; epoch=$2; shift ;;
    --ccache) need_value "$1" $#; ccache=$2; shift ;;
    -*) usage_error "unknown option $1" ;;
    *) break ;;
    esac
    shift
done
[ $# -eq 2 ] || usage_error "TREE and OUT are needed"
[[ $jobs =~ ^[1-9][0-9]*$ ]] || usage_error "--jobs is a number from 1, not $jobs"
[[ $epoch =~ ^[0-9]+$ ]] || usage_error "--epoch is a number of seconds, not $epoch"
tree=$(readlink -f "$1") out=$(readlink -m "$2")
[ ! -e "$out" ] || die "$out exists."

# The same inputs give the same image, whoever builds it, wherever and whenever.
export KBUILD_BUILD_USER=uid_mem KBUILD_BUILD_HOST=kernel_build KBUILD_BUILD_VERSION=1
KBUILD_BUILD_TIMESTAMP=$(LC_ALL=C date -u -d "@$epoch")
export KBUILD_BUILD_TIMESTAMP SOURCE_DATE_EPOCH=$epoch
export DEBEMAIL=root@localhost DEBFULLNAME=uid_mem KDEB_CHANGELOG_DIST=unstable
# gzip: any dpkg unpacks it, and it is quick.
export KDEB_COMPRESS=gzip
# The headers are packed below, for our own use only.
export DEB_BUILD_PROFILES='pkg.linux-upstream.nokernelheaders pkg.linux-upstream.nokerneldbg'
unset MAKEFLAGS MFLAGS

make_args=()
if [ -n "$ccache" ] && command -v ccache > /dev/null; then
    export CCACHE_DIR=$ccache CCACHE_MAXSIZE=2G CCACHE_BASEDIR=$tree
    make_args+=("CC=ccache ${CROSS_COMPILE:-}gcc")
fi

kernel_make() {
    make -C "$tree" --no-print-directory "${make_args[@]}" "$@"
}

# kbuild_files: what kbuild needs of a built tree, as scripts/package/builddeb has it.
pack_kbuild() {
    local arch=$1 to=$out/kbuild
    mkdir -p "$to"
    (
        cd "$tree"
        {
            printf '%s\n' .config Module.symvers
            find . "arch/$arch" -maxdepth 1 -name 'Makefile*'
            find include scripts "arch/$arch/include" \( -type f -o -type l \) ! -name '*.cmd' ! -name '*.o'
            find "arch/$arch" -name Kbuild.platforms -o -name Platform
            find "arch/$arch" -type d \( -name include -o -name scripts \) -exec find {} -type f \;
            for file in tools/objtool/objtool tools/bpf/resolve_btfids/resolve_btfids Kbuild scripts/module.lds \
                certs/signing_key.pem certs/signing_key.x509; do
                [ ! -e "$file" ] || echo "$file"
            done
        } | sort -u | tar -c -T - | tar -x -C "$to"
    )
}

upstream=$(kernel_make -s kernelversion)
image=$(kernel_make -s image_name)
source_arch=$(sed -n 's/^# *Linux\/\([a-z0-9_]*\) .*/\1/p' "$tree/.config")
export KDEB_PKGVERSION=$upstream-1

kernel_make -j "$jobs" all
kernel_make -j "$jobs" bindeb-pkg
# Only a configured tree knows it: before that, CONFIG_LOCALVERSION is not read.
release=$(cat "$tree/include/config/kernel.release")

tmp=$out.tmp
rm -rf "$tmp"
mkdir -p "$tmp"
out=$tmp
cp "$tree/../linux-image-${release}_${KDEB_PKGVERSION}"_*.deb "$out/"
cp "$tree/.config" "$out/config"
cp "$tree/System.map" "$out/System.map"
cp "$tree/$image" "$out/"
printf '%s\n' "${image##*/}" > "$out/image"
printf '%s\n' "$release" > "$out/release"
pack_kbuild "$source_arch"
mv "$tmp" "${tmp%.tmp}"

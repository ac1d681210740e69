#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds a module, uid_mem unless told otherwise, on the controller for a Debian kernel, in seconds.

set -euo pipefail
kernel_build=$(dirname "$(readlink -f "$0")")/../../kernel_build/files
# shellcheck source-path=SCRIPTDIR source=../../kernel_build/files/build_lib.sh
. "$kernel_build/build_lib.sh"
# shellcheck source-path=SCRIPTDIR source=../../kernel_build/files/debian_archive.sh
. "$kernel_build/debian_archive.sh"

help() {
    cat <<'END'
usage: prebuild.sh --release R --package-version V --suite NAME --os NAME --arch ARCH --source DIR --source-id ID --cache DIR

Builds the module for the kernel of release R, and prints where it is as its last line. The kernel's
headers come from the Debian archive. apt does the work with all its checks in a private state under
the cache directory, so that nothing of the host's own apt changes and no privilege is needed. What
was built once is there at once the next time.

  --release R           kernel release (uname -r on the device)
  --package-version V   version of the device's package linux-image-R
  --suite NAME          Debian suite of the device, e.g. bookworm; its -security and -backports
                        suites are used as well
  --os NAME             ID in /etc/os-release of the device
  --arch ARCH           machine of the device (uname -m)
  --source DIR          source of the module
  --module NAME         its name (default: uid_mem)
  --source-id ID        changes when the source does
  --cache DIR           cache directory
  --max-age HOURS       package index older than that is refreshed (default: 24)
  --keyring FILE        keys that may sign the index
                        (default: /usr/share/keyrings/debian-archive-keyring.gpg)

Exit status: 0 built, 1 it can't be built here (the reason is on stderr), 2 wrong arguments.
END
}

release='' package_version='' suite='' os='' arch='' source='' source_id='' cache='' max_age=24 name=uid_mem
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
while [ $# -gt 0 ]; do
    [ "$1" != --help ] || { help && exit 0; }
    [ $# -ge 2 ] || usage_error "unexpected argument or option without its value: '$1'"
    case $1 in
    --release) release=$2 ;;
    --package-version) package_version=$2 ;;
    --suite) suite=$2 ;;
    --os) os=$2 ;;
    --arch) arch=$2 ;;
    --source) source=$(readlink -f "$2") ;;
    --source-id) source_id=$2 ;;
    --module) name=$2 ;;
    --cache) cache=$(readlink -m "$2") ;;
    --max-age) max_age=$2 ;;
    --keyring) keyring=$2 ;;
    *) usage_error "unknown option '$1'" ;;
    esac
    shift 2
done
[ -n "$release" ] || usage_error '--release is missing'
[ -n "$source" ] || usage_error '--source is missing'
[ -n "$source_id" ] || usage_error '--source-id is missing'
[ -n "$cache" ] || usage_error '--cache is missing'
[[ $max_age =~ ^[0-9]+$ ]] || usage_error "--max-age is a number of hours, not '$max_age'"
# They become parts of paths.
for word in "$release" "$source_id" "${suite:-none}" "$name"; do
    [[ $word =~ ^[A-Za-z0-9][A-Za-z0-9.+~_-]*$ ]] || usage_error "'$word' has characters that no kernel release, suite, identity or module has"
done

module=$cache/stock/$release-$source_id/$name.ko
if [ -e "$module" ]; then
    printf '%s\n' "$module"
    exit 0
fi

# What is known not to work needs no download.
[ "$os" = debian ] || die "the device's system is ${os:-unknown}, and headers are fetched for Debian only"
[ -n "$package_version" ] || die "the kernel $release on the device does not come from a package linux-image-$release"
[ "$arch" = "$(uname -m)" ] || die "the device is ${arch:-of an unknown machine type}, the controller $(uname -m)"
missing=()
for tool in apt-get:apt dpkg-deb:dpkg ldd:libc-bin gcc:gcc make:make strip:binutils flock:util-linux; do
    command -v "${tool%%:*}" >/dev/null || missing+=("${tool##*:}")
done
[ -e "$keyring" ] || missing+=(debian-archive-keyring)
[ ${#missing[@]} -eq 0 ] || die "packages are missing on the controller: apt-get install ${missing[*]}"

state=$cache/apt/headers-$suite
mkdir -p "$state" "$cache/stock"
exec 9>"$state/lock"
flock 9
[ ! -e "$module" ] || { printf '%s\n' "$module" && exit 0; }
work=$(mktemp -d "$cache/stock/.build-XXXXXX")
trap 'rm -rf "$work"' EXIT

write_apt_state() {
    local main security
    main=$(debian_mirror main)
    security=$(debian_mirror security)
    [ -n "$main" ] || die "the controller's apt knows no Debian archive"
    private_apt "$state" \
        "deb [signed-by=$keyring] $main $suite main" \
        "deb [signed-by=$keyring] $main $suite-backports main" \
        ${security:+"deb [signed-by=$keyring] $security $suite-security main"}
}

refresh_index() {
    apt-get -c "$state/apt.conf" -qq update >"$state/log" 2>&1 && touch "$state/refreshed"
}

# headers_packages: package=version of each package that has a part of the headers; nothing where the archive has none.
headers_packages() {
    local headers=linux-headers-$release depends
    depends=$({ apt-cache -c "$state/apt.conf" show "$headers=$package_version" 2>/dev/null || true; } |
        sed -n 's/^Depends: //p' | head -n 1)
    [ -n "$depends" ] || return 0
    printf '%s=%s\n' "$headers" "$package_version"
    # Of the rest, the compiler is the controller's, and the kernel itself is not needed.
    tr ',|' '\n' <<<"$depends" | sed -nE \
        -e "s/^ *(linux-headers-[^ ]*-common[^ ]*) .*\$/\\1=$package_version/p" \
        -e 's/^ *(linux-kbuild-[^ ]*).*$/\1/p'
}

download_headers() {
    local packages
    mapfile -t packages < <(headers_packages)
    [ ${#packages[@]} -gt 0 ] || return 1
    mkdir -p "$work/debs"
    (cd "$work/debs" && apt-get -c "$state/apt.conf" -qq download "${packages[@]}") >"$state/log" 2>&1
}

fetch_headers() {
    write_apt_state
    if [ -n "$(find "$state/refreshed" -mmin "-$((max_age * 60))" 2>/dev/null)" ] && download_headers; then
        return 0
    fi
    refresh_index || die "the package index of Debian $suite can't be read: $(apt_error "$state/log")"
    [ -n "$(headers_packages)" ] ||
        die "Debian $suite has no linux-headers-$release $package_version (any more): upgrade the device's kernel"
    download_headers || die "the headers of $release can't be downloaded: $(apt_error "$state/log")"
}

unpack_headers() {
    local deb
    for deb in "$work"/debs/*.deb; do
        dpkg-deb -x "$deb" "$work/headers"
    done
    kbuild=$work/headers/usr/src/linux-headers-$release
    # Debian names the place where they would be installed.
    sed -i "s|^include /usr/src/|include $work/headers/usr/src/|" "$kbuild/Makefile"
}

# What the headers' own programs, which are made for the suite's C library, lack here; nothing where they run.
headers_lack() {
    local lacks
    lacks=$(find "$work/headers/usr/lib" -type f -perm -100 \( -path '*/scripts/*' -o -path '*/objtool/*' \) \
        -exec ldd {} + 2>&1 | grep -m 1 'not found' || true)
    lacks=${lacks##*: }
    printf '%s' "${lacks%% (required*}"
}

# In a root directory of the suite, with its compiler: where its programs do not run here.
compile_in_suite() {
    command -v mmdebstrap >/dev/null ||
        die "the build tools of Debian $suite do not run on the controller ($1): install the package mmdebstrap there, or use a system at least as new as the device's"
    local sources options=() valid
    mapfile -t sources <"$state/sources.list"
    # As the host's apt has it: a mirror may stand still.
    valid=$(apt-config shell value Acquire::Check-Valid-Until/b 2>/dev/null) || valid=''
    [[ $valid != *false* ]] || options=(--aptopt='Acquire::Check-Valid-Until "false"')
    mkdir "$work/module" "$work/out"
    cp "$source"/*.[ch] "$source/Kbuild" "$work/module/"
    rm -f "$work/module"/*.mod.c
    cat >"$work/module/build.sh" <<END
set -eu
make -C /usr/src/linux-headers-$release -j $(nproc) M=/module modules
strip -g /module/$name.ko
mkdir /module/out
mv /module/$name.ko /module/out/
END
    # shellcheck disable=SC2016 # the directory is mmdebstrap's
    mmdebstrap --quiet --variant=apt --format=null "${options[@]}" \
        --include="linux-headers-$release=$package_version,binutils,make" \
        --customize-hook="copy-in '$work/module' /" \
        --customize-hook='chroot "$1" sh /module/build.sh' \
        --customize-hook="sync-out /module/out '$work/out'" \
        "$suite" /dev/null "${sources[@]}" >"$work/log" 2>&1 ||
        die "the module does not compile for $release in a root directory of Debian $suite: $(grep -m 3 -E '^E:|error|Error' "$work/log" | tr '\n' ';')"
    mv "$work/out/$name.ko" "$work/module/"
}

compile() {
    local compiler
    mkdir "$work/module"
    cp "$source"/*.[ch] "$source/Kbuild" "$work/module/"
    rm -f "$work/module"/*.mod.c
    # shellcheck disable=SC2016 # make's variable
    compiler=$(printf 'include %s\nshow:\n\t@echo $(CC)\n' "$kbuild/.kernelvariables" | make -s -f - show 2>/dev/null || true)
    command -v "${compiler:-none}" >/dev/null || compiler=gcc
    unset MAKEFLAGS MFLAGS
    make -C "$kbuild" -j "$(nproc)" "CC=$compiler" "M=$work/module" modules >"$work/log" 2>&1 ||
        die "the module does not compile for $release with $compiler: $(grep -m 3 -E 'error|Error' "$work/log" | tr '\n' ';')"
    strip -g "$work/module/$name.ko"
}

fetch_headers
unpack_headers
lacks=$(headers_lack)
if [ -z "$lacks" ]; then
    compile
else
    compile_in_suite "$lacks"
fi
mkdir "$work/done"
mv "$work/module/$name.ko" "$work/done/"
mv "$work/done" "${module%/*}"
printf '%s\n' "$module"

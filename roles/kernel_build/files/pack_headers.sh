#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Packs what modules are built against, so that a device can build its own (DKMS) for the kernel.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=build_lib.sh
. "$(dirname "$(readlink -f "$0")")/build_lib.sh"

help() {
    cat <<'END'
usage: pack_headers.sh [--epoch S] KBUILD IMAGE_PACKAGE OUT

Makes OUT/linux-headers-RELEASE_*.deb of KBUILD, the directory that compile_kernel.sh packs, for the
kernel in IMAGE_PACKAGE (linux-image-*.deb): /usr/src/linux-headers-RELEASE, and
/lib/modules/RELEASE/build that points to it. When it is installed, the hooks in
/etc/kernel/header_postinst.d are run, DKMS's among them, as Debian's own packages do it.
The key that signs this kernel's modules is not packed. The programs in scripts/ run on the kind of
machine that KBUILD was compiled on.

  --epoch S   seconds since 1970 taken as the time of the build (default: 0)
END
}

epoch=0
while [ $# -gt 0 ]; do
    case $1 in
    --help) help; exit 0 ;;
    --epoch) need_value "$1" $#; epoch=$2; shift ;;
    -*) usage_error "unknown option $1" ;;
    *) break ;;
    esac
    shift
done
[ $# -eq 3 ] || usage_error "KBUILD, IMAGE_PACKAGE and OUT are needed"
[[ $epoch =~ ^[0-9]+$ ]] || usage_error "--epoch is a number of seconds, not $epoch"
kbuild=$1 image=$2 out=$3
[ -e "$kbuild/.config" ] || die "$kbuild is no configured kernel tree."
name=$(dpkg-deb --field "$image" Package)
case $name in
linux-image-?*) release=${name#linux-image-} ;;
*) die "$image is no kernel package: its name is $name." ;;
esac

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
export SOURCE_DATE_EPOCH=$epoch
source_dir=/usr/src/linux-headers-$release
umask 022
mkdir -p "$root/DEBIAN" "$root$source_dir" "$root/lib/modules/$release"
chmod 755 "$root"
tar -c -C "$kbuild" --exclude=./certs/signing_key.pem . | tar -x -C "$root$source_dir" --no-same-owner --no-same-permissions
ln -s "$source_dir" "$root/lib/modules/$release/build"
cat > "$root/DEBIAN/control" <<END
Package: linux-headers-$release
Version: $(dpkg-deb --field "$image" Version)
Architecture: $(dpkg-deb --field "$image" Architecture)
Maintainer: $(dpkg-deb --field "$image" Maintainer)
Section: kernel
Priority: optional
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Description: what modules for kernel $release are built against
 Modules of the device, for example those that DKMS builds, are compiled with it.
END
cat > "$root/DEBIAN/postinst" <<END
#!/bin/sh
set -e
if [ "\$1" = configure ] && [ -d /etc/kernel/header_postinst.d ]; then
	DEB_MAINT_PARAMS="\$*" run-parts --report --exit-on-error --arg=$release /etc/kernel/header_postinst.d
fi
END
chmod 755 "$root/DEBIAN/postinst"
find "$root" -exec touch --no-dereference --date="@$epoch" {} +
dpkg-deb --root-owner-group -Zgzip --build "$root" "$out" > /dev/null

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Packs the source of the module, and a module that was built from it, for the program stock of device/. It runs on the
# controller.
set -eu

# shellcheck source-path=SCRIPTDIR source=../../../device/lib/source.sh
. "$(dirname "$0")/../../../device/lib/source.sh"

usage() {
	cat <<USAGE
usage: pack_stock.sh SOURCE DIRECTORY [MODULE RELEASE]
       pack_stock.sh --id SOURCE

Writes DIRECTORY/stock.tar.gz from the source of the module in SOURCE, and MODULE, which was built from it for the kernel
RELEASE. With --id, prints the identity of the source.
USAGE
}

misuse() {
	printf 'pack_stock.sh: %s (see pack_stock.sh --help)\n' "$*" >&2
	exit 2
}

case ${1-} in
--help | -h)
	usage
	exit 0
	;;
--id)
	[ $# -eq 2 ] || misuse "--id takes SOURCE"
	source_id "$2"
	exit 0
	;;
esac
if [ $# -ne 2 ] && [ $# -ne 4 ]; then misuse "it takes SOURCE and DIRECTORY, or these with MODULE and RELEASE"; fi
[ -e "$1/Kbuild" ] || misuse "there is no source of the module in $1"
mkdir -p "$2"
work=$(mktemp -d "$2/.pack-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/payload" "$work/payload/source"
source_files "$1" | while IFS= read -r file; do cp "$1/$file" "$work/payload/source/"; done
if [ $# -eq 4 ]; then
	cp "$3" "$work/payload/uid_mem.ko"
	printf '%s\n' "$4" >"$work/payload/release"
fi
tar -czf "$work/stock.tar.gz" -C "$work/payload" .
mv -f "$work/stock.tar.gz" "$2/stock.tar.gz"

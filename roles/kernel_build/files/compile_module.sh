#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Compiles uid_mem.ko for a kernel that is built.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=build_lib.sh
. "$(dirname "$(readlink -f "$0")")/build_lib.sh"

help() {
    cat <<'END'
usage: compile_module.sh [--jobs N] KBUILD SOURCE WORK

Copies the module's SOURCE to WORK, which must not exist, and builds it there against KBUILD,
a configured kernel tree or the kbuild/ directory that compile_kernel.sh packs.
The result is WORK/uid_mem.ko, and WORK/uid_mem_test.ko for a kernel with CONFIG_KUNIT.
END
}

jobs=$(nproc)
while [ $# -gt 0 ]; do
    case $1 in
    --help) help; exit 0 ;;
    --jobs) need_value "$1" $#; jobs=$2; shift ;;
    -*) usage_error "unknown option $1" ;;
    *) break ;;
    esac
    shift
done
[ $# -eq 3 ] || usage_error "KBUILD, SOURCE and WORK are needed"
kbuild=$(readlink -f "$1") source=$(readlink -f "$2") work=$(readlink -m "$3")
[ -e "$kbuild/.config" ] || die "$kbuild is no configured kernel tree."
[ ! -e "$work" ] || die "$work exists."

mkdir -p "$work"
module_sources "$source" | tar -c -C "$source" -T - | tar -x -C "$work"
unset MAKEFLAGS MFLAGS
make -C "$kbuild" --no-print-directory -j "$jobs" "M=$work" modules
[ -e "$work/uid_mem.ko" ] || die "The build of $source made no uid_mem.ko."

# A kernel that signs its modules keeps its key beside what modules are built against.
if [ -e "$kbuild/certs/signing_key.pem" ]; then
    hash=$(sed -n 's/^CONFIG_MODULE_SIG_HASH="\(.*\)"/\1/p' "$kbuild/.config")
    for file in "$work"/*.ko; do
        "$kbuild/scripts/sign-file" "${hash:-sha256}" "$kbuild/certs/signing_key.pem" "$kbuild/certs/signing_key.x509" \
            "$file"
    done
fi

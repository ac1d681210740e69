#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Applies a series of patches to a kernel tree, or says which hunk does not fit.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=build_lib.sh
. "$(dirname "$(readlink -f "$0")")/build_lib.sh"

help() {
    cat <<'END'
usage: apply_patches.sh TREE PATCHES

Applies PATCHES/*.patch in the order of their names to the kernel source in TREE.
Lines may have moved (an offset); the lines around a change must be as the patch
has them (no fuzz). A patch that does not apply stops: file and hunk are named on stderr,
and TREE is left half patched: give a copy.
END
}

case ${1:-} in
--help) help; exit 0 ;;
-*) usage_error "unknown option $1" ;;
esac
[ $# -eq 2 ] || usage_error "TREE and PATCHES are needed"
tree=$1 patches=$2

# failed_hunks: "file: hunk 2 (line 120), hunk 5 (line 300)" out of what patch(1) says.
failed_hunks() {
    awk '/^(patching|checking) file / { file = $3 }
         /^can.t find file to patch/ { print "a file it changes is not there" }
         /^The next patch would (create|delete) the file/ { print; next }
         /^Hunk #[0-9]+ FAILED at [0-9]+/ {
             sub("#", "", $2); sub("[.]$", "", $5)
             hunks[file] = hunks[file] (hunks[file] ? ", " : "") "hunk " $2 " (line " $5 ")"
         }
         END { for (f in hunks) print f ": " hunks[f] }'
}

for patch in "$patches"/*.patch; do
    [ -e "$patch" ] || die "No patches in $patches."
    echo "applying ${patch##*/}"
    if ! said=$(LC_ALL=C patch --directory="$tree" --strip=1 --fuzz=0 --forward --batch \
        --no-backup-if-mismatch --reject-file=- --input="$(readlink -f "$patch")" 2>&1); then
        printf '%s\n' "$said"
        die "Patch ${patch##*/} does not apply to this kernel source:
$(printf '%s\n' "$said" | failed_hunks | sed 's/^/  /')
The way out: refresh that hunk against this source, or build a source that the patch was made for \
(kernel_build_source_version)."
    fi
    printf '%s\n' "$said"
done

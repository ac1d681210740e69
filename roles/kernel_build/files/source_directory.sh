#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Describes a local kernel tree: what it is, and a hash of all that is in it.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=build_lib.sh
. "$(dirname "$(readlink -f "$0")")/build_lib.sh"

help() {
    cat <<'END'
usage: source_directory.sh --series X.Y DIRECTORY
       source_directory.sh --list DIRECTORY

Checks that DIRECTORY is a kernel tree of the series and prints as JSON what it is
(name, version, file, sha256). With --list prints, zero terminated, the files that belong to it.

What is hashed is exactly what is listed, and what a build copies:
  - a git checkout: the tracked and the untracked, not ignored files as they are on the disk;
    unchanged ones count through the tree object of HEAD, so that this is quick
  - any other directory: every file, by path, mode and content (some seconds for a whole kernel)
END
}

mode=describe series='' directory=''
while [ $# -gt 0 ]; do
    case $1 in
    --help) help; exit 0 ;;
    --series) need_value "$1" $#; series=$2; shift ;;
    --list) mode=list ;;
    -*) usage_error "unknown option $1" ;;
    *) [ -z "$directory" ] || usage_error "one DIRECTORY only"; directory=$1 ;;
    esac
    shift
done
[ -n "$directory" ] || usage_error "DIRECTORY is missing"

is_git_checkout() {
    [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)" ] && git rev-parse -q --verify HEAD > /dev/null
}

list_files() {
    if is_git_checkout; then
        # Files deleted on the disk are still in the index.
        git ls-files -z --cached --others --exclude-standard |
            while IFS= read -r -d '' file; do
                [ ! -e "$file" ] && [ ! -L "$file" ] || printf '%s\0' "$file"
            done
    else
        find . -path ./.git -prune -o \( -type f -o -type l \) -printf '%P\0' | LC_ALL=C sort -z
    fi
}

hash_git() {
    {
        git rev-parse 'HEAD^{tree}'
        git diff --binary --no-ext-diff HEAD
        git ls-files -z --others --exclude-standard | LC_ALL=C sort -z | hash_files
    } | sha256sum | cut -d' ' -f1
}

# hash_files: path, mode and content of the files listed on stdin; of a link, where it points to.
hash_files() {
    local list
    list=$(mktemp)
    cat > "$list"
    xargs -0 -r stat --printf '%a %N\n' < "$list"
    # shellcheck disable=SC2016 # the inner shell's variable
    xargs -0 -r sh -c 'for f do [ -L "$f" ] || printf "%s\0" "$f"; done' sh < "$list" | xargs -0 -r sha256sum
    rm -f "$list"
}

make_variable() { # NAME
    sed -n "s/^$1 *= *//p" Makefile | head -n 1
}

[ -d "$directory" ] || die "$directory is no directory: set kernel_build_source_dir to a kernel source tree."
cd "$directory"
for file in Makefile Kconfig Kbuild scripts/kconfig/merge_config.sh; do
    [ -e "$file" ] ||
        die "$directory is no kernel source tree: $file is missing. Set kernel_build_source_dir to the top of one."
done
if [ "$mode" = list ]; then
    list_files
    exit 0
fi

found=$(make_variable VERSION).$(make_variable PATCHLEVEL)
[ "$found" = "$series" ] ||
    die "$directory is Linux $found and kernel_build_series is $series: set kernel_build_series to \"$found\"."

if is_git_checkout; then
    sum=$(hash_git)
else
    sum=$(list_files | hash_files | sha256sum | cut -d' ' -f1)
fi
version=$found.$(make_variable SUBLEVEL)$(make_variable EXTRAVERSION)
printf '{"name": %s, "version": %s, "file": %s, "sha256": "%s", "warning": ""}\n' \
    "$(json_string "linux-$version")" "$(json_string "$version")" "$(json_string "$(pwd -P)")" "$sum"

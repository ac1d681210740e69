#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Lists what a kernel package has: its modules, built in or loadable, and the file systems they bring.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=build_lib.sh
. "$(dirname "$(readlink -f "$0")")/build_lib.sh"

help() {
    cat <<'END'
usage: list_modules.sh PACKAGE
       list_modules.sh --lsm CONFIG

Prints for the kernel in PACKAGE (linux-image-*.deb) one line for each
  module        NAME builtin|module, from modules.builtin and the *.ko files, dashes as underscores
  file system   the same for each alias fs-NAME of a module, e.g. ext2 of ext4
With --lsm prints the security modules that a kernel with this configuration has, one a line, those
that CONFIG_LSM starts first and in its order.
END
}

# What the kernel calls a security module, and the option that compiles it in.
security_modules='lockdown SECURITY_LOCKDOWN_LSM
landlock SECURITY_LANDLOCK
yama SECURITY_YAMA
loadpin SECURITY_LOADPIN
safesetid SECURITY_SAFESETID
integrity INTEGRITY
selinux SECURITY_SELINUX
smack SECURITY_SMACK
tomoyo SECURITY_TOMOYO
apparmor SECURITY_APPARMOR
ipe SECURITY_IPE
ima IMA
evm EVM
bpf BPF_LSM'

list_lsm() { # CONFIG
    local name option order
    order=$(sed -n 's/^CONFIG_LSM="\(.*\)"$/\1/p' "$1")
    {
        # The kernel starts it whatever CONFIG_LSM says.
        ! grep -q '^CONFIG_SECURITY=y' "$1" || echo capability
        for name in ${order//,/ }; do
            option=$(awk -v name="$name" '$1 == name { print $2 }' <<< "$security_modules")
            [ -z "$option" ] || ! grep -q "^CONFIG_$option=y" "$1" || echo "$name"
        done
        while read -r name option; do
            ! grep -q "^CONFIG_$option=y" "$1" || echo "$name"
        done <<< "$security_modules"
    } | awk '!seen[$0]++'
}

list_modules() { # PACKAGE
    local work dir
    work=$(mktemp -d)
    # shellcheck disable=SC2064 # now: the variable is local
    trap "rm -rf '$work'" EXIT
    dpkg-deb --fsys-tarfile "$1" > "$work/tar"
    tar -t -f "$work/tar" > "$work/files"
    tar -x -f "$work/tar" -C "$work" --wildcards '*/lib/modules/*/modules.*' ||
        die "$1 is no kernel package: it has no /lib/modules/*/modules.builtin."
    dir=$(dirname "$(find "$work" -name modules.builtin | head -n 1)")
    {
        sed -n 's|.*/\([^/]*\)\.ko$|\1 builtin|p' "$dir/modules.builtin"
        # Zero-terminated: MODULE.alias=fs-NAME
        tr '\0' '\n' < "$dir/modules.builtin.modinfo" | sed -n 's/^[^.]*\.alias=fs-\(.*\)$/\1 builtin/p'
        sed -n 's|.*/\([^/]*\)\.ko\(\.[a-z0-9]*\)\{0,1\}$|\1 module|p' "$work/files"
        sed -n 's/^alias fs-\([^ ]*\) .*$/\1 module/p' "$dir/modules.alias"
    } | tr - _ | LC_ALL=C sort | awk '!seen[$1]++'
}

case ${1:-} in
--help) help ;;
--lsm)
    need_value "$1" $#
    list_lsm "$2"
    ;;
-*) usage_error "unknown option $1" ;;
*)
    [ $# -eq 1 ] || usage_error "PACKAGE is needed"
    list_modules "$1"
    ;;
esac

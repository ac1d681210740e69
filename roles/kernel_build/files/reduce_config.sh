#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Leaves out of a configured kernel tree the modules that no device has loaded (make localmodconfig).

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=build_lib.sh
. "$(dirname "$(readlink -f "$0")")/build_lib.sh"

help() {
    cat <<'END'
usage: reduce_config.sh TREE OUT NAME...

Writes to OUT what `make localmodconfig` makes of TREE/.config when the modules NAME... are loaded:
options that are modules and are not needed by any of them are turned off. Built-in options stay.
Some directories of the kernel stay as they are (LMC_KEEP), because a loaded module is no
measure for them:
  always              fs/fat fs/isofs fs/nls fs/fuse fs/overlayfs drivers/hid drivers/usb/storage
                      drivers/watchdog, and the module loop: what is plugged in or mounted later
  with any module     net/netfilter net/ipv4/netfilter net/ipv6/netfilter net/bridge/netfilter
  of a packet filter  (ip_tables, nf_tables, xt_*, ...): a rule may ask for any match
  with dm_mod, raid*  drivers/md
Prints the names that are no module of this source (out of tree, or renamed since).
END
}

case ${1:-} in
--help) help; exit 0 ;;
-*) usage_error "unknown option $1" ;;
esac
[ $# -ge 3 ] || usage_error "TREE, OUT and at least one NAME are needed"
tree=$1 out=$(readlink -m "$2")
shift 2
[ -e "$tree/.config" ] || die "$tree is not configured: there is no .config."

keep='fs/fat fs/isofs fs/nls fs/fuse fs/overlayfs drivers/hid drivers/usb/storage drivers/watchdog'
netfilter='net/netfilter net/ipv4/netfilter net/ipv6/netfilter net/bridge/netfilter'
device_mapper='drivers/md'
for name; do
    [[ $name =~ ^[A-Za-z0-9_-]+$ ]] || usage_error "'$name' is not the name of a module"
    case ${name//-/_} in
    ip_tables | ip6_tables | arp_tables | x_tables | ebtable* | ip_set* | ip_vs* | nf_* | nft_* | nfnetlink* | xt_* | ipt_* | ip6t_*)
        keep+=" $netfilter"
        netfilter=''
        ;;
    dm_* | raid* | md_mod)
        keep+=" $device_mapper"
        device_mapper=''
        ;;
    esac
done
read -ra keep <<< "$keep"

loaded=$(mktemp)
trap 'rm -f "$loaded"' EXIT
{
    echo 'Module                  Size  Used by'
    printf '%s 1 0\n' loop "${@//-/_}"
} > "$loaded"

cd "$tree"
unset MAKEFLAGS MFLAGS
# Its questions, for options that have only become visible by what was left out, are answered with the default.
said=$(LSMOD=$loaded LMC_KEEP=$(IFS=:; echo "${keep[*]}") make -s localmodconfig < <(yes '' 2> /dev/null) 2>&1) || {
    printf '%s\n' "$said" >&2
    die "make localmodconfig failed for this source."
}
printf '%s\n' "$said" | sed -n 's/^\([A-Za-z0-9_]*\) config not found!!$/\1 is no module of this source/p'
rm -f .config.old .config.old.1
cp .config "$out"

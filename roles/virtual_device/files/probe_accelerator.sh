#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Says which QEMU accelerator works here. That /dev/kvm opens proves little: in some sandboxes it
# does and every guest hangs. So a guest of one boot sector has to come up and say so.

set -euo pipefail

me=${0##*/}

help() {
    cat <<END
usage: $me [--fresh] [CACHE]

Prints "kvm" if a KVM guest boots on this host within 10 seconds, else "tcg". The answer is kept in
the directory CACHE until this host boots again.

  --fresh   ask again although CACHE has an answer
  --help    show this text
END
}

usage_error() {
    printf "%s: %s\nTry '%s --help'.\n" "$me" "$*" "$me" >&2
    exit 2
}

fresh=
cache=
while [ $# -gt 0 ]; do
    case $1 in
    --help) help && exit 0 ;;
    --fresh) fresh=yes ;;
    -*) usage_error "unknown option $1" ;;
    *)
        [ -z "$cache" ] || usage_error 'more than one CACHE'
        cache=$1
        ;;
    esac
    shift
done

kvm_works() {
    grep -qwE 'vmx|svm' /proc/cpuinfo || return 1
    [ -r /dev/kvm ] && [ -w /dev/kvm ] || return 1

    # mov $0x10,%al; out %al,$0xf4; 1: hlt; jmp 1b
    local sector status=0
    sector=$(mktemp)
    printf '\xb0\x10\xe6\xf4\xf4\xeb\xfd' >"$sector"
    truncate --size 510 "$sector"
    printf '\x55\xaa' >>"$sector"
    timeout --kill-after=1 10 qemu-system-x86_64 -accel kvm -cpu host -m 32 -nodefaults -display none \
        -device isa-debug-exit,iobase=0xf4,iosize=1 \
        -drive "file=$sector,format=raw,if=ide" >/dev/null 2>&1 || status=$?
    rm -f "$sector"
    # isa-debug-exit ends QEMU with the exit status (value << 1) | 1.
    [ "$status" -eq 33 ]
}

# The answer holds for one user: who may open /dev/kvm differs.
asked="$(cat /proc/sys/kernel/random/boot_id) $(id -u)"
answer=${cache:+$cache/accelerator}
if [ -n "$answer" ] && [ -z "$fresh" ] && [ -s "$answer" ]; then
    read -r boot_id user accelerator <"$answer"
    if [ "$boot_id $user" = "$asked" ]; then
        printf '%s\n' "$accelerator"
        exit 0
    fi
fi

accelerator=tcg
! kvm_works || accelerator=kvm
if [ -n "$answer" ]; then
    mkdir -p "$cache"
    printf '%s %s\n' "$asked" "$accelerator" >"$answer.$$"
    mv "$answer.$$" "$answer"
fi
printf '%s\n' "$accelerator"

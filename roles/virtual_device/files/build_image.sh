#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Finds the disk image that virtual devices start from in the cache, or lets make_image.sh make it.

set -euo pipefail

me=${0##*/}
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=messages.sh
. "$here/messages.sh"

help() {
    cat <<END
usage: $me [option...] CACHE

Prints, as its last line, the path of the image that make_image.sh makes with these options. It is
CACHE/images/base-KEY.raw; KEY is the hash of everything that the image is made from, so an image
that is there is not made again. CACHE is a directory. Builds of the same image wait for each other.

  --suite NAME, --mirror URL, --size SIZE, --packages LIST, --init NAME, --accel ACCEL
                     see make_image.sh --help
  --print-path       only print the path; exit status 3 if the image is not there
  --detach           return at once and build in the background; --follow waits for it
  --follow SECONDS   wait SECONDS, or until the build has ended. The first line says how far it is,
                     the second is "running", "done" or "failed"; what went wrong follows "failed".
  --help             show this text

Exit status: 0 done, 1 the build failed, 2 wrong arguments, 3 see --print-path.
END
}

# --- Arguments

mode=build
follow=
suite=bookworm
size=
packages=
init=
elsewhere=()

options=$(getopt --name "$me" --options '' --longoptions \
    suite:,mirror:,size:,packages:,init:,accel:,print-path,detach,follow:,help -- "$@") || usage_error 'wrong arguments'
eval set -- "$options"
while [ "$1" != -- ]; do
    case $1 in
    --suite) suite=$2 && shift ;;
    --size) size=$2 && shift ;;
    --packages) packages=$2 && shift ;;
    --init) init=$2 && shift ;;
    --mirror | --accel) elsewhere+=("$1" "$2") && shift ;;
    --print-path) mode=print-path ;;
    --detach) mode=detach ;;
    --follow) mode=follow follow=$2 && shift ;;
    --help) help && exit 0 ;;
    esac
    shift
done
shift
[ $# -eq 1 ] || usage_error 'exactly one CACHE is needed'
cache=$1
recipe=(--suite "$suite" ${size:+--size "$size"} ${packages:+--packages "$packages"} ${init:+--init "$init"})
[ "$mode" != follow ] || [[ $follow =~ ^[0-9]+$ ]] || usage_error "--follow takes a number of seconds, not '$follow'"

# The key covers the script that makes the image, the files it copies in, and the options that change
# the result. The mirror does not: every mirror has the same packages.
key=$({
    printf '%s\n' "${recipe[@]}"
    cd "$here"
    find make_image.sh rootfs -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
} | sha256sum | cut -c 1-12)
image=$cache/images/base-$key.raw
log=$cache/images/base-$key.log
lock=$cache/images/base-$key.lock

if [ "$mode" = print-path ]; then
    printf '%s\n' "$image"
    [ -e "$image" ] || exit 3
    exit 0
fi

# --- One build of an image at a time: the lock is held until the last process of a build has ended

is_being_built() {
    [ -e "$lock" ] && ! flock --nonblock "$lock" true
}

if [ "$mode" = follow ]; then
    deadline=$((SECONDS + follow))
    while is_being_built && [ "$SECONDS" -lt "$deadline" ]; do
        sleep 0.5
    done
    if is_being_built; then
        awk -v now="$(date +%s)" '
            NR == 1 { start = $NF }
            sub(/^== /, "") { stage = $0 }
            END { printf "%s, %d s\nrunning\n", stage, now - start }' "$log"
    elif [ -e "$image" ]; then
        printf '%s\ndone\n' 'the image is ready'
    else
        printf '%s\nfailed\n' 'the image could not be built'
        printf 'The last lines of %s:\n' "$log"
        tail -n 20 "$log"
    fi
    exit 0
fi

mkdir -p "$cache/images"
if [ -z "${UID_MEM_IMAGE_LOCKED:-}" ]; then
    exec 9>"$lock"
    if [ "$mode" = detach ]; then
        if flock --nonblock 9 && [ ! -e "$image" ]; then
            echo "started at $(date +%s)" >"$log"
            UID_MEM_IMAGE_LOCKED=yes setsid "$0" "${recipe[@]}" "${elsewhere[@]}" "$cache" </dev/null >>"$log" 2>&1 &
        fi
        exit 0
    fi
    flock 9
fi
if [ ! -e "$image" ]; then
    trap 'rm -f "$image.partial"' EXIT
    trap 'kill "$child"; wait "$child"; exit 143' TERM INT HUP
    "$here/make_image.sh" --cache "$cache" "${recipe[@]}" "${elsewhere[@]}" "$image.partial" &
    child=$!
    wait "$child"
    chmod 0444 "$image.partial"
    mv "$image.partial" "$image"
fi
printf '%s\n' "$image"

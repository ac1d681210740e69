#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds the artifacts of a plan: what of it is not in the cache yet.

set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=build_lib.sh
. "$here/build_lib.sh"
# shellcheck source-path=SCRIPTDIR source=build_options.sh
. "$here/build_options.sh"

help() {
    cat <<END
usage: build_run.sh [--detach RUN] option...

Builds what build_plan.sh says for the same options. The kernel and the module have a key each,
so that a change of the module's source compiles only the module. All work is done in
CACHE/build and renamed into place when it is complete: an interrupted build leaves nothing
that a later one would take for a result. Builds of the same kernel wait for each other.

  --detach RUN   return at once and go on in the background; build_progress.sh --run RUN follows it

$(build_options_help)
END
}

run=''
if [ "${1:-}" = --detach ]; then
    need_value "$1" $#
    run=$2
    shift 2
fi
build_options "$@"
locked='' snapshot=''
mkdir -p "$cache/artifacts" "$cache/kernels" "$cache/build" "$cache/logs"

if [ -n "$run" ] && [ -z "${UID_MEM_DETACHED:-}" ]; then
    mkdir -p "$cache/build/runs/$run"
    UID_MEM_DETACHED=1 setsid "$0" --detach "$run" "$@" < /dev/null > /dev/null 2>&1 &
    printf '%s\n' $! > "$cache/build/runs/$run/pid"
    exit 0
fi

stage() {
    printf '%s %s\n' "$(date +%s)" "$*" > "$stage_file"
    printf '== %s: %s\n' "$(date +%T)" "$*" >> "$log"
}

# log_step COMMAND...: all that it says goes to the log; the end of the log explains a failure.
log_step() {
    "$@" >> "$log" 2>&1 || {
        {
            echo "The build failed. The last lines of $log:"
            tail -n 30 "$log"
        } > "$error"
        exit 1
    }
}

# explain_step COMMAND...: what it says on stderr explains a failure.
explain_step() {
    "$@" >> "$log" 2> "$error" || {
        cat "$error" >> "$log"
        exit 1
    }
    cat "$error" >> "$log"
    : > "$error"
}

fail() {
    printf '%s\n' "$*" > "$error"
    exit 1
}

finish() {
    local status=$?
    trap - EXIT
    if [ -n "$locked" ]; then
        rm -rf "$artifacts.tmp" "$kernel.tmp" "$stage_file"
        # A kernel tree takes a while to remove: nobody has to wait for it.
        [ ! -e "$work" ] || mv "$work" "$snapshot/work"
    fi
    if [ "$status" -ne 0 ]; then
        [ -s "$error" ] || echo "The build was stopped; its log is $log." > "$error"
        cat "$error" >&2
    fi
    if [ -n "$run" ] && [ -d "$cache/build/runs/$run" ]; then
        mv "$error" "$cache/build/runs/$run/error"
        printf '%s\n' "$status" > "$cache/build/runs/$run/exit.tmp"
        mv "$cache/build/runs/$run/exit.tmp" "$cache/build/runs/$run/exit"
    fi
    rm -rf "$error"
    [ -z "$locked" ] || flock -u 8
    [ -z "$snapshot" ] || rm -rf "$snapshot"
    exit "$status"
}

# What a build left behind that was killed: a work directory nobody holds the lock of, and small things of yesterday.
remove_stale_work() {
    local dir
    for dir in "$cache"/build/*-*/; do
        dir=${dir%/}
        if [ ! -d "$dir" ] || [ "$dir" = "$work" ]; then continue; fi
        (
            exec 7> "$dir.lock"
            ! flock -n 7 || rm -rf "$dir"
        )
    done
    rm -rf "$work" "$artifacts.tmp" "$kernel.tmp"
    find "$cache/build" -mindepth 1 -maxdepth 2 \( -name 'inputs.*' -o -name 'error.*' -o -path '*/runs/*' \) \
        -mmin +1440 -prune -exec rm -rf {} +
}

check_room() {
    local need=4 have
    # All the drivers of a distribution.
    [ -z "$base" ] || [ ${#loaded[@]} -gt 0 ] || need=10
    have=$(($(df --output=avail -k "$cache" | tail -n 1) / 1048576))
    [ "$have" -ge "$need" ] ||
        fail "A kernel build needs $need GiB of room and $cache has $have: free some, or set kernel_build_cache_dir."
}

unpack_source() {
    mkdir -p "$work/tree"
    if [ -n "$source_deb" ]; then
        dpkg-deb --fsys-tarfile "$source_deb" |
            tar -x -O --wildcards './usr/src/linux-source-*.tar.xz' |
            xz -d -T0 | tar -x -C "$work/tree" --strip-components=1
    else
        "$here/source_directory.sh" --list "$source_dir" |
            tar -c -C "$source_dir" --null --no-recursion -T - | tar -x -C "$work/tree"
    fi
}

# The tree could be edited between its hash and its copy.
check_source_unchanged() {
    [ -n "$source_dir" ] || return 0
    "$here/source_directory.sh" --series "$series" "$source_dir" | grep -qF "\"$source_sha256\"" ||
        fail "The source in $source_dir changed while it was copied: run it again."
}

make_config() { # OPTION...
    explain_step "$here/make_config.sh" "$@" "$work/tree" "${fragments[@]}"
}

# With --loaded twice: what is left out is left out of a complete configuration, and the fragments are in force after it.
configure_kernel() {
    local start=()
    [ -z "$base" ] || start=(--base "$base")
    if [ ${#loaded[@]} -gt 0 ]; then
        make_config "${start[@]}"
        explain_step "$here/reduce_config.sh" "$work/tree" "$work/reduced.config" "${loaded[@]}"
        start=(--base "$work/reduced.config")
    fi
    make_config "${start[@]}" --localversion "-uidmem-${kernel_key:0:8}"
}

build_kernel() {
    check_room
    local start
    start=$(date +%s)
    stage "unpacking the source"
    log_step unpack_source
    check_source_unchanged
    stage "applying patches"
    explain_step "$here/apply_patches.sh" "$work/tree" "$patches"
    stage "configuring"
    configure_kernel
    stage "compiling"
    log_step "$here/compile_kernel.sh" --jobs "$jobs" --epoch "$(source_epoch)" ${ccache:+--ccache "$ccache"} \
        "$work/tree" "$work/kernel"
    printf '== compiled in %s\n' "$(duration $(($(date +%s) - start)))" >> "$log"
    cp "$log" "$work/kernel/build.log"
    mv "$work/kernel" "$kernel"
}

# installed_bytes: what the files of the package and the module take on a device.
installed_bytes() { # DEB MODULE
    dpkg-deb --fsys-tarfile "$1" | tar -tv --full-time | awk -v sum="$(stat -c %s "$2")" '{ sum += $3 } END { print sum }'
}

# json_list: the lines on stdin as a JSON list of strings.
json_list() {
    local line separator=
    printf '['
    while IFS= read -r line; do
        printf '%s%s' "$separator" "$(json_string "$line")"
        separator=', '
    done
    printf ']'
}

write_manifest() { # DIRECTORY
    local deb headers release image lsm
    deb=$(cd "$1" && echo linux-image-*.deb)
    headers=$(find "$1" -name 'linux-headers-*.deb' -printf '%f')
    lsm=$("$here/list_modules.sh" --lsm "$1/config" | json_list)
    release=$(cat "$kernel/release")
    image=$(cat "$kernel/image")
    cat > "$1/manifest.json" <<END
{
  "schema": 1,
  "key": "$key",
  "kernel_key": "$kernel_key",
  "series": "$series",
  "source": $(json_string "$source_name"),
  "kernel_release": $(json_string "$release"),
  "arch": "$arch",
  "image_deb": $(json_string "$deb"),
  "headers_deb": $(json_string "$headers"),
  "image": $(json_string "$image"),
  "module": "uid_mem.ko",
  "modules": "modules.list",
  "lsm": $lsm,
  "size_installed_bytes": $(installed_bytes "$1/$deb" "$1/uid_mem.ko"),
  "inputs": $(printf '%s\n%s\n' "$kernel_inputs" "$module_inputs" | json_map),
  "outputs": $(cd "$1" && find . -maxdepth 1 -type f ! -name manifest.json -printf "%f\\0" | sort -z | xargs -0 sha256sum -- | sed 's/ [ *]/  /' | json_map)
}
END
}

build_module() {
    stage "compiling the module"
    log_step "$here/compile_module.sh" --jobs "$jobs" "$kernel/kbuild" "$module" "$work/module"
}

# Another machine's device could not run the programs in scripts/.
pack_headers() { # DIRECTORY
    [ "$arch" = "$(uname -m)" ] || return 0
    "$here/pack_headers.sh" --epoch "$(source_epoch)" "$kernel/kbuild" "$1"/linux-image-*.deb "$1"
}

list_modules() { # DIRECTORY
    "$here/list_modules.sh" "$1"/linux-image-*.deb > "$1/modules.list"
}

assemble() {
    local file
    mkdir -p "$artifacts.tmp"
    for file in "$kernel"/linux-image-*.deb "$kernel/config" "$kernel/System.map" "$kernel/$(cat "$kernel/image")"; do
        ln "$file" "$artifacts.tmp/" 2>/dev/null || cp "$file" "$artifacts.tmp/"
    done
    cp "$work/module"/*.ko "$artifacts.tmp/"
    stage "packing the headers"
    log_step pack_headers "$artifacts.tmp"
    log_step list_modules "$artifacts.tmp"
    if [ "$kernel_is_new" = yes ]; then
        cp "$log" "$artifacts.tmp/build.log"
    else
        cat "$kernel/build.log" "$log" > "$artifacts.tmp/build.log"
    fi
    write_manifest "$artifacts.tmp" 2> "$error" || exit 1
}

error=$(mktemp "$cache/build/error.XXXXXX")
trap finish EXIT
trap 'exit 143' TERM INT HUP

# Built is what is hashed: an input that is edited during the build counts for the next one.
snapshot=$(mktemp -d "$cache/build/inputs.XXXXXX")
snapshot_inputs "$snapshot"
kernel_inputs=$(list_kernel_inputs)
kernel_key=$(printf '%s\n' "$kernel_inputs" | sha256sum | cut -d' ' -f1)
module_inputs=$(list_module_inputs)
key=$(printf '%s\n%s\n' "$kernel_key" "$module_inputs" | sha256sum | cut -d' ' -f1)
kernel=$cache/kernels/$series-${kernel_key:0:12}
artifacts=$cache/artifacts/$series-${key:0:12}
work=$cache/build/$series-${kernel_key:0:12}
log=$cache/logs/${artifacts##*/}.log
stage_file=$cache/logs/${artifacts##*/}.stage
[ -z "$run" ] || printf '%s\n' "$log" > "$cache/build/runs/$run/log"

exec 8> "$work.lock"
flock 8
locked=yes
[ ! -e "$artifacts/manifest.json" ] || exit 0
: > "$log"
remove_stale_work
kernel_is_new=no
if [ ! -e "$kernel/release" ]; then
    kernel_is_new=yes
    build_kernel
fi
build_module
assemble
mv "$artifacts.tmp" "$artifacts"
printf '%s\n' "$artifacts"

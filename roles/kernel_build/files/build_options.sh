# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # set here and used by the scripts that source this; they set $here
#
# The inputs of a build, as options: shared by build_plan.sh, which hashes them, and build_run.sh,
# which builds from them, so that nothing can be built from what is not in the key.

build_options_help() {
    cat <<'END'
Inputs of the build:
  --series X.Y          kernel series
  --arch ARCH           machine it is for: x86_64 or aarch64 (default: this one)
  --source-name NAME    name of the source, e.g. linux-source-6.1_6.1.192-2
  --source-sha256 SUM   SHA-256 of the source
  --source-deb FILE     the source is this linux-source package
  --source-dir DIR      ... or this tree
  --patches DIR         patches to apply: DIR/*.patch
  --base FILE           base configuration (default: make allnoconfig)
  --fragment FILE       fragment merged over it; may be repeated
  --loaded NAMES        blank-separated names: of the base's modules only those that these need
  --module DIR          source of uid_mem.ko
Where and how:
  --cache DIR           cache directory
  --jobs N              compile this many files at once (default: the number of processors)
  --ccache DIR          compile with ccache, its cache in DIR
END
}

build_options() {
    series='' source_name='' source_sha256='' source_deb='' source_dir='' patches='' base='' module='' cache='' ccache=''
    fragments=() loaded=()
    arch=$(uname -m)
    jobs=$(nproc)
    while [ $# -gt 0 ]; do
        [ "$1" != --help ] || { help; exit 0; }
        need_value "$1" $#
        case $1 in
        --series) series=$2 ;;
        --arch) arch=$2 ;;
        --source-name) source_name=$2 ;;
        --source-sha256) source_sha256=$2 ;;
        --source-deb) source_deb=$2 ;;
        --source-dir) source_dir=$2 ;;
        --patches) patches=$2 ;;
        --base) base=$2 ;;
        --fragment) fragments+=("$2") ;;
        --loaded) mapfile -t loaded < <(tr -s ' ' '\n' <<< "$2" | tr - _ | grep . | LC_ALL=C sort -u) ;;
        --module) module=$2 ;;
        --cache) cache=$(readlink -m "$2") ;;
        --jobs) jobs=$2 ;;
        --ccache) ccache=$2 ;;
        *) usage_error "unknown option $1" ;;
        esac
        shift 2
    done
    local name
    for name in series source_name source_sha256 patches module cache; do
        [ -n "${!name}" ] || usage_error "--${name//_/-} is missing"
    done
    [ -n "$source_deb$source_dir" ] || usage_error "--source-deb or --source-dir is missing"
    [[ $jobs =~ ^[1-9][0-9]*$ ]] || usage_error "--jobs is a number from 1, not $jobs"
    local file
    for file in ${base:+"$base"} "${fragments[@]}"; do
        [ -r "$file" ] || die "The kernel configuration $file can't be read: check kernel_build_config."
    done
    compgen -G "$patches/*.patch" > /dev/null ||
        die "There are no patches for kernel $series: $patches has no *.patch."
    [ -e "$module/Kbuild" ] || [ -e "$module/Makefile" ] || die "The module's source is missing: no Kbuild in $module."
    [ -z "$ccache" ] || command -v ccache > /dev/null ||
        die "ccache is not installed: install it, or set kernel_build_ccache to false."
    choose_toolchain
}

# choose_toolchain: sets what make needs in its environment to build for $arch, if that is not this machine.
choose_toolchain() {
    local package=gcc
    if [ "$arch" != "$(uname -m)" ]; then
        case $arch in
        x86_64) export ARCH=x86_64 CROSS_COMPILE=x86_64-linux-gnu- ;;
        aarch64) export ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- ;;
        *) usage_error "--arch is x86_64 or aarch64, not $arch" ;;
        esac
        package=gcc-${CROSS_COMPILE%-}
        package=${package//_/-}
    fi
    command -v "${CROSS_COMPILE:-}gcc" > /dev/null ||
        die "There is no compiler: ${CROSS_COMPILE:-}gcc is not in PATH ($PATH). Install the package $package."
}

# snapshot_inputs DIR: copies every input but the source to DIR; from now on the copies are the inputs.
snapshot_inputs() {
    local number file
    mkdir -p "$1/patches" "$1/module" "$1/scripts"
    cp "$patches"/*.patch "$1/patches/"
    patches=$1/patches
    module_sources "$module" | tar -c -C "$module" -T - | tar -x -C "$1/module"
    module=$1/module
    if [ -n "$base" ]; then
        cp "$base" "$1/base"
        base=$1/base
    fi
    for number in "${!fragments[@]}"; do
        mkdir "$1/fragment$number"
        cp "${fragments[number]}" "$1/fragment$number/"
        fragments[number]=$1/fragment$number/${fragments[number]##*/}
    done
    cp "$here"/*.sh "$1/scripts/"
    here=$1/scripts
}

# source_epoch: the time that counts as the time of the build.
source_epoch() {
    if [ -n "$source_deb" ]; then
        # The date in the package's first ar header, as its maintainers set it.
        head -c 36 "$source_deb" | tail -c 12 | tr -d ' '
    else
        git -C "$source_dir" log -1 --format=%ct 2>/dev/null || stat -c %Y "$source_dir/Makefile"
    fi
}

# list_kernel_inputs: "sha256  name" of each input of the kernel.
list_kernel_inputs() {
    local file
    printf '%s  source %s\n' "$source_sha256" "$source_name"
    for file in "$patches"/*.patch; do
        file_input "patches/$series/${file##*/}" "$file"
    done
    if [ -n "$base" ]; then
        file_input "config base" "$base"
    else
        text_input "config base: allnoconfig" allnoconfig
    fi
    # Numbered: their order counts.
    local number=0
    for file in "${fragments[@]}"; do
        number=$((number + 1))
        file_input "config fragment $number ${file##*/}" "$file"
    done
    if [ ${#loaded[@]} -gt 0 ]; then
        text_input "config loaded: ${#loaded[@]} modules" "${loaded[*]}"
        file_input "script reduce_config.sh" "$here/reduce_config.sh"
    fi
    local tool
    for tool in gcc ld; do
        file=$("${CROSS_COMPILE:-}$tool" --version | head -n 1)
        text_input "${CROSS_COMPILE:-}$tool: $file" "$file"
    done
    text_input "machine: $arch" "$arch"
    text_input "epoch: $(source_epoch)" "$(source_epoch)"
    for file in apply_patches.sh make_config.sh compile_kernel.sh; do
        file_input "script $file" "$here/$file"
    done
}

# list_module_inputs: "sha256  name" of each input of the artifacts besides the kernel.
list_module_inputs() {
    local file
    module_sources "$module" | while IFS= read -r file; do
        file_input "kernel/uid_mem/$file" "$module/$file"
    done
    for file in compile_module.sh list_modules.sh pack_headers.sh; do
        file_input "script $file" "$here/$file"
    done
}

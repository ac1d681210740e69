#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Says what a build would be made of, under which keys, and whether it is there already.

set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=build_lib.sh
. "$here/build_lib.sh"
# shellcheck source-path=SCRIPTDIR source=build_options.sh
. "$here/build_options.sh"

help() {
    cat <<END
usage: build_plan.sh option...

Hashes every input of a build and prints as JSON
  kernel_key  SHA-256 over all that the kernel is built from
  key         SHA-256 over that and all that uid_mem.ko is built from
  kernel      the kernel's directory in the cache
  artifacts   the directory of the artifacts
  built       whether the artifacts are there

$(build_options_help)
END
}

build_options "$@"
kernel_inputs=$(list_kernel_inputs)
kernel_key=$(printf '%s\n' "$kernel_inputs" | sha256sum | cut -d' ' -f1)
module_inputs=$(list_module_inputs)
key=$(printf '%s\n%s\n' "$kernel_key" "$module_inputs" | sha256sum | cut -d' ' -f1)
artifacts=$cache/artifacts/$series-${key:0:12}
built=false
[ ! -e "$artifacts/manifest.json" ] || built=true

cat <<END
{
  "kernel_key": "$kernel_key",
  "key": "$key",
  "kernel": $(json_string "$cache/kernels/$series-${kernel_key:0:12}"),
  "artifacts": $(json_string "$artifacts"),
  "built": $built
}
END

# shellcheck shell=bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sourced by the programs next to it.

set -eu -o pipefail

# shellcheck disable=SC2034  # used by those that source this
project_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034
cache_dir=${XDG_CACHE_HOME:-$HOME/.cache}/uid_mem

# Results go to stdout, everything a person reads on the way to stderr.
say() { printf '==> %s\n' "$*" >&2; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# A wrong argument: the message, the way out, exit status 2.
misuse() {
    printf "%s: %s\nTry '%s --help'.\n" "${0##*/}" "$*" "${0##*/}" >&2
    exit 2
}

# Prints the comment at the top of a program as its help.
show_help() {
    sed -n '/^# usage:/,/^$/{/^#/{s/^# \{0,1\}//;p}}' "$1"
}

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# Shared by the scripts beside it: messages, options, and the hashing of inputs.

# die MESSAGE: one line for people, on stderr.
die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# usage_error MESSAGE: a wrong option, with the way to the right ones.
usage_error() {
    printf '%s: %s; see %s --help\n' "${0##*/}" "$*" "${0##*/}" >&2
    exit 2
}

# need_value OPTION COUNT: dies unless OPTION is followed by a value.
need_value() {
    [ "$2" -ge 2 ] || usage_error "$1 needs a value"
}

# json_string TEXT: TEXT as a JSON string. Paths and versions: no control characters but newline and tab.
json_string() {
    local text=$1
    text=${text//\\/\\\\}
    text=${text//\"/\\\"}
    text=${text//$'\n'/\\n}
    text=${text//$'\t'/\\t}
    printf '"%s"' "$text"
}

# json_map: lines "sha256  name" on stdin become {"name": "sha256", ...}.
json_map() {
    local sum name separator=
    printf '{'
    while read -r sum name; do
        printf '%s\n    %s: "%s"' "$separator" "$(json_string "$name")" "$sum"
        separator=,
    done
    printf '\n  }'
}

# text_input NAME TEXT: an input that is a text and not a file.
text_input() {
    printf '%s  %s\n' "$(printf '%s' "$2" | sha256sum | cut -d' ' -f1)" "$1"
}

# file_input NAME FILE: an input that is a file; NAME is the same on every machine.
file_input() {
    printf '%s  %s\n' "$(sha256sum < "$2" | cut -d' ' -f1)" "$1"
}

# module_sources DIR: what uid_mem.ko is built from, without what an earlier build left there.
module_sources() {
    (cd "$1" && find . -type f \( -name '*.[chS]' -o -name Kbuild -o -name Makefile -o -name Kconfig \) \
        ! -name '*.mod.c' ! -path '*/.*/*' -printf '%P\n' | LC_ALL=C sort)
}

# duration SECONDS: 140 is 2m20s.
duration() {
    if [ "$1" -lt 60 ]; then
        printf '%ds' "$1"
    else
        printf '%dm%02ds' $(($1 / 60)) $(($1 % 60))
    fi
}

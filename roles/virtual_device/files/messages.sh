# shellcheck shell=bash disable=SC2154  # me
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the programs beside it say when they cannot go on. They source this after "me", their own name, is set.

# die MESSAGE...: exit status 1.
die() {
    printf '%s: %s\n' "$me" "$*" >&2
    exit 1
}

# usage_error MESSAGE...: a wrong argument, exit status 2.
usage_error() {
    printf "%s: %s\nTry '%s --help'.\n" "$me" "$*" "$me" >&2
    exit 2
}

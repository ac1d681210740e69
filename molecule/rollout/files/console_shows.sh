#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: console_shows.sh FILE BYTES PATTERN
#
# Whether FILE, a console, has shown PATTERN after its first BYTES bytes: an extended regular expression, for which all of it
# is one line. Exit status 0 if so, 1 if not.

set -euo pipefail

if [ "${1-}" = --help ] || [ $# -ne 3 ]; then
    sed -n '/^# usage:/,/^$/{/^#/{s/^# \{0,1\}//;p}}' "$0"
    [ $# -ne 3 ] || exit 0
    exit 2
fi
grep -aqE -- "$3" <(tail -c "+$(($2 + 1))" "$1" | tr '\r\n' '  ')

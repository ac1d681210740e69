#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The grammar of /proc/uid_mem/limits: the table of cases that the parsers in
# C and in Python are tested with, against the kernel's file.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

report=$(grammar_cases /t/grammar.txt)
status=$?
echo "$report" | comment
is 'every case gives the result and the table it should' "$status" 0
is 'none failed' "${report##*passed, }" '0 failed'

is 'more than 4 MiB in one write' "$(head -c 4300000 /dev/zero | tr '\0' '#' | write_once /proc/uid_mem/limits)" E2BIG
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A line that is split over two writes is joined, wherever it is split; a last
# line without a newline counts when the file is closed.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

text='2001 max=64M high=32M
2002 max=128M
'
is_whole=yes
for at in $(seq 1 ${#text}); do
    [ "$at" = ${#text} ] || printf '%s\n' "$text" | head -n 2 | write_once --split "$at" /proc/uid_mem/limits || is_whole=no
    got=$(cut -d' ' -f1-3 /proc/uid_mem/limits | tr '\n' ';')
    [ "$got" = '2001 max=67108864 high=33554432;2002 max=134217728 high=max;' ] || is_whole="no: at $at: $got"
    printf '!2001\n!2002\n' | write_once /proc/uid_mem/limits || is_whole=no
    [ "$at" != $((${#text} - 1)) ] || break
done
is 'split at each byte' "$is_whole" yes

printf '2003 max=64M' | write_once /proc/uid_mem/limits
is 'without a newline' "$(cut -d' ' -f1,2 /proc/uid_mem/limits)" '2003 max=67108864'

# What follows a line that was refused does not become a line of its own.
is 'the second half is wrong' "$(printf '2004 max=64M nonsense\n' | write_once --split 8 /proc/uid_mem/limits)" EINVAL
is 'nothing is left of it' "$(cut -d' ' -f1 /proc/uid_mem/limits)" 2003
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A limit that is set later counts for processes that run already, also for
# those older than the module; a max below what is used takes effect at once.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

puppet old 2001
old=$pid
does old use 48M
puppet older_big 2002
big=$pid
does older_big use 96M
fresh_module
limits '2001 max=64M'
ok 'what it has counts' [ "$(stat_of 2001 usage)" -ge $((48 * mib)) ]
is 'a process' "$(stat_of 2001 procs)" 1
dies old use 24M
limits '2002 max=64M'
ok_soon 'above the new limit already: killed' gone "$big"
is 'one kill each' "$(event_count "event=kill uid=(2001 pid=$old|2002 pid=$big) ")" 2

puppet a 2003
a=$pid
puppet b 2003
b=$pid
does a use 40M
does b use 24M
limits '2003 max=128M'
limits '2003 max=32M'
ok_soon 'lowered below what is used: the larger one is killed' gone "$a"
ok 'and the one that fits lives' alive "$b"
done_testing

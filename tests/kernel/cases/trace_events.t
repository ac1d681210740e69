#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Trace events uid_mem:uid_mem_kill and uid_mem:uid_mem_max, with the fields
# of the events.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

trace=/sys/kernel/tracing
ok 'they are there' [ -d $trace/events/uid_mem/uid_mem_kill ] && [ -d $trace/events/uid_mem/uid_mem_max ]
echo >$trace/trace
echo 1 >$trace/events/uid_mem/enable
limits '2001 max=64M'
puppet big 2001
dies big use 96M
echo 0 >$trace/events/uid_mem/enable
is 'max' "$(grep -Ec 'uid_mem_max: uid=2001 usage=[0-9]+ max=67108864' $trace/trace)" 1
is 'kill' "$(grep -Ec "uid_mem_kill: uid=2001 pid=$pid comm=.*puppet.* policy=.* victim_rss=[0-9]+ runtime_ms=[0-9]+ badness=[0-9]+ usage=[0-9]+ max=67108864" $trace/trace)" 1
puppet big 2001
dies big use 96M
is 'switched off there is no more' "$(grep -c uid_mem_kill: $trace/trace)" 1
done_testing

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A process in a user namespace counts to the UID that created the outermost such
# namespace, whatever limits the UIDs inside have: a container is no way out.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M'
enter() { # NAME
    puppet "$1" 2001
    does "$1" unshare-user
    echo '0 100000 65536' >"/proc/$pid/uid_map"
    echo '0 100000 65536' >"/proc/$pid/gid_map"
    does "$1" setgid 5
    does "$1" setuid 5
    is 'it runs under one' "$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$pid/status")" 100005
}
enter inside
does inside use 40M
ok 'it counts to who created the namespace' [ "$(stat_of 2001 usage)" -ge $((40 * mib)) ]
dies inside use 40M
is 'and is killed for it' "$(event_count "event=kill uid=2001 pid=$pid ")" 1

enter nested
does nested unshare-user
does nested use 40M
ok 'a namespace in the namespace is none either' [ "$(stat_of 2001 usage)" -ge $((40 * mib)) ]
dies nested use 40M

# A range gives each UID a budget, but not each UID of a namespace.
limits '100000-165535 max=128M'
enter own
does own use 40M
ok 'so does a subordinate UID with a limit of its own' [ "$(stat_of 2001 usage)" -ge $((40 * mib)) ]
is 'and to nothing else' "$(stat_of 100005 usage)" 0
dies own use 40M
is 'in force' "$(event_count "event=kill uid=2001 pid=$pid ")" 1

limits '!2001'
enter free
does free use 96M
ok 'it counts to its own where the other UID has none' [ "$(stat_of 100005 usage)" -ge $((96 * mib)) ]
dies free use 48M
is 'in force, too' "$(event_count "event=kill uid=100005 pid=$pid ")" 1

# Other namespaces change nothing.
limits '2002 max=64M'
unshare -p -f sh -c 'puppet start 2002 deep; puppet tell deep use 96M' >/dev/null 2>&1
is 'killed in a PID namespace too' $? 3
done_testing

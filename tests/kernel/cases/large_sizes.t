#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sizes above 2 GiB and 4 GiB are what they are: in limits, in usage, in events.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=2147483648' '2002 max=4294967296' '2003 max=3G' '2004 max=16T' '2005 max=18446744073709551614' \
    '2006 max=5G high=4294967297'
is 'limits' "$(cut -d' ' -f2 /proc/uid_mem/limits | tr '\n' ' ')" \
    'max=2147483648 max=4294967296 max=3221225472 max=17592186044416 max=18446744073709551614 max=5368709120 '
refused ERANGE '2001 max=18446744073709551615'
refused ERANGE '2001 max=16777216T'

limits '2001 max=3G' '2002 max=5G'
# The same 128 MiB, mapped many times: RSS counts each mapping. (Up to 6.1 the kernel may be
# 64 faults of 16 pages behind.)
puppet big 2001
big=$pid
does big share 128M
does big again 17
ok 'usage above 2 GiB' [ "$(stat_of 2001 usage)" -gt $((2300 * mib)) ]
ok 'below the limit of 3 GiB it lives' alive "$big"
dies big again 8
is 'above it dies' "$(event_count "event=kill uid=2001 pid=$big .* max=3221225472")" 1
ok 'the sizes of the event' [ "$(events | sed -n 's/.*event=kill .* usage=\([0-9]*\) .*/\1/p')" -gt 3221225472 ]

puppet huge 2002
huge=$pid
does huge share 128M
does huge again 33
ok 'usage above 4 GiB' [ "$(stat_of 2002 usage)" -gt $((4346 * mib)) ]
ok 'below the limit of 5 GiB it lives' alive "$huge"
dies huge again 8
is 'above it dies' "$(event_count "event=kill uid=2002 pid=$huge .* max=5368709120")" 1
ok 'with its peak' [ "$(stat_of 2002 peak)" -gt 5368709120 ]
done_testing

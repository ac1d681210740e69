#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A policy's name, or "default", written to scan runs one pass over all UIDs
# that have a limit. It kills nobody whose UID is within its limit.

# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

limits '2001 max=64M' '2002 max=64M' '2003-2005 max=64M'
puppet a 2001
a=$pid
puppet b 2002
b=$pid
does a use 48M
does b use 48M
for policy in default $(sed 's/.* policies=\([^ ]*\).*/\1/; s/,/ /g' /proc/uid_mem/features); do
    ok "scan: $policy" write_once /proc/uid_mem/scan <<END
$policy
END
done
ok 'within the limit nobody is killed' alive "$a" "$b"
is 'no event' "$(event_count 'event=(max|kill|unkillable)')" 0
for text in '' nonsense 'highest_rss default' HIGHEST_RSS "$(head -c 100 /dev/zero | tr '\0' x)"; do
    is "refused: '$(echo "$text" | cut -c1-30)'" "$(echo "$text" | write_once /proc/uid_mem/scan)" EINVAL
done

# Who could not be killed is found by the pass as soon as it can be.
echo -1000 >"/proc/$a/oom_score_adj"
does a use 48M
ok_soon 'above the limit, and not to be killed' has_events 1 'event=unkillable uid=2001 '
echo 0 >"/proc/$a/oom_score_adj"
echo highest_rss >/proc/uid_mem/scan
ok_soon 'the pass kills it' gone "$a"
ok 'and nobody else' alive "$b"
done_testing

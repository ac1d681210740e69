#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# uid_memd restores limits from their file: all at once, a bad line costs only
# its own limit and is named. What was changed at run time stays changed when
# the daemon is started again, by SIGTERM or kill -9 before it.

# shellcheck disable=SC2154,SC2317  # pid, mib; functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

max_of() { sed -n "s/^$1 max=\([^ ]*\) .*/\1/p" /proc/uid_mem/limits; }
daemon() { uid_memd --pidfile /tmp/pid --limits /tmp/file --state /tmp/state 2>/tmp/messages; }
end_daemon() {
    daemon_pid=$(cat /tmp/pid)
    kill "$1" "$daemon_pid"
    wait_for 30 gone "$daemon_pid" || give_up 'the daemon ends'
}

cat >/tmp/file <<'END'
# a comment

2001 max=64M high=48M policy=worst
2002-2005 max=100M
  2003 max=128M
END
printf '2010 max=1G' >>/tmp/file
uid_memd --restore-only --limits /tmp/file 2>/tmp/messages
is 'the whole file' "$? $(wc -l </proc/uid_mem/limits) $(max_of 2001) $(max_of 2002-2005) $(max_of 2003) $(max_of 2010)" \
    '0 4 67108864 104857600 134217728 1073741824'
is 'said' "$(cat /tmp/messages)" 'uid_memd: /tmp/file: 4 limits are restored'

fresh_module
cat >/tmp/file <<'END'
2001 max=64M
2002 max=banana
# a comment
2003 max=65M
0 max=64M
!2999
2004 max=66M
2005 max=2M max=2M
2006 max=67M
END
uid_memd --restore-only --limits /tmp/file 2>/tmp/messages
is 'lines are refused' "$?" 3
is 'all others are in force' "$(cut -d' ' -f1 /proc/uid_mem/limits | tr '\n' ' ')" '2001 2003 2004 2006 '
is 'each is named' "$(sed -n 's/.* line \([0-9]* is refused\) (.*): \(.*\)/\1: \2/p' /tmp/messages)" \
    "$(printf '%s\n' '2 is refused: 2002 max=banana' '5 is refused: 0 max=64M' '6 is refused: !2999' '8 is refused: 2005 max=2M max=2M')"
ok 'with what is wrong' grep -q 'line 6 is refused (removes a limit that is not there)' /tmp/messages
uid_memd --restore-only --limits /tmp/none 2>/tmp/messages
is 'no file: nothing to restore' "$? $(cat /tmp/messages)" \
    '0 uid_memd: /tmp/none: No such file or directory; no limit is restored'
is 'not root' "$(as 2001 uid_memd --restore-only --limits /tmp/file 2>&1)" 'uid_memd: /proc/uid_mem/limits: Permission denied'

# Limits that are there before the first start: those of a unit at boot, or of an administrator.
fresh_module
printf '%s\n' '2001 max=64M' '2002 max=64M' >/tmp/file
limits '2001 max=50M' '2009 max=9M'
ok 'the daemon starts' daemon
is 'it adds what is missing and leaves the others' "$(max_of 2001) $(max_of 2002) $(max_of 2009)" '52428800 67108864 9437184'

for signal in -TERM -KILL; do
    limits '2001 max=51M' '!2002' '2009 max=10M'
    end_daemon "$signal"
    is "$signal: no limit is lost" "$(max_of 2001) $(max_of 2009)" '53477376 10485760'
    daemon
    is "$signal: a start undoes no change" "$(max_of 2001) $(max_of 2002) $(max_of 2009)" '53477376  10485760'
    limits '2002 max=1G'
done

is_restored() { [ "$(max_of 2001) $(max_of 2002)" = '67108864 67108864' ]; }
kill -HUP "$(cat /tmp/pid)"
ok_soon 'SIGHUP restores the file' is_restored
is 'and removes nothing' "$(max_of 2009)" 10485760
end_daemon -TERM

fresh_module
limits '2009 max=9M'
ok '--no-restore' uid_memd --pidfile /tmp/pid --state /tmp/state --no-restore
kill -HUP "$(cat /tmp/pid)"
end_daemon -TERM
is 'leaves limits alone' "$(cat /proc/uid_mem/limits)" \
    '2009 max=9437184 high=max on_high=event policy=default metric=rss grace_ms=0 mode=enforce'

# Many, some of them bad.
fresh_module
seq 10000 19999 | sed 's/$/ max=100M/; s/^1[0-9]500.*/& bad=1/' >/tmp/file
uid_memd --restore-only --limits /tmp/file 2>/tmp/messages
is '10,000 lines, ten of them bad' "$? $(wc -l </proc/uid_mem/limits) $(grep -c 'is refused' /tmp/messages)" '3 9990 10'
done_testing

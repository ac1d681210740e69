#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# uid_memd --textfile writes what stats and limits say, as metrics; at an
# interval and after a kill; in one step, and removes them when it ends. It
# tells what was not restored, what cannot be killed, and which kernel waits.
#
# The file is printed as well, before a kill and after: userspace/tests/prometheus
# has promtool, node_exporter and Prometheus read it.

# shellcheck disable=SC2154,SC2317  # pid, mib; functions that "ok" calls
# shellcheck source=tests/kernel/lib.sh
. /t/lib.sh

file=/tmp/metrics/uid_mem.prom
metric() { sed -n "s/^uid_mem_$1{uid=\"$2\"} //p" "$file"; }
has_metric() { [ "$(metric "$1" "$2")" = "$3" ]; }
# All of a line of stats, in the order of stats.
as_stats() {
    sed -n 's/^uid_mem_usage_bytes{uid="\([0-9]*\)"} .*/\1/p' "$file" | while read -r uid; do
        echo "$uid usage=$(metric usage_bytes "$uid") peak=$(metric peak_bytes "$uid") procs=$(metric processes "$uid")" \
            "max=$(metric limit_bytes "$uid" | sed 's/+Inf/max/') kills=$(metric kills_total "$uid")" \
            "max_events=$(metric max_events_total "$uid") high_events=$(metric high_events_total "$uid")" \
            "terms=$(metric terms_total "$uid")"
    done
}
is_true() { [ "$(as_stats)" = "$(sed 's/ anon=.* procs=/ procs=/' /proc/uid_mem/stats)" ]; }
daemon() {
    uid_memd --pidfile /tmp/pid --no-restore --state /tmp/state --textfile "$file" "$@" || give_up 'the daemon starts'
}

rm -rf /tmp/metrics
mkdir /tmp/metrics
daemon --textfile-interval 0.2
is 'with no limits' "$(sed 's/ [0-9]*$/ N/' "$file" | grep -v '^#')" "$(printf '%s\n' 'uid_mem_up N' \
    'uid_mem_events_lost_total N' 'uid_mem_reclaimed_bytes_total N' 'uid_mem_unkillable_total N' \
    'uid_mem_restore_failed N' 'uid_mem_restore_refused_lines N' \
    "uid_mem_info{engine=\"$(sed 's/.* engine=\([a-z]*\) .*/\1/' /proc/uid_mem/features)\"} N")"
is 'for all to read' "$(stat -c %a "$file")" 644
limits '2001 max=64M high=32M' '2002 max=max high=1G' '2003-2009 max=1G high=900M' '2004 max=96M' '2010 max=96M'
for uid in 2001 2002 2003 2004 2005; do
    puppet "p$uid" "$uid"
    does "p$uid" use 8M
done
does p2001 use 32M
ok_soon 'what stats says' is_true
is 'of five users' "$(grep -c '^uid_mem_usage_bytes{' "$file")" 5
is 'no limit' "$(metric limit_bytes 2002)" +Inf
is 'high marks: of a UID, of a range, none' \
    "$(metric high_bytes 2001) $(metric high_bytes 2002) $(metric high_bytes 2003) $(metric high_bytes 2004)" \
    '33554432 1073741824 943718400 '
base64 "$file" | sed 's/^/# metrics before: /'
dies p2001 use 96M
ok_soon 'the kill is counted' has_metric kills_total 2001 1
ok_soon 'and all is what stats says' is_true
kill "$(cat /tmp/pid)"
ok_soon 'when it ends' [ ! -e "$file" ]
is 'there is nothing left' "$(ls -A /tmp/metrics)" ''
wait_for 30 [ ! -e /tmp/pid ]

# The interval is an hour: what is written is for the kill.
daemon --textfile-interval 3600
is 'one kill up to now' "$(metric kills_total 2001)" 1
dies p2004 use 128M
ok_soon 'a kill is written at once' has_metric kills_total 2004 1
ok 'with nothing beside it' [ "$(ls -A /tmp/metrics)" = uid_mem.prom ]
base64 "$file" | sed 's/^/# metrics after: /'
kill -KILL "$(cat /tmp/pid)"
wait_for 30 gone "$(cat /tmp/pid)"

value() { sed -n "s/^uid_mem_$1 //p" "$file"; }
has_value() { [ "$(value "$1")" = "$2" ]; }
printf '%s\n' '2001 max=65M' '2002 max=banana' '2003 max=none' >/tmp/limits
uid_memd --pidfile /tmp/pid --limits /tmp/limits --state /tmp/state --textfile "$file" --textfile-interval 0.2 2>/dev/null ||
    give_up 'the daemon starts'
is 'a restart, which restores nothing' "$(value restore_failed) $(value restore_refused_lines)" '0 0'
kill -HUP "$(cat /tmp/pid)"
ok_soon 'lines that are refused' has_value restore_refused_lines 2
is 'the others are in force' "$(value restore_failed) $(metric limit_bytes 2001)" '0 68157440'
printf 'a\0b\n' >/tmp/limits
kill -HUP "$(cat /tmp/pid)"
ok_soon 'a file that cannot be restored' has_value restore_failed 1
is 'has no refused lines' "$(value restore_refused_lines)" 0
echo '2001 max=65M' >/tmp/limits
kill -HUP "$(cat /tmp/pid)"
ok_soon 'mended' has_value restore_failed 0

is 'all could be killed' "$(value unkillable_total)" 0
limits '2006 max=64M'
puppet rock 2006
echo -1000 >"/proc/$pid/oom_score_adj"
does rock use 96M
ok_soon 'nothing can be killed' [ "$(event_count event=unkillable)" -ge 1 ]
unkillable_is_counted() { has_value unkillable_total "$(event_count event=unkillable)"; }
ok_soon 'which is counted' unkillable_is_counted

waiting() { sed -n 's/^uid_mem_kernel_waiting//p' "$file"; }
is_waiting() { [ "$(waiting)" = "$1" ]; }
state=/var/lib/uid_mem/kernel_install
mkdir -p "$state"
is 'no kernel waits' "$(waiting)" ''
boot_id=$(cat /proc/sys/kernel/random/boot_id)
printf '%s\n' status=trial trial_release=6.1.9-a "trial_boot_id=$boot_id" trial_staged=yes waiting_release= >$state/state
ok_soon 'a staged kernel' is_waiting '{release="6.1.9-a",how="staged"} 1'
printf '%s\n' status=trial trial_release=6.1.9-a trial_boot_id=0 trial_staged=yes waiting_release= >$state/state
ok_soon 'which was booted' is_waiting ''
printf '%s\n' status=none trial_release= trial_boot_id= trial_staged= waiting_release=6.1.9-b >$state/state
ok_soon 'a kernel that is installed only' is_waiting '{release="6.1.9-b",how="installed"} 1'
printf '%s\n' 'waiting_release=6"} 1' >$state/state
ok_soon 'a name that would be another metric' is_waiting ''
rm -r $state
kill -KILL "$(cat /tmp/pid)"
wait_for 30 gone "$(cat /tmp/pid)"

is 'a name that node_exporter does not read' "$(uid_memd --textfile /tmp/metrics 2>&1 | sed 1q)" \
    "uid_memd: --textfile '/tmp/metrics' does not end in .prom, and node_exporter reads nothing else"
uid_memd --foreground --no-restore --state /tmp/state --textfile /tmp/none/a.prom 2>/tmp/messages &
ok_soon 'a directory that is not there is named' grep -q '/tmp/none/a.prom: No such file or directory' /tmp/messages
ok 'and the daemon goes on' alive "$!"
done_testing

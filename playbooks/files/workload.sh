#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: workload.sh UID OTHER_UID BLOAT_MIB TWIN_MIB
#
# Shows on a device, as root, who is killed when a UID exceeds its limit. Starts
#   twin    as UID, a small process of TWIN_MIB that stays
#   other   as OTHER_UID, a process of BLOAT_MIB that stays
#   bloat   as UID, a process that wants BLOAT_MIB, too
# and prints what became of them, with the kernel's events of the meantime, as
# JSON. Whatever it started has ended when it ends. Needs uid_mem_hog in PATH,
# in /usr/local/bin or, on Android, in /data/local/tmp; sh does with what toybox has.
#
# Exit status: 0 the report is complete, whatever it says; 1 it is not.

set -u
PATH=$PATH:/usr/local/bin:/data/local/tmp
[ -d /tmp ] || export TMPDIR=/data/local/tmp
MIB=1048576
WAIT_SECONDS=120
work=$(mktemp -d) || exit 1
holders=''

end_workload() {
    # The processes of a hog end with it.
    # shellcheck disable=SC2086  # a list of numbers
    [ -z "$holders" ] || kill $holders 2>/dev/null
    wait
    rm -rf "$work"
}
trap end_workload EXIT

die() {
    echo "workload.sh: $*" >&2
    exit 1
}

case ${1-} in
-h | --help)
    sed -n '/^# usage:/,/^$/{/^#/{s/^# \{0,1\}//;p;};}' "$0"
    exit
    ;;
esac
[ $# = 4 ] || die 'four arguments are expected; --help shows them'
for number in "$@"; do
    case $number in
    '' | *[!0-9]*) die "'$number' is not a number" ;;
    esac
done
uid=$1 other_uid=$2 bloat_bytes=$(($3 * MIB)) twin_bytes=$(($4 * MIB))

[ -r /proc/uid_mem/events ] || die '/proc/uid_mem/events cannot be read: is the module loaded, and are you root?'
command -v uid_mem_hog >/dev/null || die 'uid_mem_hog is installed neither in /usr/local/bin nor in /data/local/tmp'

# Opened anew, the file starts with the oldest event that is kept, and all of
# them are in one read; where there is none yet, it would wait for the first.
events() { timeout 2 dd if=/proc/uid_mem/events bs=2097152 count=1 2>/dev/null; }

last_seq() { events | sed -n 's/^seq=\([0-9]*\) .*/\1/p' | tail -n 1; }

# Those behind the last one of before.
new_events() {
    events | while IFS= read -r line; do
        seq=${line#seq=}
        if [ "${seq%% *}" -gt "${before:-0}" ]; then printf '%s\n' "$line"; fi
    done
}

# rss PID: its resident bytes, 0 when it is gone.
rss() {
    kib=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) .*/\1/p' "/proc/$1/status" 2>/dev/null)
    echo $((${kib:-0} * 1024))
}

# A killed process that nobody has waited for yet is not alive.
alive() {
    case $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) in
    '' | Z | X) echo false ;;
    *) echo true ;;
    esac
}

started_pid() { sed -n 's/^start pid=\([0-9]*\) .*/\1/p' "$work/$1"; }

# start WHO UID BYTES: a process that stays, in place when this returns.
start() {
    uid_mem_hog --hold 3600 "$2" - "$3" >"$work/$1" 2>&1 &
    holders="$holders $!"
    waited=0
    while pid=$(started_pid "$1") && { [ -z "$pid" ] || [ "$(rss "$pid")" -lt "$3" ]; }; do
        waited=$((waited + 1))
        if [ "$waited" -ge $((WAIT_SECONDS * 5)) ] || ! kill -0 "${holders##* }" 2>/dev/null; then
            die "the process '$1' did not get its memory: $(cat "$work/$1")"
        fi
        sleep 0.2
    done
}

json_string() { printf '"%s"' "$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g')"; }

json_lines() {
    first=''
    printf '['
    while IFS= read -r line; do
        printf '%s' "$first"
        json_string "$line"
        first=', '
    done
    printf ']'
}

# json_process WHO UID BYTES
json_process() {
    pid=$(started_pid "$1")
    printf '{"who": "%s", "pid": %s, "uid": %s, "bytes": %s, "rss": %s, "alive": %s}' \
        "$1" "${pid:-null}" "$2" "$3" "$(rss "${pid:-none}")" "$(alive "${pid:-none}")"
}

before=$(last_seq)
start twin "$uid" "$twin_bytes"
start other "$other_uid" "$bloat_bytes"

timeout "$WAIT_SECONDS" uid_mem_hog --hold 5 "$uid" - "$bloat_bytes" >"$work/bloat" 2>&1
bloat_status=$?
case $bloat_status in
0 | 3) ;;
124) die "the bloat process neither finished nor was killed in $WAIT_SECONDS s" ;;
*) die "the bloat process could not run: $(cat "$work/bloat")" ;;
esac

{
    printf '{"processes": [%s, %s, %s],\n' "$(json_process bloat "$uid" "$bloat_bytes")" \
        "$(json_process twin "$uid" "$twin_bytes")" "$(json_process other "$other_uid" "$bloat_bytes")"
    printf ' "bloat_status": %s,\n' "$bloat_status"
    printf ' "limits": %s,\n' "$(json_lines </proc/uid_mem/limits)"
    printf ' "stats": %s,\n' "$(json_lines </proc/uid_mem/stats)"
    printf ' "kernel": "%s",\n' "$(uname -r)"
    printf ' "features": %s,\n' "$(json_lines </proc/uid_mem/features)"
    printf ' "events": %s}\n' "$(new_events | json_lines)"
} >"$work/report"
cat "$work/report"

# shellcheck shell=dash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sourced by every case. A case runs as root in the guest with the module
# freshly loaded and no limit set; what it leaves running is killed, and the
# module unloaded, after it.
#
#   limits LINE...           write these lines at once; the case ends if they are refused
#   refused ERROR LINE...    TAP point: they are refused with ERROR, and the table stays as it is
#   ok WHAT COMMAND...       TAP point: COMMAND succeeds
#   not_ok WHAT COMMAND...   TAP point: COMMAND fails
#   is WHAT GOT WANT         TAP point: both are the same
#   near WHAT GOT WANT SLACK TAP point: they differ by at most SLACK
#   wait_for SECONDS COMMAND...       until COMMAND succeeds; false when it never does
#   ok_soon WHAT COMMAND...  TAP point: COMMAND succeeds within half a minute
#   skip WHAT WHY            TAP point: this kernel does not have it
#   needs_footprint          ends the case where the kernel cannot count by share
#   events                   the events since the module was loaded
#   event_count PATTERN      how many of them match an extended regular expression
#   has_events N PATTERN     whether so many match, for ok_soon
#   stat_of UID KEY          value from /proc/uid_mem/stats, 0 where there is no line
#   stat_is UID KEY -lt|-ge|-eq... VALUE      how that value compares, for ok_soon
#   reload PARAMETER=VALUE...         load the module anew
#   fresh_module             the same with no parameter
#   as UID COMMAND...        run COMMAND as that UID, without any privilege
#   puppet NAME UID          start a puppet; its pid is $pid
#   tell NAME COMMAND...     have the puppet do something; what it says is $answer
#   does NAME COMMAND...     TAP point: the puppet can do it
#   dies NAME COMMAND...     TAP point: the puppet is killed over it
#   alive PID...             all of these processes run
#   gone PID...              none of these processes runs
#   swap_on, disk_on         256 MiB of swap; an empty file system at /mnt
#   done_testing             the number of points; the last line of every case

# shellcheck source=/dev/null
. /t/environment

points=0
pid=
answer=
failures=0
# shellcheck disable=SC2034  # for the cases
mib=1048576

point() { # ok|not-ok WHAT
    points=$((points + 1))
    if [ "$1" = ok ]; then
        echo "ok $points - $2"
    else
        failures=$((failures + 1))
        echo "not ok $points - $2"
    fi
}

comment() { sed 's/^/# /'; }

ok() {
    point_name=$1
    shift
    if "$@"; then
        point ok "$point_name"
    else
        point not-ok "$point_name"
        echo "# failed: $*"
    fi
}

not_ok() {
    point_name=$1
    shift
    if "$@"; then
        point not-ok "$point_name"
        echo "# succeeded: $*"
    else
        point ok "$point_name"
    fi
}

is() {
    if [ "$2" = "$3" ]; then
        point ok "$1"
    else
        point not-ok "$1"
        printf 'got:  %s\nwant: %s\n' "$2" "$3" | comment
    fi
}

near() {
    difference=$(($2 - $3))
    if [ "${difference#-}" -le "$4" ]; then
        point ok "$1"
    else
        point not-ok "$1"
        echo "# got $2, want $3 give or take $4"
    fi
}

skip() {
    points=$((points + 1))
    echo "ok $points - $1 # SKIP $2"
}

done_testing() {
    echo "1..$points"
    [ "$failures" = 0 ]
    exit
}

needs_footprint() {
    grep -q footprint /proc/uid_mem/features && return
    skip 'footprint' 'this kernel cannot count by share'
    done_testing
}

# What a case cannot go on without.
give_up() {
    point not-ok "$1"
    done_testing
}

wait_for() {
    wait_until=$(($(cut -d. -f1 /proc/uptime) + $1 * FACTOR))
    shift
    until "$@"; do
        [ "$(cut -d. -f1 /proc/uptime)" -le "$wait_until" ] || return 1
        sleep 0.1
    done
}

ok_soon() {
    soon_name=$1
    shift
    ok "$soon_name" wait_for 30 "$@"
}

limits() {
    printf '%s\n' "$@" | write_once /proc/uid_mem/limits >/tmp/refused ||
        give_up "limits are accepted: $* ($(cat /tmp/refused))"
}

refused() {
    want=$1
    shift
    cat /proc/uid_mem/limits >/tmp/limits.before
    got=$(printf '%s\n' "$@" | write_once /proc/uid_mem/limits)
    cat /proc/uid_mem/limits >/tmp/limits.after
    cmp -s /tmp/limits.before /tmp/limits.after || got="$got, and another table"
    is "refused with $want: $(echo "$*" | cut -c1-80)" "${got:-nothing}" "$want"
}

events() { read_events all; }
event_count() { events | grep -Ec "$1"; }
has_events() { [ "$(event_count "$2")" = "$1" ]; }

stat_of() {
    awk -v uid="$1" -v key="$2" '
        $1 == uid { for (i = 2; i <= NF; i++) if (index($i, key "=") == 1) { value = substr($i, length(key) + 2) } }
        END { print value == "" ? 0 : value }' /proc/uid_mem/stats
}

stat_is() { test "$(stat_of "$1" "$2")" "$3" "$4"; }

fresh_module() {
    rmmod uid_mem || give_up 'the module is unloaded'
    insmod /t/uid_mem.ko || give_up 'the module is loaded'
}

reload() {
    rmmod uid_mem || give_up 'the module is unloaded'
    insmod /t/uid_mem.ko "$@" || give_up "the module is loaded with $*"
}

as() { as_uid "$@"; }

puppet() {
    # shellcheck disable=SC2034  # for the cases
    pid=$(/t/bin/puppet start "$2" "$1") || give_up "puppet $1 starts"
}

tell() {
    answer=$(/t/bin/puppet tell "$@")
}

does() {
    tell "$@"
    told=$?
    if [ "$told" = 0 ]; then
        point ok "$*"
    else
        point not-ok "$*"
        echo "# status $told: $answer"
    fi
}

dies() {
    tell "$@"
    is "killed: $*" $? 3
}

alive() {
    for one; do
        case $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$one/status" 2>/dev/null) in
        '' | Z | X) return 1 ;;
        esac
    done
}

gone() {
    for one; do
        ! alive "$one" || return 1
    done
}

disk_on() {
    mkdir -p /mnt
    { mke2fs /dev/vdb && mount -t ext4 /dev/vdb /mnt; } >/tmp/disk 2>&1 || {
        comment </tmp/disk
        give_up 'there is a disk'
    }
}

swap_on() {
    { mkswap /dev/vda && swapon /dev/vda; } >/tmp/swap 2>&1 || {
        comment </tmp/swap
        give_up 'there is swap'
    }
}

#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The process of one virtual device: its QEMU, found by the PID file in the device's directory.

set -euo pipefail

me=${0##*/}
here=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR source=messages.sh
. "$here/messages.sh"

help() {
    cat <<END
usage: $me make DIRECTORY IMAGE SIZE [PROFILE]
       $me status|start|stop|wait DIRECTORY [SECONDS]

  make     make a disk of SIZE that starts as IMAGE, and with PROFILE debian, which is the default,
           a key for ssh; with android a link to the system.img beside IMAGE. Nothing to do when there
           is a disk.
  status   print "absent", "stopped" or "running", and the port of its sshd or adbd on 127.0.0.1 or 0
  start    start QEMU as DIRECTORY/qemu.args says, the program and its arguments, one a line; @PORT@
           is replaced by the port of the last start, or by a free one. Nothing to do when it is
           running.
  wait     wait until root can log in; after SECONDS (default 300) show the console and fail
  stop     shut the system down; after SECONDS (default 60) pull the plug, with 0 at once

DIRECTORY is an absolute path. The caller puts qemu.args there before start, and with the profile
debian ssh_config before wait and stop.
Exit status: 0 done, 1 failed, 2 wrong arguments.
END
}

# qemu_pid: the PID of this device's QEMU. A PID file outlives its process, and the PID may belong
# to another one by now: only the QEMU that was told this PID file counts.
qemu_pid() {
    local pid
    pid=$(cat "$dir/qemu.pid" 2>/dev/null) || return 1
    [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ] || return 1
    tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null |
        awk -v file="$dir/qemu.pid" 'last == "-pidfile" && $0 == file { found = 1 } { last = $0 } END { exit !found }' || return 1
    printf '%s\n' "$pid"
}

port() {
    cat "$dir/port" 2>/dev/null || echo 0
}

is_android() {
    [ "$(cat "$dir/profile" 2>/dev/null)" = android ]
}

# The disk comes last: a directory with a disk has all the rest.
make_device() {
    local image_size disk_size
    [ ! -e "$dir/disk.qcow2" ] || return 0
    mkdir -p "$dir"
    chmod 700 "$dir"
    rm -f "$dir"/id_ed25519 "$dir"/id_ed25519.pub "$dir"/known_hosts "$dir"/port "$dir"/qemu.pid
    printf '%s\n' "$profile" >"$dir/profile"
    if [ "$profile" = android ]; then
        ln -sf "${image%/*}/system.img" "$dir/system.img"
    else
        ssh-keygen -q -t ed25519 -N '' -C "${dir##*/}" -f "$dir/id_ed25519"
    fi
    qemu-img create -q -f qcow2 -F raw -b "$image" "$dir/disk.new" "$size"
    image_size=$(stat --format %s "$image")
    disk_size=$(qemu-img info --output=json "$dir/disk.new" | sed -n 's/^    "virtual-size": \([0-9]*\).*/\1/p')
    if [ "$disk_size" -lt "$image_size" ]; then
        rm -rf "$dir"
        die "A disk of $size is too small: the image has $((image_size >> 20))M."
    fi
    mv "$dir/disk.new" "$dir/disk.qcow2"
}

status() {
    if qemu_pid >/dev/null; then
        echo "running $(port)"
    elif [ -e "$dir/disk.qcow2" ]; then
        echo "stopped $(port)"
    else
        echo "absent 0"
    fi
}

# Whether a port is free is only known when QEMU has it: try.
start() {
    local attempt port args error
    ! qemu_pid >/dev/null || return 0
    port=$(port)
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        if [ "$attempt" -gt 1 ] || [ "$port" -eq 0 ]; then
            port=$((20000 + RANDOM % 10000))
        fi
        mapfile -t args < <(sed "s/@PORT@/$port/" "$dir/qemu.args")
        if error=$("${args[@]}" 2>&1); then
            echo "$port" >"$dir/port"
            return 0
        fi
        case $error in
        *'host forwarding rule'*) ;;
        *'backing file'*) die "The image that the disk started as is gone. Remove the device and make it again. ($error)" ;;
        *) die "QEMU did not start: $error" ;;
        esac
    done
    die "QEMU did not start: $error"
}

# log_in COMMAND...: run a command as root on the device.
log_in() {
    if is_android; then
        adb_log_in "$@"
    else
        ssh_log_in "$@"
    fi
}

# That adb's exit status is 0 proves nothing, the word does. A connection of adb's that is none any more is made anew.
adb_log_in() {
    local serial
    serial=127.0.0.1:$(port)
    timeout 10 adb connect "$serial" </dev/null >"$dir/login.error" 2>&1 || return 1
    if [ "$(timeout 20 adb -s "$serial" shell "su root $* >/dev/null && echo logged-in" </dev/null 2>>"$dir/login.error")" = logged-in ]; then
        return 0
    fi
    timeout 10 adb disconnect "$serial" </dev/null >/dev/null 2>&1 || true
    return 1
}

ssh_log_in() {
    ssh -F "$dir/ssh_config" -o BatchMode=yes -o ConnectTimeout=10 device "$@" \
        </dev/null >/dev/null 2>"$dir/login.error"
}

show_console() {
    echo "The last lines of $dir/console.log:" >&2
    # A console has colours and carriage returns, a message has not.
    tail -n 30 "$dir/console.log" | sed 's/\x1b\[[0-9;?]*[A-Za-z]//g; s/\r//g' >&2
}

wait_for_login() {
    until log_in true; do
        if ! qemu_pid >/dev/null; then
            show_console
            die 'QEMU is not running.'
        fi
        if [ "$SECONDS" -ge "$seconds" ]; then
            show_console
            die "Nobody could log in for $seconds seconds: $(tail -n 1 "$dir/login.error")"
        fi
        sleep 0.5
    done
    rm -f "$dir/login.error"
}

# wait_for_end SECONDS: until QEMU has ended.
wait_for_end() {
    local deadline=$((SECONDS + $1))
    while qemu_pid >/dev/null; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

# The server of adb would go on looking for the device.
forget() {
    rm -f "$dir/qemu.pid"
    if is_android; then
        timeout 10 adb disconnect "127.0.0.1:$(port)" </dev/null >/dev/null 2>&1 || true
    fi
}

stop() {
    local pid power_off=(systemctl --no-block poweroff)
    pid=$(qemu_pid) || return 0
    # The connection ends before the device does.
    ! is_android || power_off=("sh -c '(sleep 1; poweroff) </dev/null >/dev/null 2>&1 &'")
    if [ "$seconds" -gt 0 ]; then
        if log_in "${power_off[@]}" && wait_for_end "$seconds"; then
            forget
            return 0
        fi
        echo "$me: the system did not shut down, the plug is pulled" >&2
    fi
    kill "$pid" 2>/dev/null || true
    if ! wait_for_end 10; then
        kill -KILL "$pid" 2>/dev/null || true
        wait_for_end 10 || die "QEMU, PID $pid, can't be ended."
    fi
    forget
}

[ "${1:-}" != --help ] || { help && exit 0; }
[ $# -ge 2 ] || usage_error 'a command and a DIRECTORY are needed'
command=$1
dir=$2
[[ $dir == /* ]] || usage_error "DIRECTORY is an absolute path, not '$dir'"
if [ "$command" = make ]; then
    [ $# -eq 4 ] || [ $# -eq 5 ] || usage_error 'make takes DIRECTORY, IMAGE, SIZE and PROFILE'
    image=$3
    size=$4
    profile=${5:-debian}
    case $profile in debian | android) ;; *) usage_error "PROFILE is debian or android, not '$profile'" ;; esac
    [ -f "$image" ] || die "There is no image $image."
    make_device
    exit
fi
[ $# -le 3 ] || usage_error "too many arguments after $command"
case $command in
status | start) ;;
wait) seconds=${3:-300} ;;
stop) seconds=${3:-60} ;;
*) usage_error "unknown command '$command'" ;;
esac
[[ ${seconds:-0} =~ ^[0-9]+$ ]] || usage_error "SECONDS is a number, not '$seconds'"
if [ "$command" = wait ]; then
    wait_for_login
else
    "$command"
fi

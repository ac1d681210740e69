#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A rollout that runs beside the playbook that watches it.

set -euo pipefail

me=${0##*/}

help() {
    cat <<END
usage: $me start DIRECTORY NAME PLAYBOOK [ARGUMENT...]
       $me wait DIRECTORY NAME SECONDS
       $me kill DIRECTORY NAME

  start   run ansible-playbook PLAYBOOK ARGUMENT... in the background; what it prints is DIRECTORY/NAME.log
  wait    until it has ended, and print its exit status; after SECONDS kill it and fail
  kill    end all of its processes at once, as where the controller loses its power

Exit status: 0 done, 1 failed, 2 wrong arguments.
END
}

usage_error() {
    printf "%s: %s\nTry '%s --help'.\n" "$me" "$*" "$me" >&2
    exit 2
}

start() {
    rm -f "$run.status" "$run.ssh"
    # shellcheck disable=SC2016  # the inner shell's
    setsid sh -c 'run=$1; shift; echo $$ >"$run.pid"; status=0; ansible-playbook "$@" || status=$?; echo "$status" >"$run.status"' \
        sh "$run" "$@" </dev/null >"$run.log" 2>&1 &
}

wait_for_end() {
    local deadline=$((SECONDS + $1))
    while [ ! -e "$run.status" ]; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            kill_all
            printf '%s: %s has not ended within %s s; the last lines of its log:\n' "$me" "${run##*/}" "$1" >&2
            tail -n 40 "$run.log" >&2
            exit 1
        fi
        sleep 1
    done
    cat "$run.status"
}

# descendants PID: the process and all that it has started; Ansible's workers have sessions of their own.
descendants() {
    local child
    echo "$1"
    for child in $(ps -o pid= --ppid "$1"); do
        descendants "$child"
    done
}

# The parents first, which could start others.
kill_all() {
    local pid
    for pid in $(descendants "$(cat "$run.pid")"); do
        kill -STOP "$pid" 2>/dev/null || true
    done
    for pid in $(descendants "$(cat "$run.pid")"); do
        kill -KILL "$pid" 2>/dev/null || true
    done
}

[ "${1-}" != --help ] || { help && exit 0; }
[ $# -ge 3 ] || usage_error 'a command, a DIRECTORY and a NAME are needed'
command=$1
run=$2/$3
shift 3
case $command in
start)
    [ $# -ge 1 ] || usage_error 'which PLAYBOOK?'
    start "$@"
    ;;
wait)
    [[ ${1-} =~ ^[0-9]+$ ]] || usage_error "SECONDS is a number, not '${1-}'"
    wait_for_end "$1"
    ;;
kill) kill_all ;;
*) usage_error "unknown command '$command'" ;;
esac

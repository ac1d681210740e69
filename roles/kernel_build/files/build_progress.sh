#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Says in one line how far a detached build is.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=build_lib.sh
. "$(dirname "$(readlink -f "$0")")/build_lib.sh"

help() {
    cat <<'END'
usage: build_progress.sh --cache DIR --run RUN [--title TEXT] [--wait SECONDS]

Waits SECONDS (default 20), or until the build that build_run.sh --detach RUN started has ended.
The first line says how far it is, for people. The second is "running", "done" or "failed";
after "failed" follows what went wrong. The exit status is 0 in all three cases.
END
}

cache='' run='' title=build wait=20
while [ $# -gt 0 ]; do
    case $1 in
    --help) help; exit 0 ;;
    --cache) need_value "$1" $#; cache=$(readlink -m "$2"); shift ;;
    --run) need_value "$1" $#; run=$2; shift ;;
    --title) need_value "$1" $#; title=$2; shift ;;
    --wait) need_value "$1" $#; wait=$2; shift ;;
    *) usage_error "unknown option $1" ;;
    esac
    shift
done
[ -n "$cache" ] || usage_error "--cache is missing"
[ -n "$run" ] || usage_error "--run is missing"
[[ $wait =~ ^[0-9]+$ ]] || usage_error "--wait is a number of seconds, not $wait"
dir=$cache/build/runs/$run
[ -d "$dir" ] || die "There is no run $run in $cache."

is_alive() {
    local pid
    pid=$(cat "$dir/pid")
    [ -e "$dir/exit" ] || kill -0 "$pid" 2>/dev/null
}

elapsed() {
    duration $(($(date +%s) - $(stat -c %Y "$dir/pid")))
}

describe() {
    local log stage since
    log=$(cat "$dir/log" 2>/dev/null || true)
    if [ ! -s "${log%.log}.stage" ]; then
        echo "$title: waiting for another build of the same kernel, $(elapsed)"
        return
    fi
    read -r since stage < "${log%.log}.stage"
    : "$since"
    if [ "$stage" = compiling ]; then
        awk -v title="$title" -v elapsed="$(elapsed)" '
            /^  CC / { objects++ }
            /^  [A-Z]+ / { last = $NF }
            END { printf "%s: %d objects, %s, %s\n", title, objects, elapsed, last }' "$log"
    else
        echo "$title: $stage, $(elapsed)"
    fi
}

deadline=$((SECONDS + wait))
while [ ! -e "$dir/exit" ] && is_alive && [ "$SECONDS" -lt "$deadline" ]; do
    sleep 0.5
done

if [ -e "$dir/exit" ]; then
    status=$(cat "$dir/exit")
    if [ "$status" = 0 ]; then
        printf '%s: built in %s\ndone\n' "$title" "$(elapsed)"
    else
        printf '%s: failed after %s\nfailed\n' "$title" "$(elapsed)"
        cat "$dir/error"
    fi
    rm -rf "$dir"
elif ! is_alive; then
    printf '%s: stopped after %s\nfailed\nThe build was killed. Run it again: it starts afresh.\n' "$title" "$(elapsed)"
    [ ! -e "$dir/log" ] || sed 's/^/Its log: /' "$dir/log"
    rm -rf "$dir"
else
    describe
    echo running
fi

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: ssh_logged.sh ARGUMENT...
#
# ssh, for ansible_ssh_executable: each call that does something on a device is a line of $ROLLOUT_SSH_LOG.
set -eu

case ${1-} in
-h | --help | '')
    sed -n '/^# usage:/,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit
    ;;
esac
case " $* " in
*" -O "*) ;;
*) printf '%s\n' "$*" | tr '\n' ' ' | sed 's/$/\n/' >>"$ROLLOUT_SSH_LOG" ;;
esac
exec ssh "$@"

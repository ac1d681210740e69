# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# What outlasts the kernels that are installed and removed: the outcome of the last rollout, and what failed here.
HISTORY=/var/lib/uid_mem/rollout
if [ "$android" = yes ]; then HISTORY=/data/local/uid_mem/rollout; fi

# remember_rollout OUTCOME RELEASE
remember_rollout() {
	mkdir -p "$HISTORY"
	printf '%s %s %s\n' "$(date +%s)" "$1" "$2" | replace "$HISTORY/last" 0644
}

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# What a caller is to read is printed as key=value lines on standard output; error=... says why a program failed, and
# what to do. Exit status 0: done, 1: refused or failed, 2: wrong usage.
set -eu
# adbd and su of Android leave it at 0.
umask 022

LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin:${PATH:-}
export LC_ALL PATH

# Android has its programs elsewhere, and no /tmp.
# shellcheck disable=SC2034 # not every program asks
android=no
if [ -e /system/bin/sh ] && [ -d /data/local ]; then
	# shellcheck disable=SC2034
	android=yes
	PATH=/system/bin:$PATH
	export TMPDIR=/data/local/tmp
fi

say() {
	printf '%s\n' "$*"
}

die() {
	say "error=$*"
	exit 1
}

bad_usage() {
	printf '%s: %s (see %s --help)\n' "$PROGRAM" "$*" "$PROGRAM" >&2
	exit 2
}

# What a program leaves of itself on the device. It came as text, or is a file that was left there before.
own_text() {
	if [ -n "${program_text-}" ]; then printf '%s\n' "$program_text"; else cat "$0"; fi
}

is_root() {
	[ "$(id -u)" -eq 0 ]
}

refuse_user() {
	is_root || die "not root: set 'become: true' for this host"
}

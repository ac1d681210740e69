#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Brings a file to a device that has nothing but sh: packed, it is a program that ansible.builtin.script runs there,
# over any connection. (ansible.builtin.copy needs Python on the device.)
#
# What a caller is to read is printed as key=value lines on standard output. Exit status:
#   0  done
#   1  failed; error=... says why
#   2  wrong usage
set -eu
# adbd and su of Android leave it at 0.
umask 022

PROGRAM=carry.sh
PATH=${PATH:-}:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL

PAYLOAD_MARK=__PAYLOAD_BELOW__
SUM=none

usage() {
	cat <<USAGE
usage: $PROGRAM pack FILE PACKED
       PACKED place DESTINATION MODE

  pack   write PACKED, a copy of this program that carries FILE, and print its path (on the controller)
  place  make DESTINATION, with its directory, from what it carries (on the device); does nothing,
         and says so, where it is that already
USAGE
}

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

sum_of() {
	sum_of=$(sha256sum <"$1")
	printf '%s' "${sum_of%% *}"
}

# pack FILE PACKED
cmd_pack() {
	mkdir -p "$(dirname "$2")"
	pack_new=$(mktemp "$2.XXXXXX")
	trap 'rm -f "$pack_new"' EXIT
	{
		sed "s/^SUM=none\$/SUM=$(sum_of "$1")/" "$0"
		printf '%s\n' "$PAYLOAD_MARK"
		cat "$1"
	} >"$pack_new"
	chmod 0755 "$pack_new"
	mv -f "$pack_new" "$2"
	say "$2"
}

to_disk() {
	fsync "$1" 2>/dev/null || sync "$1" 2>/dev/null || sync
}

# place DESTINATION MODE: in one step, also where the old one runs, and complete on the disk at the end.
cmd_place() {
	[ "$SUM" != none ] || die "this copy of $PROGRAM carries no file: make one with 'pack'"
	if [ -f "$1" ] && [ "$(sum_of "$1")" = "$SUM" ] && [ "$(stat -c %a "$1")" = "${2#0}" ]; then
		say changed=no
		return 0
	fi
	place_line=$(sed -n "/^$PAYLOAD_MARK\$/{=;q;}" "$0")
	place_new=$1.new
	trap 'rm -f "$place_new"' EXIT
	place_message=$( (mkdir -p "${1%/*}" && tail -n "+$((place_line + 1))" "$0" >"$place_new") 2>&1) ||
		die "$1 cannot be written: $place_message"
	[ "$(sum_of "$place_new")" = "$SUM" ] || die "$1 cannot be written: what arrived is not what was sent. Is the device full?"
	place_message=$( (chmod "$2" "$place_new" && to_disk "$place_new" && mv -f "$place_new" "$1") 2>&1) ||
		die "$1 cannot be written: $place_message"
	trap - EXIT
	to_disk "${1%/*}"
	say changed=yes
}

[ $# -gt 0 ] || bad_usage "which command?"
case $1 in
--help | -h) usage ;;
pack)
	[ $# -eq 3 ] || bad_usage "pack takes FILE and PACKED"
	cmd_pack "$2" "$3"
	;;
place)
	[ $# -eq 3 ] || bad_usage "place takes DESTINATION and MODE"
	case $2 in /*) ;; *) bad_usage "DESTINATION is an absolute path, not '$2'" ;; esac
	cmd_place "$2" "$3"
	;;
*) bad_usage "unknown command '$1'" ;;
esac
exit

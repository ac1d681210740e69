# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# Brings a file to a device that has nothing but sh. (ansible.builtin.copy needs Python there.)
PROGRAM=place.sh

# take_command calls it.
# shellcheck disable=SC2317
usage() {
	cat <<USAGE
usage: $PROGRAM file DESTINATION MODE --payload DIR
       $PROGRAM --help

  file   make DESTINATION, with its directory, of the one file in DIR; does nothing, and says so, where it is that already
USAGE
}

# place DESTINATION MODE: in one step, also where the old one runs, and complete on the disk at the end.
place() {
	check_payload
	set -- "$1" "$2" "$opt_payload"/*
	if [ -f "$1" ] && cmp -s "$1" "$3" && [ "$(stat -c %a "$1")" = "${2#0}" ]; then
		say changed=no
		return 0
	fi
	place_new=$1.new
	trap 'rm -f "$place_new"' EXIT
	place_message=$( (mkdir -p "${1%/*}" && cat "$3" >"$place_new" && chmod "$2" "$place_new") 2>&1) ||
		die "$1 cannot be written: $place_message"
	to_disk "$place_new"
	place_message=$(mv -f "$place_new" "$1" 2>&1) || die "$1 cannot be written: $place_message"
	trap - EXIT
	to_disk "${1%/*}"
	say changed=yes
}

take_command "$@"
shift
case $command in
file)
	[ $# -ge 2 ] || bad_usage "file takes DESTINATION and MODE"
	case $1 in /*) ;; *) bad_usage "DESTINATION is an absolute path, not '$1'" ;; esac
	destination=$1
	mode=$2
	shift 2
	while [ $# -gt 1 ] && payload_option "$1" "$2"; do shift 2; done
	[ $# -eq 0 ] || bad_usage "unexpected argument or option without its value: '$1'"
	place "$destination" "$mode"
	;;
*) bad_usage "unknown command '$command'" ;;
esac
exit

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# take_command ARGUMENT...: the first is $command; --help is answered here.
take_command() {
	[ $# -gt 0 ] || bad_usage "which command?"
	command=$1
	case $command in
	--help | -h | help)
		usage
		exit 0
		;;
	esac
}

# need NAME...: options that the command cannot do without.
need() {
	for need_name; do
		eval "need_value=\${opt_$need_name:-}"
		if [ -z "$need_value" ]; then
			bad_usage "$command needs --$(printf '%s' "$need_name" | tr _ -)"
		fi
	done
}

check_number() {
	case $2 in
	'' | *[!0-9]*) bad_usage "$1 takes a whole number, not '$2'" ;;
	esac
}

check_positive() {
	check_number "$1" "$2"
	[ "$2" -ge 1 ] || bad_usage "$1 takes a number of at least 1${3:+: $3}"
}

# Names become parts of paths and of GRUB's configuration.
check_name() {
	case $2 in
	'' | .* | *[!A-Za-z0-9._+~-]*) bad_usage "$1 takes letters, digits and . _ + ~ -, not '$2'" ;;
	esac
}

# is_one_of VALUE CHOICE...
is_one_of() {
	one_of=$1
	shift
	for one_of_choice; do
		if [ "$one_of_choice" = "$one_of" ]; then return 0; fi
	done
	return 1
}

check_yes_no() {
	is_one_of "$2" yes no || bad_usage "$1 takes yes or no, not '$2'"
}

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

parse_options() {
	opt_check=no opt_limits_path=$DEFAULT_LIMITS opt_parameters='' opt_release='' opt_module_sum=''
	opt_diff=no opt_notify='' opt_runtime_users='' opt_remove_limits=no
	opt_source_id='' opt_dkms=yes opt_daemon='' opt_daemon_textfile='' opt_daemon_options=''
	while [ $# -gt 0 ]; do
		case $1 in
		--help | -h)
			usage
			exit 0
			;;
		esac
		[ $# -ge 2 ] || bad_usage "unexpected argument or option without its value: '$1'"
		case $1 in
		--check)
			check_yes_no "$1" "$2"
			opt_check=$2
			;;
		--diff)
			check_yes_no "$1" "$2"
			opt_diff=$2
			;;
		--text) set_text "$2" ;;
		--notify)
			is_one_of "$2" mail webhook || bad_usage "--notify takes mail or webhook, not '$2'"
			opt_notify="$opt_notify $2"
			;;
		--remove-limits)
			check_yes_no "$1" "$2"
			opt_remove_limits=$2
			;;
		--runtime-user)
			case $2 in
			*[!A-Za-z0-9._@-]* | -*) ;;
			*) opt_runtime_users="$opt_runtime_users $2" ;;
			esac
			;;
		--limits-path)
			# It becomes part of a unit file.
			case $2 in
			*[!A-Za-z0-9/._+-]*) bad_usage "--limits-path takes letters, digits and / . _ + -, not '$2'" ;;
			/*) opt_limits_path=$2 ;;
			*) bad_usage "--limits-path takes an absolute path, not '$2'" ;;
			esac
			;;
		--parameter)
			case $2 in
			*[!a-z0-9_=YN]* | =* | *=) bad_usage "--parameter takes NAME=VALUE, not '$2'" ;;
			*=*) opt_parameters="$opt_parameters $2" ;;
			*) bad_usage "--parameter takes NAME=VALUE, not '$2'" ;;
			esac
			;;
		--release) opt_release=$2 ;;
		--module-sum) opt_module_sum=$2 ;;
		--source-id) opt_source_id=$2 ;;
		--dkms)
			check_yes_no "$1" "$2"
			opt_dkms=$2
			;;
		--daemon) opt_daemon=$2 ;;
		--daemon-textfile)
			# It becomes part of a unit file.
			case $2 in
			*[!A-Za-z0-9/._+-]*) bad_usage "--daemon-textfile takes letters, digits and / . _ + -, not '$2'" ;;
			/*/*) opt_daemon_textfile=$2 ;;
			*) bad_usage "--daemon-textfile takes an absolute path of a file in a directory of its own, not '$2'" ;;
			esac
			;;
		--daemon-option)
			# systemd splits them at blanks, and nothing else.
			case $2 in
			*[!A-Za-z0-9/._+:,=@%-]* | '') bad_usage "--daemon-option takes letters, digits and / . _ + : , = @ % -, not '$2'" ;;
			esac
			opt_daemon_options="$opt_daemon_options $2"
			;;
		*) bad_usage "unknown option '$1'" ;;
		esac
		shift 2
	done
}


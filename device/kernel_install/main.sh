# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# Other parts call it.
# shellcheck disable=SC2317
need_root() {
	refuse_user
	running=$(uname -r)
	state_read
	read_boot_id
}

main() {
	take_command "$@"
	shift
	parse_options "$@"
	case $command in
	survey) cmd_survey ;;
	preflight) cmd_preflight ;;
	install) cmd_install ;;
	trial) cmd_trial ;;
	reboot) cmd_reboot ;;
	prove) cmd_prove ;;
	prove-staged) cmd_prove_staged ;;
	abandon) cmd_abandon ;;
	disarm) cmd_disarm ;;
	prune) cmd_prune ;;
	uninstall) cmd_uninstall ;;
	watch) cmd_watch ;;
	*) bad_usage "unknown command '$command'" ;;
	esac
}

main "$@"
exit

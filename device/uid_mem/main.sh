# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

need_root() {
	refuse_user
	running=$(uname -r)
	say "running=$running"
	say "machine=$(uname -m)"
}

# What runs comes first: a parameter or module that the kernel refuses never gets into the files for the boot.
cmd_present() {
	need_root
	find_init
	say "init=$init"
	find_module
	refuse_unknown_init
	refuse_notify
	if [ "$android" = no ]; then
		need_texts modules_load facts
		if [ -n "$opt_parameters" ]; then need_texts modprobe; fi
		if [ "$init" = systemd ]; then need_texts unit; else need_texts "service_$init"; fi
		if [ -n "$opt_daemon" ]; then
			need_texts daemon_options
			if [ "$init" = systemd ]; then need_texts daemon_unit; else need_texts "daemon_service_$init"; fi
		fi
	fi
	case " $changes " in
	*" module "*)
		# The caller brings it and calls again.
		if [ "$opt_check" = no ]; then
			said_changes
			return 0
		fi
		;;
	esac
	keep_indexed
	keep_loaded
	keep_boot_files
	if [ -n "$opt_daemon" ]; then keep_daemon; else drop_daemon; fi
	# A device may lose power at any moment, and what starts at boot has to be whole then.
	if [ -n "$changes" ] && [ "$opt_check" = no ]; then sync; fi
	if [ -e "$LIMITS" ]; then
		say loaded=yes
		say_extra
		present_engine=$(module_engine)
		say "engine=$present_engine"
		if [ "$present_engine" = scan ] && [ -n "$changes" ] && [ "$opt_check" = no ]; then remember_rollout module "$running"; fi
	else
		say loaded=no
	fi
	if [ "$init" != systemd ] && [ "$android" = no ] && [ -n "$changes" ] && [ "$opt_check" = no ] && [ -e "$LIMITS" ]; then
		start_service "$SERVICE" || true
	fi
	said_changes
}

cmd_absent() {
	need_root
	drop_daemon
	drop_service service "$SERVICE" "$SERVICE_FILE"
	drop_facts
	if [ "$opt_remove_limits" = yes ]; then
		drop_file limits-file "$opt_limits_path"
		if [ "$opt_check" = no ]; then rmdir "${DEFAULT_LIMITS%/*}" 2>/dev/null || true; fi
	fi
	drop_file unit-enabled "$UNIT_WANTED"
	drop_file unit "$UNIT_FILE"
	if [ -n "$changes" ] && [ "$opt_check" = no ] && [ -d /run/systemd/system ]; then
		systemctl daemon-reload
		systemctl reset-failed "$UNIT" 2>/dev/null || true
	fi
	drop_file modules-load "$MODULES_LOAD"
	drop_file modprobe "$MODPROBE"
	drop_file program "$HOME_DIR/$PROGRAM"
	if [ "$android" = yes ]; then
		drop_other_boot_files
		drop_file module-removed "$HOME_DIR/uid_mem.ko"
	fi
	if grep -qs ' module ' "$HISTORY/last"; then drop_file last-rollout "$HISTORY/last"; fi
	if [ "$opt_check" = no ]; then rmdir "$HISTORY" "$HOME_DIR" 2>/dev/null || true; fi
	if [ -e /sys/module/uid_mem ] && will unloaded; then
		absent_message=$(remove_module 2>&1) ||
			die "the files for the boot are removed, but the module uid_mem cannot be unloaded ($absent_message): reboot"
	fi
	if [ -n "$(installed_source)" ] || [ -d "$STOCK_STATE" ]; then
		say need=remove_stock
		will stock || true
	fi
	said_changes
}

drop_facts() {
	drop_file facts "$FACTS"
	if [ "$opt_check" = no ]; then rmdir "${FACTS%/*}" /etc/ansible 2>/dev/null || true; fi
}

main() {
	take_command "$@"
	shift
	parse_options "$@"
	case $command in
	present) cmd_present ;;
	absent) cmd_absent ;;
	restore) cmd_restore ;;
	boot) cmd_boot ;;
	daemon) cmd_daemon ;;
	supervise) cmd_supervise ;;
	*) bad_usage "unknown command '$command'" ;;
	esac
}

main "$@"
exit

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# android_boot_file: what is started at boot. An init knows no more than it read at boot.
find_android_boot() {
	if [ -d "$SERVICE_D" ]; then
		android_boot_file=$SERVICE_D/uid_mem.sh
		return 0
	fi
	for init_directory in $INIT_DIRECTORIES; do
		if [ -d "$init_directory" ] && [ -w "$init_directory" ]; then
			android_boot_file=$init_directory/uid_mem.rc
			return 0
		fi
	done
	die "nothing on this device can be told to load the module at boot (for now it is loaded):" \
		"there is no root manager with $SERVICE_D, and none of $INIT_DIRECTORIES can be written to;" \
		"where the bootloader is unlocked, 'adb remount' and a reboot change the latter"
}

boot_options() {
	printf '%s' "--limits-path $opt_limits_path"
	for parameter in $opt_parameters; do printf '%s' " --parameter $parameter"; done
}

keep_android_boot() {
	find_android_boot
	keep_limits_file "$android_boot_file"
	keep_file program "$HOME_DIR/$PROGRAM" 0755 opaque <<TEXT
$(own_text)
TEXT
	case $android_boot_file in
	*.rc) keep_rc ;;
	*) keep_service_script ;;
	esac
	drop_other_boot_files
}

# The class core is started when /data is there, and before any app.
keep_rc() {
	keep_file boot "$android_boot_file" 0644 <<-RC
		# Written by the role devfleet.uid_mem.uid_mem.
		service uid_mem /system/bin/logwrapper /system/bin/sh $HOME_DIR/$PROGRAM boot $(boot_options)
		    class core
		    user root
		    group root
		    oneshot
		    seclabel u:r:su:s0
		$(if [ -n "$opt_daemon" ]; then daemon_rc; fi)
	RC
}

daemon_rc() {
	cat <<-RC

		service uid_memd /system/bin/logwrapper /system/bin/sh $HOME_DIR/$PROGRAM daemon
		    class late_start
		    user root
		    group root
		    capabilities SYS_RESOURCE IPC_LOCK
		    oom_score_adjust -1000
		    restart_period 5
		    seclabel u:r:su:s0
	RC
}

keep_service_script() {
	keep_file boot "$android_boot_file" 0755 <<-SCRIPT
		#!/system/bin/sh
		# Written by the role devfleet.uid_mem.uid_mem.
		sh $HOME_DIR/$PROGRAM boot $(boot_options) >/dev/kmsg 2>&1
		$(if [ -n "$opt_daemon" ]; then printf 'exec sh %s supervise >/dev/kmsg 2>&1' "$HOME_DIR/$PROGRAM"; fi)
	SCRIPT
}

drop_other_boot_file() {
	if [ "$1" != "${android_boot_file-}" ]; then drop_file boot-removed "$1"; fi
}

# Those of a way to boot that is not used any more; all of them where none is.
drop_other_boot_files() {
	drop_other_boot_file "$SERVICE_D/uid_mem.sh"
	for init_directory in $INIT_DIRECTORIES; do drop_other_boot_file "$init_directory/uid_mem.rc"; done
}

cmd_boot() {
	running=$(uname -r)
	# Checked parameters without blanks.
	# shellcheck disable=SC2086
	if [ ! -e "$LIMITS" ]; then load_module $opt_parameters; fi
	cmd_restore
}


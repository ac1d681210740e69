# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# ---- without systemd: service scripts of OpenRC and of sysvinit

# The runlevel with the local file systems: boot, but sysinit with Debian, which has boot and does not enter it.
early_runlevel() {
	if [ -n "$(ls -A /etc/runlevels/boot 2>/dev/null)" ]; then echo boot; else echo sysinit; fi
}

# enable_service NAME RUNLEVEL: it is started at each boot.
enable_service() {
	if [ "$init" = openrc ]; then
		rc-update -q add "$1" "$2" >/dev/null || die "OpenRC does not take the service $1 into the runlevel $2: see 'rc-update add $1 $2'"
	else
		# A script that changed its runlevels is put there anew.
		update-rc.d "$1" remove >/dev/null 2>&1 || true
		update-rc.d "$1" defaults >/dev/null || die "the service $1 is not started at boot: see 'update-rc.d $1 defaults'"
	fi
}

is_enabled() {
	for enabled_link in /etc/runlevels/*/"$1" /etc/rc?.d/S[0-9][0-9]"$1"; do
		if [ -L "$enabled_link" ]; then return 0; fi
	done
	return 1
}

# drop_service CHANGE NAME FILE
drop_service() {
	if is_enabled "$2" && will "$1-enabled"; then
		if command -v rc-update >/dev/null; then rc-update -q delete "$2" -a >/dev/null 2>&1 || true; fi
		if command -v update-rc.d >/dev/null; then update-rc.d -f "$2" remove >/dev/null 2>&1 || true; fi
		rm -f /etc/rc?.d/[SK][0-9][0-9]"$2"
	fi
	drop_file "$1" "$3"
}

keep_service() {
	service_before=$changes
	keep_text "service_$init" service "$SERVICE_FILE" 0755
	if { ! is_enabled "$SERVICE" || [ "$changes" != "$service_before" ]; } && will service-enabled; then
		enable_service "$SERVICE" "$(early_runlevel)"
	fi
}

# The limits are in force already: it only is to be known as started.
start_service() {
	if [ "$init" = openrc ]; then rc-service -q "$1" start >/dev/null 2>&1; else "/etc/init.d/$1" start >/dev/null 2>&1; fi
}

service_runs() {
	"/etc/init.d/$1" status >/dev/null 2>&1
}

keep_daemon_service() {
	service_before=$changes
	keep_daemon_options
	keep_text "daemon_service_$init" daemon-service "$DAEMON_SERVICE_FILE" 0755
	if [ "$changes" != "$service_before" ] && [ "$opt_check" = no ] && service_runs "$DAEMON_SERVICE"; then
		"/etc/init.d/$DAEMON_SERVICE" stop >/dev/null 2>&1 || true
	fi
	if { ! is_enabled "$DAEMON_SERVICE" || [ "$changes" != "$service_before" ]; } && will daemon-enabled; then
		enable_service "$DAEMON_SERVICE" default
	fi
	if ! service_runs "$DAEMON_SERVICE" && will daemon-started; then
		service_message=$("/etc/init.d/$DAEMON_SERVICE" start 2>&1) || die "uid_memd does not start: $(printf '%s' "$service_message" | tail -n 3 | tr '\n' ';')"
	fi
}

drop_daemon_service() {
	if [ ! -e "$DAEMON_SERVICE_FILE" ] && ! is_enabled "$DAEMON_SERVICE"; then return 0; fi
	if [ -e "$DAEMON_SERVICE_FILE" ] && service_runs "$DAEMON_SERVICE" && will daemon-stopped; then
		"/etc/init.d/$DAEMON_SERVICE" stop >/dev/null 2>&1 || die "uid_memd cannot be stopped: see '/etc/init.d/$DAEMON_SERVICE stop' on the device"
	fi
	drop_service daemon-service "$DAEMON_SERVICE" "$DAEMON_SERVICE_FILE"
}

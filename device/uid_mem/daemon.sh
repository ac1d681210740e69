# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# What daemon.sh has placed from that source, and what nobody has changed since.
daemon_is_placed() {
	[ -e "$DAEMON_RECORD" ] && [ "$(head -n 1 "$DAEMON_RECORD")" = "$opt_daemon" ] &&
		tail -n +2 "$DAEMON_RECORD" | sha256sum -c --status 2>/dev/null
}

# Says need_daemon=yes where the programs are not those of the caller, who brings them and calls again: false then.
need_no_daemon() {
	if daemon_is_placed; then return 0; fi
	say need_daemon=yes
	will daemon || true
	[ "$opt_check" = yes ]
}

keep_daemon() {
	if [ "$android" = yes ]; then
		keep_android_daemon
		return 0
	fi
	need_no_daemon || return 0
	drop_file uid_memtop-moved "$OLD_TOP"
	keep_notify
	if [ "$init" = systemd ]; then keep_daemon_unit; else keep_daemon_service; fi
}

keep_daemon_options() {
	if [ -n "$opt_daemon_textfile" ] && [ ! -d "${opt_daemon_textfile%/*}" ] && will daemon-directory; then
		mkdir -p "${opt_daemon_textfile%/*}"
	fi
	keep_text daemon_options daemon-options "$DAEMON_OPTIONS" 0644
}

keep_daemon_unit() {
	daemon_before=$changes
	keep_text daemon_unit daemon-unit "$DAEMON_UNIT_FILE" 0644
	keep_daemon_options
	if [ -n "$opt_daemon_textfile" ]; then
		keep_text daemon_drop_in daemon-drop-in "$DAEMON_DROP_IN" 0644
	else
		drop_file daemon-drop-in "$DAEMON_DROP_IN"
	fi
	if [ "$changes" != "$daemon_before" ] && [ "$opt_check" = no ]; then
		systemctl daemon-reload
		systemctl stop "$DAEMON_UNIT" 2>/dev/null || true
	fi
	if [ ! -L "$DAEMON_WANTED" ] && will daemon-enabled; then
		mkdir -p "${DAEMON_WANTED%/*}"
		ln -s "../$DAEMON_UNIT" "$DAEMON_WANTED"
		systemctl daemon-reload
	fi
	if ! systemctl -q is-active "$DAEMON_UNIT" && will daemon-started; then
		systemctl start "$DAEMON_UNIT" ||
			die "uid_memd does not start: $(systemctl status --no-pager -n 3 "$DAEMON_UNIT" 2>&1 | tail -n 3 | tr '\n' ';')"
	fi
}

drop_daemon() {
	if [ "$android" = yes ]; then
		drop_android_daemon
		return 0
	fi
	daemon_before=$changes
	drop_daemon_service
	if [ -d /run/systemd/system ] && systemctl -q is-active "$DAEMON_UNIT" && will daemon-stopped; then
		systemctl stop "$DAEMON_UNIT" || die "uid_memd cannot be stopped: see 'systemctl status $DAEMON_UNIT' on the device"
	fi
	drop_notify
	drop_file daemon-enabled "$DAEMON_WANTED"
	drop_file daemon-drop-in "$DAEMON_DROP_IN"
	drop_file daemon-unit "$DAEMON_UNIT_FILE"
	drop_file daemon-options "$DAEMON_OPTIONS"
	drop_file daemon "$DAEMON"
	drop_file uid_memtop "$TOP"
	drop_file uid_memtop-moved "$OLD_TOP"
	drop_file daemon-record "$DAEMON_RECORD"
	if [ "$changes" = "$daemon_before" ] || [ "$opt_check" = yes ]; then return 0; fi
	rmdir "${DAEMON_DROP_IN%/*}" 2>/dev/null || true
	rm -rf /run/uid_memd
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload
		systemctl reset-failed "$DAEMON_UNIT" 2>/dev/null || true
	fi
}

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# is_alive FILE WORD: whether the process whose number is in FILE is there, with WORD on its command line.
is_alive() {
	[ -s "$1" ] && tr '\0' ' ' <"/proc/$(cat "$1")/cmdline" 2>/dev/null | grep -q -- "$2"
}

daemon_runs() {
	is_alive "$DAEMON_PID" "$DAEMON"
}

# Init has read of it when the device was booted, and keeps it running.
init_runs_daemon() {
	case $(getprop init.svc.uid_memd 2>/dev/null) in
	running | restarting) return 0 ;;
	*) return 1 ;;
	esac
}

keep_android_daemon() {
	need_no_daemon || return 0
	daemon_before=$changes
	keep_file daemon-options "$DAEMON_OPTIONS" 0644 <<-OPTIONS
		--limits $opt_limits_path${opt_daemon_textfile:+ --textfile $opt_daemon_textfile}$opt_daemon_options
	OPTIONS
	if [ -n "$opt_daemon_textfile" ] && [ ! -d "${opt_daemon_textfile%/*}" ] && will daemon-directory; then
		mkdir -p "${opt_daemon_textfile%/*}"
	fi
	if [ "$changes" != "$daemon_before" ] && [ "$opt_check" = no ] && daemon_runs; then end_daemon; fi
	if ! daemon_runs && will daemon-started; then start_android_daemon; fi
}

# The next one may be there before this returns.
end_daemon() {
	daemon_runs || return 0
	end_pid=$(cat "$DAEMON_PID")
	kill "$end_pid" 2>/dev/null || true
	end_waited=0
	while [ -e "/proc/$end_pid/exe" ]; do
		end_waited=$((end_waited + 1))
		[ "$end_waited" -le 50 ] || die "uid_memd, process $end_pid, does not end"
		sleep 0.2
	done
}

# Whoever keeps it running starts it, or a supervisor does until the next boot.
start_android_daemon() {
	if ! init_runs_daemon && ! is_alive "$SUPERVISOR_PID" supervise; then
		setsid sh "$HOME_DIR/$PROGRAM" supervise </dev/null >/dev/kmsg 2>&1 &
	fi
	start_waited=0
	until daemon_runs; do
		start_waited=$((start_waited + 1))
		[ "$start_waited" -le 75 ] || die "uid_memd does not start: $(dmesg 2>/dev/null | grep uid_memd | tail -n 3 | tr '\n' ';')"
		sleep 0.2
	done
}

drop_android_daemon() {
	daemon_before=$changes
	if [ "$opt_check" = no ] && init_runs_daemon; then stop uid_memd; fi
	# A supervisor ends when the program has gone.
	drop_file daemon "$DAEMON"
	drop_file uid_memtop "$TOP"
	drop_file daemon-options "$DAEMON_OPTIONS"
	drop_file daemon-record "$DAEMON_RECORD"
	if [ "$changes" = "$daemon_before" ] || [ "$opt_check" = yes ]; then return 0; fi
	end_daemon
	rm -f "$DAEMON_PID" /dev/uid_memd.state
}

cmd_daemon() {
	# Checked words without blanks inside.
	# shellcheck disable=SC2046
	exec "$DAEMON" --foreground --state /dev/uid_memd.state --pidfile "$DAEMON_PID" $(cat "$DAEMON_OPTIONS")
}

cmd_supervise() {
	echo $$ >"$SUPERVISOR_PID"
	while [ -e "$DAEMON" ]; do
		sh "$0" daemon || true
		sleep 1
	done
	rm -f "$SUPERVISOR_PID"
}


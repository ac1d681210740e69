#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Tells of kills by mail and to a web hook. On a device it is /usr/local/lib/uid_mem/notify, the --on-kill command of
# uid_memd.
set -eu

LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

CONFIGURATION=${UID_MEM_NOTIFY_CONFIGURATION:-/etc/uid_mem/notify.conf}

usage() {
	cat <<USAGE
usage: notify
       notify send

Without an argument it takes one kill from the environment (UID_MEM_UID, UID_MEM_COMM, ...). With systemd it leaves it in
a queue, for uid_mem-notify.service, so that the daemon's unit needs no more rights than for its own work; without, it
tells of it at once. With send, it tells of all that is in the queue.

Configuration, in $CONFIGURATION, in the shell's words:
  mail_to      addresses, separated by commas; empty for no mail
  webhook_url  where to send JSON to, by POST; empty for none
  queue        directory of the queue; empty where there is none
  pause        seconds to wait after send; kills of that time are told together
USAGE
}

fail() {
	printf 'notify: %s\n' "$*" >&2
}

# ---- one kill: a line of key=value fields

# The time of the event, rather than of now: it may have waited in the kernel. UID_MEM_TS is in ns since the boot.
event_time() {
	now=$(date +%s)
	read -r up _ </proc/uptime
	echo $((now - ${up%.*} + ${UID_MEM_TS:-0} / 1000000000))
}

# The name of a process is printable and has neither quotes nor line feeds, as the kernel writes it.
event_line() {
	printf 'time=%s uid=%s pid=%s usage=%s max=%s victim_rss=%s policy=%s seq=%s comm=%s\n' "$(event_time)" \
		"${UID_MEM_UID-}" "${UID_MEM_PID-}" "${UID_MEM_USAGE-}" "${UID_MEM_MAX-}" "${UID_MEM_VICTIM_RSS-}" \
		"${UID_MEM_POLICY-}" "${UID_MEM_SEQ-}" "${UID_MEM_COMM-}"
}

# field NAME LINE
field() {
	case $1 in
	comm) printf '%s' "${2#* comm=}" ;;
	*)
		field_rest=${2#*"$1="}
		printf '%s' "${field_rest%% *}"
		;;
	esac
}

user_name() {
	id -nu -- "$1" 2>/dev/null || printf 'UID %s' "$1"
}

# size BYTES
size() {
	case $1 in
	'' | *[!0-9]*) printf '%s' "${1:-unknown}" ;;
	*) printf '%s MiB' $(($1 / 1048576)) ;;
	esac
}

sentence() {
	printf '%s: killed "%s" (process %s) of %s (UID %s), which used %s of %s' \
		"$(date -d "@$(field time "$1")" '+%Y-%m-%d %H:%M:%S %z' 2>/dev/null || date)" "$(field comm "$1")" "$(field pid "$1")" \
		"$(user_name "$(field uid "$1")")" "$(field uid "$1")" "$(size "$(field usage "$1")")" "$(size "$(field max "$1")")"
}

# ---- mail

mail_subject() {
	if [ "$1" = 1 ]; then
		read -r subject_line <"$2"
		printf 'killed "%s" of %s' "$(field comm "$subject_line")" "$(user_name "$(field uid "$subject_line")")"
	else
		printf '%s processes killed' "$1"
	fi
}

# mail_text COUNT FILE
mail_text() {
	cat <<-MAIL
		To: $mail_to
		Subject: $host: uid_mem $(mail_subject "$1" "$2")
		Auto-Submitted: auto-generated
		MIME-Version: 1.0
		Content-Type: text/plain; charset=utf-8

		On $host, the memory limit of a user was exceeded.

	MAIL
	while IFS= read -r mail_line; do printf '%s\n' "$(sentence "$mail_line")"; done <"$2"
	printf '\nMore: uid_memtop, /proc/uid_mem/stats and /proc/uid_mem/events on the device.\n'
}

send_mail() {
	mail_text "$1" "$2" | sendmail -oi -t || fail "sendmail failed, no mail to $mail_to"
}

# ---- web hook

json_string() {
	printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\037' | sed 's/["\\]/\\&/g')"
}

json_number() {
	case $1 in
	'' | *[!0-9]*) printf null ;;
	*) printf '%s' "$1" ;;
	esac
}

json_event() {
	printf '{"event":"kill","user":%s,"comm":%s,"policy":%s' "$(json_string "$(user_name "$(field uid "$1")")")" \
		"$(json_string "$(field comm "$1")")" "$(json_string "$(field policy "$1")")"
	for json_key in time uid pid usage max victim_rss seq; do
		printf ',"%s":%s' "$json_key" "$(json_number "$(field "$json_key" "$1")")"
	done
	printf '}'
}

# Chat servers show "text".
json_body() {
	json_text='' json_events=''
	while IFS= read -r json_line; do
		json_text="$json_text${json_text:+; }$(sentence "$json_line")"
		json_events="$json_events${json_events:+,}$(json_event "$json_line")"
	done <"$1"
	printf '{"text":%s,"host":%s,"events":[%s]}' "$(json_string "$host: $json_text")" "$(json_string "$host")" "$json_events"
}

# The address may hold a secret: not on the command line where there is another way.
post() {
	if command -v curl >/dev/null; then
		printf 'url = "%s"\n' "$webhook_url" |
			curl --config - --silent --show-error --fail --max-time 20 --output /dev/null \
				--header 'Content-Type: application/json' --data-binary "$1"
	else
		wget -q -T 20 -O /dev/null --header 'Content-Type: application/json' --post-data "$1" "$webhook_url"
	fi
}

send_webhook() {
	webhook_body=$(json_body "$1")
	for webhook_pause in 2 8 0; do
		if post "$webhook_body"; then return 0; fi
		sleep "$webhook_pause"
	done
	fail "the web hook could not be reached and was not told: $webhook_body"
}

# ---- what to do

# tell_of FILE: each line is a kill.
tell_of() {
	tell_count=$(wc -l <"$1")
	tell_count=$((tell_count))
	if [ -n "$mail_to" ]; then send_mail "$tell_count" "$1"; fi
	if [ -n "$webhook_url" ]; then send_webhook "$1"; fi
}

# Complete under its final name at once.
put_in_queue() {
	mkdir -p "$queue"
	event_line >"$queue/.$$"
	mv "$queue/.$$" "$queue/$(printf '%020d' "${UID_MEM_SEQ:-0}")"
}

# What comes meanwhile is for the next time.
send_queue() {
	work=$(mktemp)
	trap 'rm -f "$work"' EXIT
	for queued in "$queue"/[0-9]*; do
		if [ -e "$queued" ]; then
			cat "$queued" >>"$work"
			rm -f "$queued"
		fi
	done
	if [ -s "$work" ]; then
		tell_of "$work"
		sleep "$pause"
	fi
}

send_one() {
	work=$(mktemp)
	trap 'rm -f "$work"' EXIT
	event_line >"$work"
	tell_of "$work"
}

case "$#-${1-}" in
1---help | 1--h)
	usage
	exit 0
	;;
0- | 1-send) ;;
*)
	fail "unexpected arguments: $* (see notify --help)"
	exit 2
	;;
esac
mail_to='' webhook_url='' queue='' pause=0
# shellcheck source=/dev/null
. "$CONFIGURATION"
host=$(uname -n)
if [ $# -gt 0 ]; then
	send_queue
elif [ -n "$queue" ]; then
	put_in_queue
else
	send_one
fi

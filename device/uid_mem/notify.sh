# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# ---- kills told by mail or to a web hook

# Before anything is written.
refuse_notify() {
	for notify_by in $opt_notify; do
		if [ "$android" = yes ]; then
			die "uid_mem_mail_to and uid_mem_webhook_url are not for Android; see --on-kill of uid_memd (uid_mem_daemon_options)"
		fi
		case $notify_by in
		mail)
			command -v sendmail >/dev/null ||
				refuse_for_now "uid_mem_mail_to needs a program sendmail on this device, and there is none: install a mail transport agent" \
					"(Debian: dma, msmtp-mta, nullmailer, postfix), or clear uid_mem_mail_to"
			;;
		webhook)
			command -v curl >/dev/null || command -v wget >/dev/null ||
				refuse_for_now "uid_mem_webhook_url needs curl or wget on this device, and there is neither: install one, or clear uid_mem_webhook_url"
			;;
		esac
	done
}

keep_notify() {
	if [ -z "$opt_notify" ]; then
		drop_notify
		return 0
	fi
	notify_before=$changes
	keep_text notify notify "$NOTIFY" 0755 opaque
	# A web hook's address is a secret.
	keep_text notify_configuration notify-configuration "$NOTIFY_CONFIGURATION" 0600 opaque
	if [ "$init" != systemd ]; then return 0; fi
	keep_text notify_service notify-unit "$NOTIFY_SERVICE_FILE" 0644
	keep_text notify_path notify-path "$NOTIFY_PATH_FILE" 0644
	if [ ! -L "$NOTIFY_PATH_WANTED" ] && will notify-enabled; then
		mkdir -p "${NOTIFY_PATH_WANTED%/*}"
		ln -s "../$NOTIFY_PATH" "$NOTIFY_PATH_WANTED"
	fi
	if [ "$changes" != "$notify_before" ] && [ "$opt_check" = no ]; then systemctl daemon-reload; fi
	if ! systemctl -q is-active "$NOTIFY_PATH" && will notify-started; then
		systemctl start "$NOTIFY_PATH" || die "$NOTIFY_PATH does not start: see 'systemctl status $NOTIFY_PATH' on the device"
	fi
}

drop_notify() {
	notify_before=$changes
	if [ -e "$NOTIFY_PATH_FILE" ] && [ -d /run/systemd/system ] && systemctl -q is-active "$NOTIFY_PATH" && will notify-stopped; then
		systemctl stop "$NOTIFY_PATH"
	fi
	drop_file notify-enabled "$NOTIFY_PATH_WANTED"
	drop_file notify-path "$NOTIFY_PATH_FILE"
	drop_file notify-unit "$NOTIFY_SERVICE_FILE"
	drop_file notify "$NOTIFY"
	if [ -e "$NOTIFY_CONFIGURATION" ] && will notify-configuration; then rm -f "$NOTIFY_CONFIGURATION"; fi
	if [ "$changes" != "$notify_before" ] && [ "$opt_check" = no ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
}

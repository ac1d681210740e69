# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

changes=''

# will CHANGE: notes it; true where it is to be made.
will() {
	changes="$changes $1"
	[ "$opt_check" = no ]
}

# keep_file NAME FILE MODE: standard input becomes FILE, in one step, unless it is that already.
keep_file() {
	keep_content=$(cat)
	if [ -e "$2" ] && [ "$(cat "$2")" = "$keep_content" ]; then return 0; fi
	will "$1" || return 0
	mkdir -p "${2%/*}"
	printf '%s\n' "$keep_content" >"$2.new"
	chmod "$3" "$2.new"
	mv -f "$2.new" "$2"
}

drop_file() {
	if [ ! -e "$2" ] && [ ! -L "$2" ]; then return 0; fi
	if will "$1"; then rm -f "$2"; fi
}

said_changes() {
	if [ -n "$changes" ]; then say changed=yes; else say changed=no; fi
	say "changes=${changes# }"
}


# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

changes=''

# will CHANGE: notes it; true where it is to be made.
will() {
	changes="$changes $1"
	[ "$opt_check" = no ]
}

# refuse_for_now MESSAGE...: of what the play may mend before it comes to this: in check mode it has not, so that is a warning.
refuse_for_now() {
	[ "$opt_check" = yes ] || die "$@"
	say "warning=$*. The run would fail, unless the play mends this first; check mode goes on as if it had"
}

# Programs, longer texts than this, and what is not to be seen, are told by their checksum.
LONGEST_DIFF=8192
diff_opaque=no

# diff_text: standard input in one line, as printf's %b takes it.
diff_text() {
	diff_raw=$(cat)
	if [ -z "$diff_raw" ]; then return 0; fi
	if [ "$diff_opaque" = yes ] || [ "${#diff_raw}" -gt "$LONGEST_DIFF" ]; then
		diff_sum=$(printf '%s' "$diff_raw" | sha256sum)
		printf 'SHA-256 %s\\n' "${diff_sum%% *}"
	else
		printf '%s\n' "$diff_raw" | sed 's/\\/\\\\/g; s/$/\\n/' | tr -d '\n'
	fi
}

# say_diff FILE AFTER: what becomes of a file, for the caller to show.
say_diff() {
	if [ "$opt_diff" = no ]; then return 0; fi
	say "diff_path=$1"
	if [ -e "$1" ]; then say "diff_before=$(diff_text <"$1")"; else say diff_before=; fi
	say "diff_after=$(printf '%s' "$2" | diff_text)"
}

# say_diff_of WHAT BEFORE AFTER: the same of what is no file of text.
say_diff_of() {
	if [ "$opt_diff" = no ]; then return 0; fi
	say "diff_path=$1"
	say "diff_before=$(printf '%s' "$2" | diff_text)"
	say "diff_after=$(printf '%s' "$3" | diff_text)"
}

# keep_file NAME FILE MODE [opaque]: standard input becomes FILE, in one step, unless it is that already.
keep_file() {
	keep_content=$(cat)
	if [ -e "$2" ] && [ "$(cat "$2")" = "$keep_content" ]; then return 0; fi
	diff_opaque=no
	if [ "${4-}" = opaque ]; then diff_opaque=yes; fi
	say_diff "$2" "$keep_content"
	diff_opaque=no
	will "$1" || return 0
	mkdir -p "${2%/*}"
	(
		umask 077
		printf '%s\n' "$keep_content" >"$2.new"
	)
	chmod "$3" "$2.new"
	mv -f "$2.new" "$2"
}

drop_file() {
	if [ ! -e "$2" ] && [ ! -L "$2" ]; then return 0; fi
	if [ -f "$2" ] && [ ! -L "$2" ] && ! is_binary "$2"; then say_diff "$2" ''; fi
	if will "$1"; then rm -f "$2"; fi
}

# A program of C, or a module, is nothing to show.
is_binary() {
	[ "$(head -c 4 "$1" | tr -d '\0')" != "$(head -c 4 "$1" | tr -cd '[:print:]\n\t')" ]
}

said_changes() {
	if [ -n "$changes" ]; then say changed=yes; else say changed=no; fi
	say "changes=${changes# }"
}

# ---- the caller's texts: units and configuration, which are templates of the role

# set_text NAME=TEXT: with \n for a line feed and \\ for a backslash.
set_text() {
	case ${1%%=*} in
	'' | *[!a-z_]*) bad_usage "--text takes NAME=TEXT, not '$1'" ;;
	esac
	case $1 in
	*=*) eval "text_${1%%=*}=\${1#*=}" ;;
	*) bad_usage "--text takes NAME=TEXT, not '$1'" ;;
	esac
}

# need_texts NAME...: refuses to begin without them.
need_texts() {
	for need_text; do
		eval "need_text_value=\${text_$need_text-}"
		[ -n "$need_text_value" ] || bad_usage "$command needs --text $need_text=TEXT on this device"
	done
}

text() {
	eval "printf '%b' \"\${text_$1}\""
}

# keep_text NAME CHANGE FILE MODE [opaque]
keep_text() {
	keep_file "$2" "$3" "$4" "${5-}" <<-TEXT
		$(text "$1")
	TEXT
}

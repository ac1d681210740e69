# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# DKMS keeps its signing key when its package goes; a key that nothing uses is not left lying about.
drop_dkms_tree() {
	rm -rf "$DKMS_TREE/uid_mem"
	if grep -qx dkms "$STATE/packages" 2>/dev/null && ! is_installed dkms; then
		rm -f "$DKMS_TREE/mok.key" "$DKMS_TREE/mok.pub" "$DKMS_TREE/dkms_dbversion"
		rmdir "$DKMS_TREE" 2>/dev/null || true
	fi
}

cmd_remove() {
	need_root
	: >"$LOG"
	drop_prebuilt
	remove_sources
	drop_packages
	drop_dkms_tree
	rm -rf "$STATE"
	rmdir "${STATE%/*}" 2>/dev/null || true
	say changed=yes
}

main() {
	take_command "$@"
	shift
	parse_options "$@"
	case $command in
	place) cmd_place ;;
	dkms) cmd_dkms ;;
	packages) cmd_packages ;;
	remove) cmd_remove ;;
	*) bad_usage "unknown command '$command'" ;;
	esac
}

main "$@"
exit

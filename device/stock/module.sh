# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

unpack_payload() {
	check_payload
	rm -rf "$STATE/incoming"
	mkdir -p "$STATE/incoming"
	gzip -dc <"$opt_payload/stock.tar.gz" | tar -xf - -C "$STATE/incoming" ||
		die "the copied files cannot be unpacked, / may be full: run it again"
}

# version_of DIRECTORY: the version of the source there.
version_of() {
	sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$1/dkms.conf"
}

# forget_dkms DIRECTORY: DKMS does not know the source any more, and no kernel has a module that it built from it.
forget_dkms() {
	if command -v dkms >/dev/null && [ -d "$DKMS_TREE/uid_mem/$(version_of "$1")" ]; then
		logged dkms remove "uid_mem/$(version_of "$1")" --all || die "DKMS could not remove the module: $(log_tail)"
	fi
}

# Modules that were built on the controller; $STATE/prebuilt has the kernels they are for.
drop_prebuilt() {
	[ -e "$STATE/prebuilt" ] || return 0
	while IFS= read -r drop_release; do
		rm -f "/lib/modules/$drop_release/updates/uid_mem.ko"
		rmdir "/lib/modules/$drop_release/updates" 2>/dev/null || true
		if [ -d "/lib/modules/$drop_release" ]; then logged depmod "$drop_release"; fi
	done <"$STATE/prebuilt"
	rm -f "$STATE/prebuilt"
}

remove_sources() {
	for remove_source in "$SOURCES"*/; do
		[ -e "$remove_source/dkms.conf" ] || continue
		forget_dkms "${remove_source%/}"
		rm -rf "$remove_source"
	done
}

same_source() {
	(cd "$2" && ls -A) >"$STATE/there"
	source_files "$1" | sort >"$STATE/wanted"
	sort "$STATE/there" | cmp -s - "$STATE/wanted" || return 1
	while IFS= read -r same_file; do
		cmp -s "$1/$same_file" "$2/$same_file" || return 1
	done <"$STATE/wanted"
}

# What was built from another source goes first: what is there at any moment is from the source beside it.
cmd_place() {
	need_root
	: >"$LOG"
	unpack_payload
	place_source=$SOURCES$(version_of "$STATE/incoming/source")
	if [ ! -d "$place_source" ] || ! same_source "$STATE/incoming/source" "$place_source"; then
		drop_prebuilt
		remove_sources
		mkdir -p "${place_source%/*}"
		chmod 0755 "$STATE/incoming/source"
		chmod 0644 "$STATE/incoming/source"/*
		mv "$STATE/incoming/source" "$place_source"
	fi
	if [ -e "$STATE/incoming/uid_mem.ko" ]; then place_module "$(cat "$STATE/incoming/release")"; fi
	rm -rf "$STATE/incoming" "$STATE/there" "$STATE/wanted"
	say changed=yes
}

place_module() {
	[ "$1" = "$running" ] || die "the running kernel is $running, the module was built for $1: run it again"
	grep -qxF "$1" "$STATE/prebuilt" 2>/dev/null || printf '%s\n' "$1" >>"$STATE/prebuilt"
	mkdir -p "/lib/modules/$1/updates"
	chmod 0644 "$STATE/incoming/uid_mem.ko"
	mv -f "$STATE/incoming/uid_mem.ko" "/lib/modules/$1/updates/uid_mem.ko"
	logged depmod "$1" || die "depmod failed: $(log_tail)"
}


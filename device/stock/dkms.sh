# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# Hands the source to DKMS, with the module that runs already as one that it has built from it. The archive is what
# `dkms mktarball` makes; DKMS refuses it where it has the source.
adopt_prebuilt() {
	adopt=$STATE/adopt
	rm -rf "$adopt"
	mkdir -p "$adopt/dkms_main_tree/$running/$arch/module" "$adopt/dkms_main_tree/$running/$arch/log" "$adopt/dkms_binaries_only"
	cp "/lib/modules/$running/updates/uid_mem.ko" "$adopt/dkms_main_tree/$running/$arch/module/"
	echo "Built on the controller by the role devfleet.uid_mem.uid_mem." >"$adopt/dkms_main_tree/$running/$arch/log/make.log"
	cp "$dkms_source/dkms.conf" "$adopt/dkms_binaries_only/"
	tar -czf "$STATE/adopt.tar.gz" -C "$adopt" .
	logged dkms ldtarball --force --archive="$STATE/adopt.tar.gz" || die "DKMS did not take the module: $(log_tail)"
	rm -rf "$adopt" "$STATE/adopt.tar.gz"
}

is_prebuilt() {
	grep -qxF "$running" "$STATE/prebuilt" 2>/dev/null && [ -e "/lib/modules/$running/updates/uid_mem.ko" ]
}

# A module that is there would be the kernel's own for DKMS, which puts it back when its own goes.
install_built() {
	install_prebuilt=/lib/modules/$running/updates/uid_mem.ko
	if is_prebuilt; then mv "$install_prebuilt" "$STATE/uid_mem.ko"; fi
	# Forced, because a module that is loaded has the same version.
	if ! logged dkms install --force "uid_mem/$dkms_version" -k "$running"; then
		install_error=$(log_tail)
		if [ -e "$STATE/uid_mem.ko" ]; then mv "$STATE/uid_mem.ko" "$install_prebuilt"; fi
		die "DKMS could not install the module: $install_error"
	fi
	rm -f "$STATE/uid_mem.ko"
}

refuse_build() {
	refuse_log=$DKMS_TREE/uid_mem/$dkms_version/build/make.log
	die "DKMS could not build the module for $running, see $refuse_log on the device:" \
		"$(grep -m 3 -E 'error|Error' "$refuse_log" 2>/dev/null | tr '\n' ';')" "$(log_tail 2)"
}

cmd_dkms() {
	need_root
	: >"$LOG"
	dkms_source=$(installed_source)
	[ -n "$dkms_source" ] || die "there is no source of the module on the device: run place first"
	dkms_version=$(version_of "$dkms_source")
	keep_packages
	if [ ! -e "$DKMS_TREE/uid_mem/$dkms_version/source" ]; then
		if is_prebuilt; then
			adopt_prebuilt
		else
			logged dkms add "uid_mem/$dkms_version" || die "DKMS did not take the source: $(log_tail)"
		fi
	fi
	if [ ! -d "$DKMS_TREE/uid_mem/$dkms_version/$running/$arch/module" ]; then
		logged dkms build "uid_mem/$dkms_version" -k "$running" || refuse_build
	fi
	[ -e "$DKMS_TREE/uid_mem/kernel-$running-$arch" ] || install_built
	drop_prebuilt
	build_for_others
	say changed=yes
}

# A kernel that was installed before DKMS knew the module; those of role kernel_install have a module of their own.
build_for_others() {
	for other in /lib/modules/*/build/include; do
		other=${other#/lib/modules/}
		other=${other%/build/include}
		if [ ! -e "/lib/modules/$other/modules.dep" ] || [ -e "$DKMS_TREE/uid_mem/kernel-$other-$arch" ] ||
			grep -qs '^CONFIG_UID_MEM=y' "/boot/config-$other"; then continue; fi
		logged dkms install "uid_mem/$dkms_version" -k "$other" ||
			die "limits are enforced now, but would not be on the kernel $other, for which DKMS could not build the module: $(log_tail)"
	done
}


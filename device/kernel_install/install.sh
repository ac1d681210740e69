# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# find_package: package_file and headers_file are what was copied; there may be no headers.
find_package() {
	package_file='' headers_file=''
	for payload_file in "$opt_payload"/*.deb; do
		case $payload_file in
		*/linux-headers-*) headers_file=$payload_file ;;
		*) if [ -e "$payload_file" ]; then package_file=$payload_file; fi ;;
		esac
	done
	[ -n "$package_file" ] || die "there is no kernel package in $opt_payload: run it again"
}

cmd_install() {
	need release key image_sum module_sum
	need_root
	take_lock
	check_payload
	find_package
	start_log
	if [ "$opt_reboot" = forbidden ]; then disarm_trial; fi
	pin_running_kernel
	if [ "$opt_prune_first" = yes ]; then prune "$((opt_keep - 1))" >/dev/null; fi
	if is_installed "$opt_release"; then package=$record_package; else install_package; fi
	mkdir -p "/lib/modules/$opt_release/updates"
	replace "$(module_path "$opt_release")" 0644 <"$opt_payload/uid_mem.ko"
	depmod "$opt_release" || die "depmod failed for $opt_release"
	sync
	record_write "$opt_image_sum"
	say "changed=yes"
	if [ "$running" = "$opt_release" ]; then return 0; fi
	make_menu "$running" "$opt_release"
	if [ "$opt_reboot" = forbidden ]; then
		state_waiting_release=$opt_release
		if [ "$state_status" = none ]; then state_default_release=$running; fi
		state_write
		release_lock
	else
		arm_trial
	fi
}

install_package() {
	no_initrd=''
	package=$(dpkg-deb -f "$package_file" Package)
	# From here on a run that is cut short is known to be ours.
	record_write incomplete
	install_headers
	case $opt_initrd in
	no) no_initrd=yes ;;
	auto)
		# Only the unpacked package tells what is built in.
		run_dpkg --unpack "$package_file" || die "dpkg could not unpack the kernel package, $running stays the default: $(log_tail)"
		root_needs_initrd || no_initrd=yes
		;;
	esac
	if [ "$opt_initrd" = auto ]; then
		run_dpkg --configure "$package" || die "dpkg could not configure $package, $running stays the default: $(log_tail)"
	else
		run_dpkg -i "$package_file" || die "dpkg could not install the kernel package, $running stays the default: $(log_tail)"
	fi
	[ -e "$BOOT/vmlinuz-$opt_release" ] ||
		die "the package $package has no kernel $opt_release: manifest.json and package do not belong together"
}

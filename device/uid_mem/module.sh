# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# refuse_kernel MESSAGE...: see refuse_for_now.
refuse_kernel() {
	refuse_for_now "$@"
	predicted=yes
	will module || true
}

refuse_missing_module() {
	if [ "$android" = yes ]; then
		die "there is no module uid_mem for the running kernel $running${opt_release:+, and uid_mem_artifacts is for $opt_release}:" \
			"give uid_mem_artifacts that role kernel_build made for this kernel"
	fi
	if [ -n "$opt_release" ] && [ "$opt_release" != "$running" ]; then
		refuse_kernel "the running kernel $running has no uid_mem module, and uid_mem_artifacts is for $opt_release:" \
			"run role kernel_install with these artifacts, or build them for this kernel"
		return 0
	fi
	refuse_kernel "the running kernel $running has no uid_mem module: give uid_mem_artifacts, or run role kernel_install"
}

insert_module() {
	if [ "$android" = yes ]; then insmod "$HOME_DIR/uid_mem.ko" "$@"; else modprobe uid_mem "$@"; fi
}

remove_module() {
	if [ "$android" = yes ]; then rmmod uid_mem; else modprobe -r uid_mem; fi
}

# A module of the engine hooks needs our patch; one of the engine scan needs what a stock kernel exports, of which a kernel
# of Android (GKI) may leave out whatever none of its own modules needs.
refuse_unknown_symbol() {
	# Names, no patterns.
	# shellcheck disable=SC2046
	set -- $(dmesg 2>/dev/null | sed -n 's/.*uid_mem: Unknown symbol "*\([A-Za-z0-9_]*\).*/\1/p' | sort -u)
	missing_symbols=$*
	case $missing_symbols in
	'' | uid_mem_* | *' uid_mem_'*) ;;
	*)
		die "the running kernel $running does not export what the module uid_mem needs: $missing_symbols." \
			"Build the module for this very kernel, or boot one with the engine hooks, which role kernel_build makes" \
			"(Android's GKI exports a list of symbols only: CONFIG_TRIM_UNUSED_KSYMS)"
		;;
	esac
	if [ "$android" = yes ]; then
		die "the module uid_mem is one of the engine hooks, and the running kernel $running is not patched for it ($load_log):" \
			"give uid_mem_artifacts with a module of the engine scan for this kernel, or flash the kernel of these artifacts"
	fi
	die "the running kernel $running is not patched for uid_mem ($load_log): run role kernel_install"
}

load_module() {
	load_message=$(insert_module "$@" 2>&1) && return 0
	load_log=$(dmesg 2>/dev/null | grep uid_mem | tail -n 3 | tr '\n' ';')
	case "$load_message $load_log" in
	*"nknown symbol"*) refuse_unknown_symbol ;;
	*"ey was rejected"* | *"equired key not available"* | *"peration not permitted"*)
		if signature_is_enforced; then refuse_unknown_key; fi
		;;
	esac
	die "module uid_mem does not load on $running: $load_message ($load_log)"
}

# A module that loads and does not work is worse than none: nobody would know.
prove_module() {
	try_limit || die "module uid_mem is loaded on $running, but $try_limit_problem: see dmesg; a module of another version or kernel?"
}

# The limits outlive the module; for some milliseconds nobody enforces them.
reload_module() {
	reload_table=$(mktemp)
	cat "$LIMITS" >"$reload_table"
	if ! reload_message=$(remove_module 2>&1); then
		rm -f "$reload_table"
		die "the loaded uid_mem is not the installed one and cannot be unloaded ($reload_message): reboot"
	fi
	# Checked parameters without blanks.
	# shellcheck disable=SC2086
	load_module $opt_parameters
	prove_module
	restore_limits "$reload_table" || true
	rm -f "$reload_table"
}

# need_module FILE: where the caller brings it.
need_module() {
	module_file=$1
	say_diff_of "$1" "$(if [ -e "$1" ]; then printf 'SHA-256 %s\n' "$(file_sum "$1")"; fi)" "SHA-256 $opt_module_sum"
	say need=module
	say "module_path=$1"
	will module || true
}

find_android_module() {
	depmod_is_due=no
	module_file=$HOME_DIR/uid_mem.ko
	if [ "$opt_release" = "$running" ]; then
		if [ ! -e "$module_file" ] || [ "$(file_sum "$module_file")" != "$opt_module_sum" ]; then need_module "$module_file"; fi
	else
		# The one that is there may be for the kernel before an upgrade of the system.
		case $(modinfo -F vermagic "$module_file" 2>/dev/null) in
		"$running "*) ;;
		*) refuse_missing_module ;;
		esac
	fi
}

# module_file: the module for the running kernel. Says need=module where the artifacts have a newer one.
find_module() {
	if [ "$android" = yes ]; then
		find_android_module
		return 0
	fi
	depmod_is_due=no
	module_file=$(modinfo -n uid_mem 2>/dev/null || true)
	case $module_file in
	/*) ;;
	*) module_file='' ;;
	esac
	updates=/lib/modules/$running/updates/uid_mem.ko
	if [ "$opt_release" = "$running" ]; then
		if [ ! -e "$updates" ] || [ "$(file_sum "$updates")" != "$opt_module_sum" ]; then
			need_module "$updates"
			return 0
		fi
		if [ "$module_file" != "$updates" ]; then
			depmod_is_due=yes
			module_file=$updates
		fi
	fi
	if kernel_is_patched "$running" || { [ -n "$opt_release" ] && [ -z "$module_file" ]; }; then
		[ -n "$module_file" ] || refuse_missing_module
	else
		find_stock_module
	fi
}

# A module that was copied there is not found before.
keep_indexed() {
	if [ "$depmod_is_due" = yes ] && will depmod; then depmod "$running"; fi
}

keep_loaded() {
	if [ ! -e "$LIMITS" ]; then
		will loaded || return 0
		# Checked parameters without blanks.
		# shellcheck disable=SC2086
		load_module $opt_parameters
		[ -e "$LIMITS" ] || die "module uid_mem is loaded on $running, but there is no $LIMITS"
		prove_module
		if [ -e "$opt_limits_path" ]; then restore_limits "$opt_limits_path" || true; fi
		return 0
	fi
	loaded_version=$(cat /sys/module/uid_mem/srcversion 2>/dev/null || true)
	installed_version=$(modinfo -F srcversion "$module_file" 2>/dev/null || true)
	if [ -n "$loaded_version" ] && [ -n "$installed_version" ] && [ "$loaded_version" != "$installed_version" ]; then
		if will reloaded; then reload_module; fi
		return 0
	fi
	keep_parameters
}

keep_parameters() {
	for parameter in $opt_parameters; do
		parameter_file=$PARAMETERS/${parameter%%=*}
		[ -e "$parameter_file" ] ||
			die "the module uid_mem on $running has no parameter ${parameter%%=*}; it has: $(cd "$PARAMETERS" && echo *)"
		if [ "$(cat "$parameter_file")" = "${parameter#*=}" ]; then continue; fi
		will "parameter:${parameter%%=*}" || continue
		parameter_message=$({ printf '%s\n' "${parameter#*=}" | cat >"$parameter_file"; } 2>&1) ||
			die "the module refused $parameter (${parameter_message##*: }); known policies and features: $(cat /proc/uid_mem/features)"
	done
}


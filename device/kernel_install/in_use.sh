# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
# shellcheck disable=SC2154 # $running and $device_root are set by the parts before this one, or by a test

# ---- what of the kernel is in use on the device -----------------------------------------------------
#
# Nothing but the shell's own, and cat, readlink, sed and sort: a device may have no awk. Names of modules and
# drivers have underscores, as the kernel itself says them. A device that does not know something leaves the value empty.

# say_in_use: the keys that the filter kernel_gaps reads. The device's root may be elsewhere, for tests.
say_in_use() {
	in_use_root=${device_root-}
	in_use_modules_dir=$in_use_root/lib/modules/$running
	in_use_modules
	in_use_drivers
	say "filesystems=$(in_use_filesystems)"
	say "lsm=$(in_use_lsm)"
	in_use_dkms
	say "netfilter=$(in_use_tables)"
}

# one_line: the lines on standard input, sorted, each once, as one line.
one_line() {
	# shellcheck disable=SC2046 # names: no blanks, no patterns
	set -- $(sort -u)
	printf %s "$*"
}

# aliased_modules EXPRESSION: " name name " of the modules with an alias that the expression matches.
aliased_modules() {
	[ -r "$in_use_modules_dir/modules.alias" ] || return 0
	# A name in /dev is nothing that hardware asks for.
	printf ' %s ' "$(sed -n "/^alias devname:/d; s/^alias $1 \([^ ]*\)\$/\1/p" "$in_use_modules_dir/modules.alias" |
		sed 'y/-/_/' | one_line)"
}

# modules=NAME... and module_uses=NAME:USE..., where a module is
#   cpu       offered for a feature of the processor: an accelerated algorithm
#   used      in use, by something that is not a module (KVM: as soon as it is loaded)
#   held      in use by other modules only
#   hardware  not in use, and loaded because there is hardware for it
#   loaded    not in use as far as the kernel counts, and loaded for a program
in_use_modules() {
	in_use_cpu=$(aliased_modules 'cpu:.*')
	in_use_hardware=$(aliased_modules '[a-z0-9_-]*\*\{0,1\}:[^ ]*')
	in_use_names='' in_use_uses=''
	if [ -r "$in_use_root/proc/modules" ]; then
		while read -r module_name _ module_count module_holders _; do
			module_held=0
			# "-", or names with a comma after each; "[permanent]" is no module.
			while :; do
				case $module_holders in
				*,*) ;;
				*) break ;;
				esac
				[ "${module_holders%%,*}" = '[permanent]' ] || module_held=$((module_held + 1))
				module_holders=${module_holders#*,}
			done
			module_use=loaded
			case $in_use_cpu$in_use_hardware in *" $module_name "*) module_use=hardware ;; esac
			case $module_count in
			-) module_use=used ;;
			*)
				if [ "$module_count" -gt "$module_held" ]; then
					module_use=used
				elif [ "$module_held" -gt 0 ]; then
					module_use=held
				fi
				;;
			esac
			case $module_name in
			kvm_*) [ "$module_use" = held ] || module_use=used ;;
			*) case $in_use_cpu in *" $module_name "*) module_use=cpu ;; esac ;;
			esac
			in_use_names="$in_use_names $module_name"
			in_use_uses="$in_use_uses $module_name:$module_use"
		done <"$in_use_root/proc/modules"
	fi
	say "modules=${in_use_names# }"
	say "module_uses=${in_use_uses# }"
}

# drivers=NAME...: the modules, loaded or built in, whose drivers have a device. Of a driver that does not say which
# module it is of, the name is taken if there is such a module; the others are parts of the kernel's core (pcieport).
in_use_drivers() {
	in_use_builtin=" "
	if [ -r "$in_use_modules_dir/modules.builtin" ]; then
		in_use_builtin=" $(sed 's|.*/||; s|\.ko.*$||; y/-/_/' "$in_use_modules_dir/modules.builtin" | one_line) "
	fi
	say "drivers=$(
		for driver in "$in_use_root"/sys/bus/*/drivers/*; do
			driver_is_bound "$driver" || continue
			if [ -e "$driver/module" ]; then
				driver_module=$(readlink "$driver/module")
				printf '%s\n' "${driver_module##*/}"
			else
				driver_module=$(printf '%s\n' "${driver##*/}" | sed 'y/ -/__/')
				case $in_use_builtin in *" $driver_module "*) printf '%s\n' "$driver_module" ;; esac
			fi
		done | one_line
	)"
}

# driver_is_bound DIRECTORY: each of its devices is a link there, and has a link back.
driver_is_bound() {
	for driver_device in "$1"/*/driver; do
		[ ! -e "$driver_device" ] || return 0
	done
	return 1
}

in_use_filesystems() {
	while read -r _ _ mount_type _; do
		printf '%s\n' "$mount_type"
	done <"$in_use_root/proc/mounts" | one_line
}

in_use_lsm() {
	if [ -r "$in_use_root/sys/kernel/security/lsm" ]; then
		sed 'y/,/ /' "$in_use_root/sys/kernel/security/lsm"
		return 0
	fi
	# securityfs is not mounted.
	{
		case $(cat "$in_use_root/sys/module/apparmor/parameters/enabled" 2>/dev/null) in Y) echo apparmor ;; esac
		[ ! -e "$in_use_root/sys/fs/selinux/enforce" ] || echo selinux
		[ ! -e "$in_use_root/sys/fs/smackfs/load2" ] || echo smack
	} | one_line
}

# dkms=NAME/VERSION... of what DKMS has installed for the running kernel, dkms_modules=NAME... of what that consists of.
in_use_dkms() {
	in_use_names='' in_use_brought=''
	for dkms_link in "$in_use_root"/var/lib/dkms/*/kernel-"$running"-*; do
		[ -d "$dkms_link/module" ] || continue
		dkms_name=${dkms_link%/*}
		dkms_version=$(readlink "$dkms_link")
		in_use_names="$in_use_names ${dkms_name##*/}/${dkms_version%%/*}"
		for dkms_module in "$dkms_link"/module/*.ko*; do
			dkms_module=${dkms_module##*/}
			in_use_brought="$in_use_brought ${dkms_module%%.ko*}"
		done
	done
	say "dkms=${in_use_names# }"
	say "dkms_modules=$(printf '%s\n' "${in_use_brought# }" | sed 'y/-/_/')"
}

# in_use_tables: the modules whose packet filter has tables, built in or not.
in_use_tables() {
	for tables in ip ip6; do
		if [ -n "$(cat "$in_use_root/proc/net/${tables}_tables_names" 2>/dev/null)" ]; then echo "${tables}_tables"; fi
	done | one_line
}

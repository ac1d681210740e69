#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Keeps the module uid_mem loaded with its parameters, now and at boot, and restores the limits file
# at boot. The role devfleet.uid_mem.uid_mem runs it; a copy stays on the device for the boot.
#
# On a kernel as it comes from its distributor the module is built from a source tree, which stock.sh brings.
#
# What a caller is to read is printed as key=value lines on standard output. Exit status:
#   0  done
#   1  refused or failed, or a line of the limits file was refused; error=... says why
#   2  wrong usage
set -eu
# adbd and su of Android leave it at 0.
umask 022

PROGRAM=uid_mem.sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin:${PATH:-}
LC_ALL=C
export PATH LC_ALL

LIMITS=/proc/uid_mem/limits
PARAMETERS=/sys/module/uid_mem/parameters
HOME_DIR=/usr/local/lib/uid_mem
MODULES_LOAD=/etc/modules-load.d/uid_mem.conf
MODPROBE=/etc/modprobe.d/uid_mem.conf
UNIT=uid_mem-limits.service
UNIT_FILE=/etc/systemd/system/$UNIT
UNIT_WANTED=/etc/systemd/system/sysinit.target.wants/$UNIT
# The daemon, its programs and unit, which daemon.sh brings.
DAEMON=/usr/local/sbin/uid_memd
TOP=/usr/local/sbin/uid_memtop
DAEMON_UNIT=uid_memd.service
DAEMON_UNIT_FILE=/etc/systemd/system/$DAEMON_UNIT
DAEMON_DROP_IN=/etc/systemd/system/$DAEMON_UNIT.d/uid_mem.conf
DAEMON_WANTED=/etc/systemd/system/multi-user.target.wants/$DAEMON_UNIT
DAEMON_OPTIONS=/etc/uid_mem/uid_memd.env
DAEMON_RECORD=$HOME_DIR/daemon
# What stock.sh leaves on a device.
SOURCES=/usr/src/uid_mem-
STOCK_STATE=/var/lib/uid_mem/stock
DKMS_TREE=/var/lib/dkms
DEFAULT_LIMITS=/etc/uid_mem/limits

# A device with Android's user space has all of it in one directory, which outlasts upgrades of the system. What starts
# at boot is with a root manager (Magisk, KernelSU, APatch), or with init where its directories can be written to.
android=no
SERVICE_D=/data/adb/service.d
INIT_DIRECTORIES='/vendor/etc/init /system/etc/init'
DAEMON_PID=/dev/uid_memd.pid
SUPERVISOR_PID=/dev/uid_memd.supervisor
if [ -e /system/bin/sh ] && [ -d /data/local ]; then
	android=yes
	HOME_DIR=/data/local/uid_mem
	DEFAULT_LIMITS=$HOME_DIR/limits
	DAEMON=$HOME_DIR/uid_memd
	TOP=$HOME_DIR/uid_memtop
	DAEMON_OPTIONS=$HOME_DIR/uid_memd.options
	DAEMON_RECORD=$HOME_DIR/daemon
	PATH=/system/bin:$PATH
	export TMPDIR=/data/local/tmp
fi

usage() {
	cat <<USAGE
usage: $PROGRAM COMMAND [OPTION VALUE]...
       $PROGRAM --help

Keeps the module uid_mem loaded, with its parameters, and restores the limits of users at boot.

  present    module loaded now and at boot, limits restored at boot
  absent     nothing of that, module unloaded; the limits file stays
  restore    write the limits file to $LIMITS (what $UNIT runs)
  boot       load the module and restore the limits (what an Android device runs)
  daemon     become uid_memd, with its options (Android)
  supervise  keep uid_memd running until it is removed (Android without init)
  source-id DIRECTORY
             print the identity of the module's source in DIRECTORY

Options:
  --check yes|no         only say what would change (no)
  --limits-path FILE     limits file ($DEFAULT_LIMITS)
  --parameter NAME=VALUE module parameter; may be repeated
  --release RELEASE      kernel release the artifacts are for
  --module-sum SHA256    checksum of the module in the artifacts
  --source-id ID         identity of the source that the module of a stock kernel is to be built from
  --dkms yes|no          DKMS is to build the module for later stock kernels (yes)
  --daemon ID            uid_memd is to run; the identity of its source
  --daemon-textfile FILE uid_memd is to write metrics there
  --daemon-option WORD   an option of uid_memd; may be repeated
USAGE
}

say() {
	printf '%s\n' "$*"
}

die() {
	say "error=$*"
	exit 1
}

bad_usage() {
	printf '%s: %s (see %s --help)\n' "$PROGRAM" "$*" "$PROGRAM" >&2
	exit 2
}

parse_options() {
	opt_check=no opt_limits_path=$DEFAULT_LIMITS opt_parameters='' opt_release='' opt_module_sum=''
	opt_source_id='' opt_dkms=yes opt_daemon='' opt_daemon_textfile='' opt_daemon_options=''
	while [ $# -gt 0 ]; do
		case $1 in
		--help | -h)
			usage
			exit 0
			;;
		esac
		[ $# -ge 2 ] || bad_usage "unexpected argument or option without its value: '$1'"
		case $1 in
		--check)
			case $2 in yes | no) opt_check=$2 ;; *) bad_usage "--check takes yes or no, not '$2'" ;; esac
			;;
		--limits-path)
			# It becomes part of a unit file.
			case $2 in
			*[!A-Za-z0-9/._+-]*) bad_usage "--limits-path takes letters, digits and / . _ + -, not '$2'" ;;
			/*) opt_limits_path=$2 ;;
			*) bad_usage "--limits-path takes an absolute path, not '$2'" ;;
			esac
			;;
		--parameter)
			case $2 in
			*[!a-z0-9_=YN]* | =* | *=) bad_usage "--parameter takes NAME=VALUE, not '$2'" ;;
			*=*) opt_parameters="$opt_parameters $2" ;;
			*) bad_usage "--parameter takes NAME=VALUE, not '$2'" ;;
			esac
			;;
		--release) opt_release=$2 ;;
		--module-sum) opt_module_sum=$2 ;;
		--source-id) opt_source_id=$2 ;;
		--dkms)
			case $2 in yes | no) opt_dkms=$2 ;; *) bad_usage "--dkms takes yes or no, not '$2'" ;; esac
			;;
		--daemon) opt_daemon=$2 ;;
		--daemon-textfile)
			# It becomes part of a unit file.
			case $2 in
			*[!A-Za-z0-9/._+-]*) bad_usage "--daemon-textfile takes letters, digits and / . _ + -, not '$2'" ;;
			/*/*) opt_daemon_textfile=$2 ;;
			*) bad_usage "--daemon-textfile takes an absolute path of a file in a directory of its own, not '$2'" ;;
			esac
			;;
		--daemon-option)
			# systemd splits them at blanks, and nothing else.
			case $2 in
			*[!A-Za-z0-9/._+:,=@%-]* | '') bad_usage "--daemon-option takes letters, digits and / . _ + : , = @ % -, not '$2'" ;;
			esac
			opt_daemon_options="$opt_daemon_options $2"
			;;
		*) bad_usage "unknown option '$1'" ;;
		esac
		shift 2
	done
}

# ---- changes ------------------------------------------------------------------------------------

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

# ---- limits -------------------------------------------------------------------------------------

# restore_limits FILE: all lines in one write, which the kernel takes as a whole or not at all. Where
# one of them is wrong, each line by itself, so that a bad line costs no user but its own the limit.
restore_limits() {
	if { cat "$1" && echo; } | dd ibs=65536 obs=67108864 of="$LIMITS" 2>/dev/null; then return 0; fi
	restore_status=0
	restore_number=0
	while IFS= read -r restore_line || [ -n "$restore_line" ]; do
		restore_number=$((restore_number + 1))
		restore_message=$({ printf '%s\n' "$restore_line" | cat >"$LIMITS"; } 2>&1) && continue
		restore_status=1
		say "error=$1 line $restore_number refused (${restore_message##*: }): $restore_line"
	done <"$1"
	return "$restore_status"
}

cmd_restore() {
	[ -e "$LIMITS" ] ||
		die "no limit is enforced: $(uname -r) has no $LIMITS; boot a uid_mem kernel (role kernel_install), see that the module uid_mem is loaded"
	[ -e "$opt_limits_path" ] || return 0
	restore_limits "$opt_limits_path"
}

# ---- module -------------------------------------------------------------------------------------

file_sum() {
	file_sum_line=$(sha256sum <"$1")
	printf '%s' "${file_sum_line%% *}"
}

# The configuration decides where there is one: reading kallsyms takes a second on a slow device.
kernel_is_patched() {
	if [ -e "/boot/config-$running" ]; then
		grep -q '^CONFIG_UID_MEM=y' "/boot/config-$running"
	else
		# Not those of the module.
		grep ' uid_mem_' /proc/kallsyms 2>/dev/null | grep -qv '\['
	fi
}

refuse_missing_module() {
	if [ "$android" = yes ]; then
		die "there is no module uid_mem for the running kernel $running${opt_release:+, and uid_mem_artifacts is for $opt_release}:" \
			"give uid_mem_artifacts that role kernel_build made for this kernel"
	fi
	if [ -n "$opt_release" ] && [ "$opt_release" != "$running" ]; then
		die "the running kernel $running has no uid_mem module, and uid_mem_artifacts is for $opt_release:" \
			"run role kernel_install with these artifacts, or build them for this kernel"
	fi
	die "the running kernel $running has no uid_mem module: give uid_mem_artifacts, or run role kernel_install"
}

insert_module() {
	if [ "$android" = yes ]; then insmod "$HOME_DIR/uid_mem.ko" "$@"; else modprobe uid_mem "$@"; fi
}

remove_module() {
	if [ "$android" = yes ]; then rmmod uid_mem; else modprobe -r uid_mem; fi
}

load_module() {
	load_message=$(insert_module "$@" 2>&1) && return 0
	load_log=$(dmesg 2>/dev/null | grep uid_mem | tail -n 3 | tr '\n' ';')
	case "$load_message $load_log" in
	*"nknown symbol"*)
		die "the running kernel $running is not patched for uid_mem ($load_log): run role kernel_install"
		;;
	*"ey was rejected"* | *"equired key not available"* | *"peration not permitted"*)
		if signature_is_enforced; then refuse_unknown_key; fi
		;;
	esac
	die "module uid_mem does not load on $running: $load_message ($load_log)"
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
	restore_limits "$reload_table" || true
	rm -f "$reload_table"
}

# need_module FILE: where the caller brings it.
need_module() {
	module_file=$1
	say need=module
	say "module_path=$1"
	will module || true
}

find_android_module() {
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
			if will depmod; then depmod "$running"; fi
			module_file=$updates
		fi
	fi
	if kernel_is_patched || { [ -n "$opt_release" ] && [ -z "$module_file" ]; }; then
		[ -n "$module_file" ] || refuse_missing_module
	else
		find_stock_module
	fi
}

# ---- a kernel as it comes from its distributor ---------------------------------------------------

# source_id DIRECTORY: 16 digits that change with each file the module is built from, nothing where there are none.
source_id() {
	[ -e "$1/Kbuild" ] || return 0
	(
		cd "$1"
		for source_file in Kbuild Makefile dkms.conf *.c *.h; do
			case $source_file in
			*.mod.c) ;;
			*) sha256sum -- "$source_file" ;;
			esac
		done
	) | sha256sum | cut -c 1-16
}

# installed_source: the directory of the source, nothing where there is none.
installed_source() {
	for installed_source in "$SOURCES"*/; do
		if [ -e "$installed_source/dkms.conf" ]; then printf '%s' "${installed_source%/}"; fi
	done
}

# What the kernel takes only with a signature that it knows: Secure Boot makes it so.
signature_is_enforced() {
	[ "$(cat /sys/module/module/parameters/sig_enforce 2>/dev/null)" = Y ] ||
		grep -qE '\[(integrity|confidentiality)\]' /sys/kernel/security/lockdown 2>/dev/null
}

refuse_unknown_key() {
	key_file=$(sed -n 's/^ *mok_certificate="\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' /etc/dkms/framework.conf 2>/dev/null | tail -n 1)
	if [ -z "$key_file" ]; then
		key_file=/var/lib/shim-signed/mok/MOK.der
		[ -e "$key_file" ] || key_file=$DKMS_TREE/mok.pub
	fi
	if [ -z "$(modinfo -F signer uid_mem 2>/dev/null)" ]; then
		die "the running kernel $running takes only modules that are signed with a key it knows (Secure Boot), and" \
			"the module uid_mem is not signed: set uid_mem_dkms to true, which signs it on the device (DKMS needs openssl for it)"
	fi
	die "the running kernel $running takes only modules that are signed with a key it knows (Secure Boot), and" \
		"does not know yet the one of this device that DKMS signed uid_mem with: run 'mokutil --import $key_file' on the" \
		"device (it asks for a password to make up), reboot, choose 'Enroll MOK' on its screen, give the password;" \
		"then run this role again"
}

refuse_impossible_kernel() {
	[ -e /proc/modules ] ||
		die "the running kernel $running has no uid_mem module, and cannot load modules at all: run role kernel_install to get one that can"
	if [ "$(cat /sys/kernel/realtime 2>/dev/null)" = 1 ]; then
		die "the running kernel $running is a real-time kernel (PREEMPT_RT), which the module uid_mem is not made for: boot another one"
	fi
	stock_major=${running%%.*}
	stock_minor=${running#*.}
	stock_minor=${stock_minor%%[!0-9]*}
	if [ $((stock_major * 1000 + stock_minor)) -lt 5010 ]; then
		die "the running kernel $running is too old: uid_mem needs 5.10 or newer, or a kernel of role kernel_install"
	fi
}

# said_stock: what the controller needs to build the module.
said_stock() {
	say "arch=$(uname -m)"
	say "os=$(sed -n 's/^ID=//p' /etc/os-release 2>/dev/null)"
	say "suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null)"
	# shellcheck disable=SC2016 # the variable is dpkg's
	say "package_version=$(dpkg-query -W -f '${Version}' "linux-image-$running" 2>/dev/null || true)"
	if signature_is_enforced; then say enforced=yes; else say enforced=no; fi
}

# Says need=stock where there is no module from this source, need_dkms=yes where DKMS does not know of it.
find_stock_module() {
	refuse_impossible_kernel
	if [ -z "$module_file" ] || [ "$(source_id "$(installed_source)")" != "$opt_source_id" ]; then
		say need=stock
		said_stock
		will module || true
	fi
	if [ "$opt_dkms" = yes ] && [ ! -e "$DKMS_TREE/uid_mem/kernel-$running-$(uname -m)" ]; then
		say need_dkms=yes
		will dkms || true
	fi
}

keep_loaded() {
	if [ ! -e "$LIMITS" ]; then
		will loaded || return 0
		# Checked parameters without blanks.
		# shellcheck disable=SC2086
		load_module $opt_parameters
		[ -e "$LIMITS" ] || die "module uid_mem is loaded on $running, but there is no $LIMITS"
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

# ---- boot ---------------------------------------------------------------------------------------

keep_limits_file() {
	if [ ! -e "$opt_limits_path" ]; then
		keep_file limits-file "$opt_limits_path" 0644 <<-FILE
			# Memory limits of users, restored at boot by $1.
			# The grammar is that of $LIMITS, for example: 10070 max=100M
		FILE
	fi
}

keep_boot_files() {
	if [ "$android" = yes ]; then
		keep_android_boot
		return 0
	fi
	keep_file modules-load "$MODULES_LOAD" 0644 <<-LOAD
		# Written by the role devfleet.uid_mem.uid_mem.
		uid_mem
	LOAD
	if [ -n "$opt_parameters" ]; then
		keep_file modprobe "$MODPROBE" 0644 <<-OPTIONS
			# Written by the role devfleet.uid_mem.uid_mem.
			options uid_mem$opt_parameters
		OPTIONS
	else
		drop_file modprobe "$MODPROBE"
	fi
	keep_limits_file "$UNIT"
	keep_file program "$HOME_DIR/$PROGRAM" 0755 <"$0"
	if [ -d /run/systemd/system ]; then keep_unit; fi
}

keep_unit() {
	unit_before=$changes
	# It only ever writes one file in /proc, and that needs one capability. Nothing here may ask for a
	# mount namespace (ProtectSystem=, PrivateDevices= and the like): setting one up fails now and then
	# while other units are still mounting, and then the limits would be missing.
	keep_file unit "$UNIT_FILE" 0644 <<-UNIT
		# Written by the role devfleet.uid_mem.uid_mem.
		[Unit]
		Description=Restore the memory limits of users
		Documentation=file:$opt_limits_path
		DefaultDependencies=no
		Wants=systemd-modules-load.service
		After=systemd-modules-load.service local-fs.target
		Before=sysinit.target shutdown.target
		Conflicts=shutdown.target

		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/bin/sh $HOME_DIR/$PROGRAM restore --limits-path $opt_limits_path
		CapabilityBoundingSet=CAP_SYS_RESOURCE
		NoNewPrivileges=yes
		ProtectClock=yes
		RestrictAddressFamilies=AF_UNIX
		RestrictNamespaces=yes
		RestrictRealtime=yes
		RestrictSUIDSGID=yes
		LockPersonality=yes
		MemoryDenyWriteExecute=yes
		SystemCallArchitectures=native
		SystemCallFilter=@system-service
		UMask=0077

		[Install]
		WantedBy=sysinit.target
	UNIT
	if [ ! -L "$UNIT_WANTED" ] && will unit-enabled; then
		mkdir -p "${UNIT_WANTED%/*}"
		ln -s "../$UNIT" "$UNIT_WANTED"
	fi
	if [ "$changes" != "$unit_before" ] && [ "$opt_check" = no ]; then systemctl daemon-reload; fi
}

# ---- boot of an Android device -------------------------------------------------------------------

# android_boot_file: what is started at boot. An init knows no more than it read at boot.
find_android_boot() {
	if [ -d "$SERVICE_D" ]; then
		android_boot_file=$SERVICE_D/uid_mem.sh
		return 0
	fi
	for init_directory in $INIT_DIRECTORIES; do
		if [ -d "$init_directory" ] && [ -w "$init_directory" ]; then
			android_boot_file=$init_directory/uid_mem.rc
			return 0
		fi
	done
	die "nothing on this device can be told to load the module at boot (for now it is loaded):" \
		"there is no root manager with $SERVICE_D, and none of $INIT_DIRECTORIES can be written to;" \
		"where the bootloader is unlocked, 'adb remount' and a reboot change the latter"
}

boot_options() {
	printf '%s' "--limits-path $opt_limits_path"
	for parameter in $opt_parameters; do printf '%s' " --parameter $parameter"; done
}

keep_android_boot() {
	find_android_boot
	keep_limits_file "$android_boot_file"
	keep_file program "$HOME_DIR/$PROGRAM" 0755 <"$0"
	case $android_boot_file in
	*.rc) keep_rc ;;
	*) keep_service_script ;;
	esac
	drop_other_boot_files
}

# The class core is started when /data is there, and before any app.
keep_rc() {
	keep_file boot "$android_boot_file" 0644 <<-RC
		# Written by the role devfleet.uid_mem.uid_mem.
		service uid_mem /system/bin/logwrapper /system/bin/sh $HOME_DIR/$PROGRAM boot $(boot_options)
		    class core
		    user root
		    group root
		    oneshot
		    seclabel u:r:su:s0
		$(if [ -n "$opt_daemon" ]; then daemon_rc; fi)
	RC
}

daemon_rc() {
	cat <<-RC

		service uid_memd /system/bin/logwrapper /system/bin/sh $HOME_DIR/$PROGRAM daemon
		    class late_start
		    user root
		    group root
		    capabilities SYS_RESOURCE IPC_LOCK
		    oom_score_adjust -1000
		    restart_period 5
		    seclabel u:r:su:s0
	RC
}

keep_service_script() {
	keep_file boot "$android_boot_file" 0755 <<-SCRIPT
		#!/system/bin/sh
		# Written by the role devfleet.uid_mem.uid_mem.
		sh $HOME_DIR/$PROGRAM boot $(boot_options) >/dev/kmsg 2>&1
		$(if [ -n "$opt_daemon" ]; then printf 'exec sh %s supervise >/dev/kmsg 2>&1' "$HOME_DIR/$PROGRAM"; fi)
	SCRIPT
}

drop_other_boot_file() {
	if [ "$1" != "${android_boot_file-}" ]; then drop_file boot-removed "$1"; fi
}

# Those of a way to boot that is not used any more; all of them where none is.
drop_other_boot_files() {
	drop_other_boot_file "$SERVICE_D/uid_mem.sh"
	for init_directory in $INIT_DIRECTORIES; do drop_other_boot_file "$init_directory/uid_mem.rc"; done
}

cmd_boot() {
	running=$(uname -r)
	# Checked parameters without blanks.
	# shellcheck disable=SC2086
	if [ ! -e "$LIMITS" ]; then load_module $opt_parameters; fi
	cmd_restore
}

# ---- daemon -------------------------------------------------------------------------------------

# What daemon.sh has placed from that source, and what nobody has changed since.
daemon_is_placed() {
	[ -e "$DAEMON_RECORD" ] && [ "$(head -n 1 "$DAEMON_RECORD")" = "$opt_daemon" ] &&
		tail -n +2 "$DAEMON_RECORD" | sha256sum -c --status 2>/dev/null
}

# Says need_daemon=yes where programs or unit are not those of the caller, who brings them and calls again: false then.
need_no_daemon() {
	if daemon_is_placed; then return 0; fi
	say need_daemon=yes
	will daemon || true
	[ "$opt_check" = yes ]
}

keep_daemon() {
	if [ "$android" = yes ]; then
		keep_android_daemon
		return 0
	fi
	[ -d /run/systemd/system ] ||
		die "uid_memd is started by systemd, which does not run on this device: set uid_mem_daemon to false and start it by other means"
	need_no_daemon || return 0
	daemon_before=$changes
	daemon_words=$opt_daemon_options
	if [ -n "$opt_daemon_textfile" ]; then
		daemon_words="--textfile $opt_daemon_textfile$daemon_words"
		if [ ! -d "${opt_daemon_textfile%/*}" ] && will daemon-directory; then mkdir -p "${opt_daemon_textfile%/*}"; fi
		keep_file daemon-drop-in "$DAEMON_DROP_IN" 0644 <<-CONF
			# Written by the role devfleet.uid_mem.uid_mem.
			[Service]
			ReadWritePaths=${opt_daemon_textfile%/*}
		CONF
	else
		drop_file daemon-drop-in "$DAEMON_DROP_IN"
	fi
	keep_file daemon-options "$DAEMON_OPTIONS" 0644 <<-OPTIONS
		# Written by the role devfleet.uid_mem.uid_mem.
		UID_MEMD_OPTIONS=${daemon_words# }
	OPTIONS
	if [ "$changes" != "$daemon_before" ] && [ "$opt_check" = no ]; then
		systemctl daemon-reload
		systemctl stop "$DAEMON_UNIT" 2>/dev/null || true
	fi
	if [ ! -L "$DAEMON_WANTED" ] && will daemon-enabled; then
		mkdir -p "${DAEMON_WANTED%/*}"
		ln -s "../$DAEMON_UNIT" "$DAEMON_WANTED"
		systemctl daemon-reload
	fi
	if ! systemctl -q is-active "$DAEMON_UNIT" && will daemon-started; then
		systemctl start "$DAEMON_UNIT" ||
			die "uid_memd does not start: $(systemctl status --no-pager -n 3 "$DAEMON_UNIT" 2>&1 | tail -n 3 | tr '\n' ';')"
	fi
}

drop_daemon() {
	if [ "$android" = yes ]; then
		drop_android_daemon
		return 0
	fi
	daemon_before=$changes
	if [ -d /run/systemd/system ] && systemctl -q is-active "$DAEMON_UNIT" && will daemon-stopped; then
		systemctl stop "$DAEMON_UNIT" || die "uid_memd cannot be stopped: see 'systemctl status $DAEMON_UNIT' on the device"
	fi
	drop_file daemon-enabled "$DAEMON_WANTED"
	drop_file daemon-drop-in "$DAEMON_DROP_IN"
	drop_file daemon-unit "$DAEMON_UNIT_FILE"
	drop_file daemon-options "$DAEMON_OPTIONS"
	drop_file daemon "$DAEMON"
	drop_file uid_memtop "$TOP"
	drop_file daemon-record "$DAEMON_RECORD"
	if [ "$changes" = "$daemon_before" ] || [ "$opt_check" = yes ]; then return 0; fi
	rmdir "${DAEMON_DROP_IN%/*}" 2>/dev/null || true
	rm -rf /run/uid_memd
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload
		systemctl reset-failed "$DAEMON_UNIT" 2>/dev/null || true
	fi
}

# ---- daemon of an Android device -----------------------------------------------------------------

# is_alive FILE WORD: whether the process whose number is in FILE is there, with WORD on its command line.
is_alive() {
	[ -s "$1" ] && tr '\0' ' ' <"/proc/$(cat "$1")/cmdline" 2>/dev/null | grep -q -- "$2"
}

daemon_runs() {
	is_alive "$DAEMON_PID" "$DAEMON"
}

# Init has read of it when the device was booted, and keeps it running.
init_runs_daemon() {
	case $(getprop init.svc.uid_memd 2>/dev/null) in
	running | restarting) return 0 ;;
	*) return 1 ;;
	esac
}

keep_android_daemon() {
	need_no_daemon || return 0
	daemon_before=$changes
	keep_file daemon-options "$DAEMON_OPTIONS" 0644 <<-OPTIONS
		--limits $opt_limits_path${opt_daemon_textfile:+ --textfile $opt_daemon_textfile}$opt_daemon_options
	OPTIONS
	if [ -n "$opt_daemon_textfile" ] && [ ! -d "${opt_daemon_textfile%/*}" ] && will daemon-directory; then
		mkdir -p "${opt_daemon_textfile%/*}"
	fi
	if [ "$changes" != "$daemon_before" ] && [ "$opt_check" = no ] && daemon_runs; then end_daemon; fi
	if ! daemon_runs && will daemon-started; then start_android_daemon; fi
}

# The next one may be there before this returns.
end_daemon() {
	daemon_runs || return 0
	end_pid=$(cat "$DAEMON_PID")
	kill "$end_pid" 2>/dev/null || true
	end_waited=0
	while [ -e "/proc/$end_pid/exe" ]; do
		end_waited=$((end_waited + 1))
		[ "$end_waited" -le 50 ] || die "uid_memd, process $end_pid, does not end"
		sleep 0.2
	done
}

# Whoever keeps it running starts it, or a supervisor does until the next boot.
start_android_daemon() {
	if ! init_runs_daemon && ! is_alive "$SUPERVISOR_PID" supervise; then
		setsid sh "$HOME_DIR/$PROGRAM" supervise </dev/null >/dev/kmsg 2>&1 &
	fi
	start_waited=0
	until daemon_runs; do
		start_waited=$((start_waited + 1))
		[ "$start_waited" -le 75 ] || die "uid_memd does not start: $(dmesg 2>/dev/null | grep uid_memd | tail -n 3 | tr '\n' ';')"
		sleep 0.2
	done
}

drop_android_daemon() {
	daemon_before=$changes
	if [ "$opt_check" = no ] && init_runs_daemon; then stop uid_memd; fi
	# A supervisor ends when the program has gone.
	drop_file daemon "$DAEMON"
	drop_file uid_memtop "$TOP"
	drop_file daemon-options "$DAEMON_OPTIONS"
	drop_file daemon-record "$DAEMON_RECORD"
	if [ "$changes" = "$daemon_before" ] || [ "$opt_check" = yes ]; then return 0; fi
	end_daemon
	rm -f "$DAEMON_PID" /dev/uid_memd.state
}

cmd_daemon() {
	# Checked words without blanks inside.
	# shellcheck disable=SC2046
	exec "$DAEMON" --foreground --state /dev/uid_memd.state --pidfile "$DAEMON_PID" $(cat "$DAEMON_OPTIONS")
}

cmd_supervise() {
	echo $$ >"$SUPERVISOR_PID"
	while [ -e "$DAEMON" ]; do
		sh "$0" daemon || true
		sleep 1
	done
	rm -f "$SUPERVISOR_PID"
}

# ---- commands -----------------------------------------------------------------------------------

need_root() {
	[ "$(id -u)" -eq 0 ] || die "not root: set 'become: true' for this host"
	running=$(uname -r)
	say "running=$running"
	say "machine=$(uname -m)"
}

# What runs comes first: a parameter or module that the kernel refuses never gets into the files for the boot.
cmd_present() {
	need_root
	find_module
	case " $changes " in
	*" module "*)
		# The caller brings it and calls again.
		if [ "$opt_check" = no ]; then
			said_changes
			return 0
		fi
		;;
	esac
	keep_loaded
	keep_boot_files
	if [ -n "$opt_daemon" ]; then keep_daemon; else drop_daemon; fi
	# A device may lose power at any moment, and what starts at boot has to be whole then.
	if [ -n "$changes" ] && [ "$opt_check" = no ]; then sync; fi
	if [ -e "$LIMITS" ]; then
		say loaded=yes
		say "engine=$(sed -n 's/.*engine=\([a-z]*\).*/\1/p' /proc/uid_mem/features)"
	else
		say loaded=no
	fi
	said_changes
}

cmd_absent() {
	need_root
	drop_daemon
	drop_file unit-enabled "$UNIT_WANTED"
	drop_file unit "$UNIT_FILE"
	if [ -n "$changes" ] && [ "$opt_check" = no ] && [ -d /run/systemd/system ]; then
		systemctl daemon-reload
		systemctl reset-failed "$UNIT" 2>/dev/null || true
	fi
	drop_file modules-load "$MODULES_LOAD"
	drop_file modprobe "$MODPROBE"
	drop_file program "$HOME_DIR/$PROGRAM"
	if [ "$android" = yes ]; then
		drop_other_boot_files
		drop_file module-removed "$HOME_DIR/uid_mem.ko"
	fi
	if [ "$opt_check" = no ]; then rmdir "$HOME_DIR" 2>/dev/null || true; fi
	if [ -e /sys/module/uid_mem ] && will unloaded; then
		absent_message=$(remove_module 2>&1) ||
			die "the files for the boot are removed, but the module uid_mem cannot be unloaded ($absent_message): reboot"
	fi
	if [ -n "$(installed_source)" ] || [ -d "$STOCK_STATE" ]; then
		say need=remove_stock
		will stock || true
	fi
	said_changes
}

main() {
	[ $# -gt 0 ] || bad_usage "which command?"
	command=$1
	shift
	case $command in
	--help | -h | help)
		usage
		exit 0
		;;
	esac
	if [ "$command" = source-id ]; then
		[ $# -eq 1 ] || bad_usage "source-id takes a DIRECTORY"
		source_id "$1"
		return 0
	fi
	parse_options "$@"
	case $command in
	present) cmd_present ;;
	absent) cmd_absent ;;
	restore) cmd_restore ;;
	boot) cmd_boot ;;
	daemon) cmd_daemon ;;
	supervise) cmd_supervise ;;
	*) bad_usage "unknown command '$command'" ;;
	esac
}

main "$@"

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Puts a uid_mem kernel on a device beside the kernel that runs there, boots it once, and makes it
# the default only when it has proved itself. The device boots whenever its power is cut: every step
# leaves either the old or the new state behind, and the old kernel stays the default until "prove".
# README.md of the role says in which order things are written, and why.
#
# What a caller is to read is printed as key=value lines on standard output. Exit status:
#   0  done
#   1  refused or failed; the line error=... says why and what to do
#   2  wrong usage
#   3  the device runs another kernel than the one that was to boot (it fell back)
#   4  the kernel runs, but it did not prove itself
#   6  the kernel to leave is still running: reboot first
set -eu

PROGRAM=kernel_install.sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin:${PATH:-}
LC_ALL=C
export PATH LC_ALL

GRUB=/boot/grub
STATE=/var/lib/uid_mem/kernel_install
UNIT=uid_mem-kernel-trial.service
DEFAULTS_DROPIN=/etc/default/grub.d/zz_uid_mem.cfg
MENU_SCRIPT=/etc/grub.d/42_uid_mem
TRIAL_MENU=$GRUB/uid_mem.cfg
TRIAL_ID=uid_mem-trial
TRIAL_FLAG=uid_mem_trial
MIB=1048576
# No user has it: below nobody's "invalid" 4294967295, above every range that distributions hand out.
PROBE_UID=4294967000

usage() {
	cat <<USAGE
usage: $PROGRAM COMMAND [OPTION VALUE]...
       $PROGRAM --help

Installs a uid_mem kernel beside the running one, boots it once, proves it, then makes it the default.

On the device, as root:
  status                what is installed, what boots by default, what was there before
  preflight             can this kernel be installed here, and what is there to do? changes nothing
  install               bring kernel and module to the device; the running kernel stays the default
  trial                 boot --release once at the next reboot
  reboot                reboot in a second
  prove                 check the kernel that was booted for trial; make it the default
  abandon               remove the kernel whose trial failed, and all traces of the trial
  disarm                remove the traces of a trial, keep the kernel
  prune                 remove uid_mem kernels beyond --keep
  uninstall             remove every uid_mem kernel and give GRUB its former default back
  deadman               reboot after --seconds (what the unit $UNIT runs during a trial)
On the controller:
  pack                  check artifacts, write a copy of this program that carries them

Options:
  --release RELEASE     kernel release, as uname -r prints it
  --key KEY             what identifies the artifacts (manifest.json)
  --arch ARCH           machine the kernel is for, as uname -m prints it
  --image-sum SHA256    checksum of the kernel image
  --module-sum SHA256   checksum of uid_mem.ko
  --installed-bytes N   what the package takes on /
  --boot-bytes N        what kernel image, symbol map and configuration take in /boot
  --payload-bytes N     size of the files that are copied to the device
  --reserve-mib N       room to leave on / and /boot (32)
  --keep N              uid_mem kernels to keep, the running one included (2)
  --prune-first yes|no  for install: make room first, by what --keep allows (preflight says prune_first=)
  --initrd auto|yes|no  build an initial RAM disk for the new kernel (auto: where root needs one)
  --panic-seconds N     a kernel that panics during its trial reboots after N seconds (10)
  --trial-seconds N     a trial that is not proved after N seconds ends with a reboot (300)
  --expect uid_mem|any  what to prove: our module works (default), or, for a rollback, only that the kernel is up
  --seconds N           for deadman
  --artifacts DIR       for pack: directory with the artifacts
  --image-deb FILE      for pack: name of the kernel package in it
  --output-dir DIR      for pack: where to write the program that carries them
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

# ---- options ----------------------------------------------------------------------------------

need() {
	for need_name; do
		eval "need_value=\${opt_$need_name:-}"
		if [ -z "$need_value" ]; then
			bad_usage "$command needs --$(printf '%s' "$need_name" | tr _ -)"
		fi
	done
}

check_number() {
	case $2 in
	'' | *[!0-9]*) bad_usage "$1 takes a whole number, not '$2'" ;;
	esac
}

# Names become parts of paths and of GRUB's configuration.
check_name() {
	case $2 in
	'' | .* | *[!A-Za-z0-9._+~-]*) bad_usage "$1 takes letters, digits and . _ + ~ -, not '$2'" ;;
	esac
}

parse_options() {
	opt_release='' opt_key='' opt_arch='' opt_image_sum='' opt_module_sum='' opt_artifacts=''
	opt_image_deb='' opt_output_dir='' opt_seconds=''
	opt_installed_bytes=0 opt_boot_bytes=0 opt_payload_bytes=0 opt_reserve_mib=32 opt_keep=2
	opt_initrd=auto opt_panic_seconds=10 opt_trial_seconds=300 opt_expect=uid_mem opt_prune_first=no
	while [ $# -gt 0 ]; do
		case $1 in
		--help | -h)
			usage
			exit 0
			;;
		esac
		[ $# -ge 2 ] || bad_usage "unexpected argument or option without its value: '$1'"
		case $1 in
		--release)
			check_name "$1" "$2"
			opt_release=$2
			;;
		--key)
			check_name "$1" "$2"
			opt_key=$2
			;;
		--arch)
			check_name "$1" "$2"
			opt_arch=$2
			;;
		--image-deb)
			check_name "$1" "$2"
			opt_image_deb=$2
			;;
		--image-sum)
			check_name "$1" "$2"
			opt_image_sum=$2
			;;
		--module-sum)
			check_name "$1" "$2"
			opt_module_sum=$2
			;;
		--installed-bytes)
			check_number "$1" "$2"
			opt_installed_bytes=$2
			;;
		--boot-bytes)
			check_number "$1" "$2"
			opt_boot_bytes=$2
			;;
		--payload-bytes)
			check_number "$1" "$2"
			opt_payload_bytes=$2
			;;
		--reserve-mib)
			check_number "$1" "$2"
			opt_reserve_mib=$2
			;;
		--keep)
			check_number "$1" "$2"
			[ "$2" -ge 1 ] || bad_usage "--keep takes a number of at least 1"
			opt_keep=$2
			;;
		--panic-seconds)
			check_number "$1" "$2"
			[ "$2" -ge 1 ] || bad_usage "--panic-seconds takes a number of at least 1: 0 means no reboot"
			opt_panic_seconds=$2
			;;
		--trial-seconds)
			check_number "$1" "$2"
			opt_trial_seconds=$2
			;;
		--seconds)
			check_number "$1" "$2"
			opt_seconds=$2
			;;
		--initrd)
			case $2 in auto | yes | no) opt_initrd=$2 ;; *) bad_usage "--initrd takes auto, yes or no, not '$2'" ;; esac
			;;
		--prune-first)
			case $2 in yes | no) opt_prune_first=$2 ;; *) bad_usage "--prune-first takes yes or no, not '$2'" ;; esac
			;;
		--expect)
			case $2 in uid_mem | any) opt_expect=$2 ;; *) bad_usage "--expect takes uid_mem or any, not '$2'" ;; esac
			;;
		--artifacts) opt_artifacts=$2 ;;
		--output-dir) opt_output_dir=$2 ;;
		*) bad_usage "unknown option '$1'" ;;
		esac
		shift 2
	done
}

# ---- files that must survive a power cut --------------------------------------------------------

# Boot loaders read the file system without replaying its journal, so what they are to see must have
# left the journal. Freezing a file system does that; where it can't be frozen, sync is what there is.
settle() {
	sync
	settle_mount=$(stat -c %m "$GRUB")
	# Thaws if this shell is killed between the two calls.
	(
		trap '' HUP
		sleep 20
		fsfreeze -u "$settle_mount"
	) </dev/null >/dev/null 2>&1 &
	settle_guard=$!
	if fsfreeze -f "$settle_mount" 2>/dev/null; then
		fsfreeze -u "$settle_mount" || true
	fi
	kill "$settle_guard" 2>/dev/null || true
}

# replace FILE MODE: standard input becomes FILE in one step; before and after it is whole.
replace() {
	cat >"$1.uid_mem-new"
	chmod "$2" "$1.uid_mem-new"
	sync "$1.uid_mem-new"
	mv -f "$1.uid_mem-new" "$1"
}

# ---- state of the device --------------------------------------------------------------------------

state_read() {
	state_status=none state_default_release='' state_previous_release=''
	state_trial_release='' state_trial_boot_id=''
	state_original_grub_default='' state_original_saved_entry='' state_panic='' state_panic_on_oops=''
	[ -e "$STATE/state" ] || return 0
	while IFS='=' read -r state_key state_value; do
		case $state_key in
		status) state_status=$state_value ;;
		default_release) state_default_release=$state_value ;;
		previous_release) state_previous_release=$state_value ;;
		trial_release) state_trial_release=$state_value ;;
		trial_boot_id) state_trial_boot_id=$state_value ;;
		original_grub_default) state_original_grub_default=$state_value ;;
		original_saved_entry) state_original_saved_entry=$state_value ;;
		panic) state_panic=$state_value ;;
		panic_on_oops) state_panic_on_oops=$state_value ;;
		esac
	done <"$STATE/state"
}

state_write() {
	replace "$STATE/state" 0644 <<-STATE
		status=$state_status
		default_release=$state_default_release
		previous_release=$state_previous_release
		trial_release=$state_trial_release
		trial_boot_id=$state_trial_boot_id
		original_grub_default=$state_original_grub_default
		original_saved_entry=$state_original_saved_entry
		panic=$state_panic
		panic_on_oops=$state_panic_on_oops
	STATE
}

# A record for each kernel this program brought: key of the artifacts, package, checksum of the image.
record_read() {
	record_image_sum='' record_package=''
	[ -e "$STATE/kernels/$1" ] || return 1
	while IFS='=' read -r record_name record_value; do
		case $record_name in
		image_sum) record_image_sum=$record_value ;;
		package) record_package=$record_value ;;
		esac
	done <"$STATE/kernels/$1"
}

records_newest_first() {
	[ -d "$STATE/kernels" ] || return 0
	# Names are checked releases: no blanks, no line feeds.
	# shellcheck disable=SC2012
	ls -t "$STATE/kernels"
}

file_sum() {
	[ -e "$1" ] || return 0
	file_sum_line=$(sha256sum <"$1")
	printf '%s' "${file_sum_line%% *}"
}

is_installed() {
	record_read "$1" && [ "$record_image_sum" = "$opt_image_sum" ] && [ -e "/boot/vmlinuz-$1" ] && [ -e "/lib/modules/$1/modules.dep" ]
}

module_is_installed() {
	[ -z "$opt_module_sum" ] || [ "$(file_sum "/lib/modules/$1/updates/uid_mem.ko")" = "$opt_module_sum" ]
}

# ---- GRUB -------------------------------------------------------------------------------------------

env_get() {
	[ -e "$GRUB/grubenv" ] || return 0
	sed -n "s/^$1=//p" "$GRUB/grubenv"
}

# env_change set NAME=VALUE... | unset NAME...: GRUB's own tool truncates the block before it writes,
# so it works on a copy that then takes the block's place.
env_change() {
	cp -p "$GRUB/grubenv" "$GRUB/grubenv.uid_mem-new" 2>/dev/null ||
		grub-editenv "$GRUB/grubenv.uid_mem-new" create
	grub-editenv "$GRUB/grubenv.uid_mem-new" "$@"
	sync "$GRUB/grubenv.uid_mem-new"
	mv -f "$GRUB/grubenv.uid_mem-new" "$GRUB/grubenv"
	settle
}

# entry_of RELEASE [FILE]: id of the menu entry that boots that kernel, submenu included.
# The entry "gnulinux-simple-..." is none: it boots whatever kernel sorts newest.
entry_of() {
	awk -v release="$1" '
		function id_of(line, words, n) { n = split(line, words, "\047"); return words[n - 1] }
		/^[ \t]*submenu / { submenu = id_of($0) ">" }
		/^[ \t]*menuentry / { entry = id_of($0) }
		/^}/ { submenu = "" }
		/^[ \t]*linux(16|efi)?[ \t]/ {
			image = $2
			sub(".*/", "", image)
			if (image != "vmlinuz-" release && image != "vmlinux-" release) next
			if (entry ~ /^gnulinux-simple-/ || entry ~ /recovery/ || / single( |$)/) next
			print submenu entry
			exit
		}' "${2:-$GRUB/grub.cfg}"
}

# trial_entry_of ID FILE OPTIONS: that entry, once more, with a name of its own and kernel options added.
trial_entry_of() {
	awk -v wanted="${1##*>}" -v title="Linux $opt_release, one trial boot (uid_mem)" -v id="$TRIAL_ID" -v options="$3" '
		function id_of(line, words, n) { n = split(line, words, "\047"); return words[n - 1] }
		/^[ \t]*menuentry / && !inside && id_of($0) == wanted {
			n = split($0, words, "\047")
			words[2] = title
			words[n - 1] = id
			line = words[1]
			for (i = 2; i <= n; i++) line = line "\047" words[i]
			indent = $0
			sub(/[^ \t].*/, "", indent)
			print line
			inside = 1
			next
		}
		!inside { next }
		/^[ \t]*linux(16|efi)?[ \t]/ { sub(/[ \t]*$/, ""); $0 = $0 " " options }
		{ print }
		$0 == indent "}" { exit }' "$2"
}

original_grub_default() {
	(
		set +eu
		GRUB_DEFAULT=0
		for defaults in /etc/default/grub /etc/default/grub.d/*.cfg; do
			if [ ! -e "$defaults" ] || [ "$defaults" = "$DEFAULTS_DROPIN" ]; then continue; fi
			# shellcheck disable=SC1090
			. "$defaults"
		done >/dev/null 2>&1
		printf '%s' "${GRUB_DEFAULT:-0}"
	)
}

default_is_saved() {
	grep -q "set default=\"\${saved_entry}\"" "${1:-$GRUB/grub.cfg}"
}

# The running kernel becomes the default by name. GRUB_DEFAULT=0 would mean "whichever kernel sorts
# newest", and so the new one as soon as its package is unpacked.
pin_running_kernel() {
	pin_entry=$(entry_of "$running")
	[ -n "$pin_entry" ] || die "GRUB has no menu entry for the running kernel $running: run update-grub, see that /boot/vmlinuz-$running is there, and try again"
	if [ -z "$state_original_grub_default" ]; then
		state_original_grub_default=$(original_grub_default)
		state_original_saved_entry=$(env_get saved_entry)
		state_write
	fi
	if [ "$(env_get saved_entry)" != "$pin_entry" ]; then
		env_change set "saved_entry=$pin_entry"
	fi
	mkdir -p "${DEFAULTS_DROPIN%/*}"
	replace "$DEFAULTS_DROPIN" 0644 <<-DROPIN
		# Written by the role devfleet.uid_mem.kernel_install.
		# The default kernel is the one that proved itself, not the one that sorts newest:
		# grub-editenv list shows it, grub-set-default changes it.
		GRUB_DEFAULT=saved
	DROPIN
	replace "$MENU_SCRIPT" 0755 <<-'MENU'
		#!/bin/sh
		# Written by the role devfleet.uid_mem.kernel_install: the entry for one trial boot, while there is one.
		cat <<'END'
		if [ -f $prefix/uid_mem.cfg ]; then
		  source $prefix/uid_mem.cfg
		fi
		END
	MENU
}

# grub-mkconfig truncates the file it writes and then fills it; here the complete file takes its place.
make_menu() {
	rm -f "$GRUB/grub.cfg.uid_mem-new"
	grub-mkconfig -o "$GRUB/grub.cfg.uid_mem-new" >>"$STATE/log" 2>&1 ||
		die "grub-mkconfig failed, the GRUB menu is as it was: $(log_tail)"
	for make_menu_release; do
		[ -n "$(entry_of "$make_menu_release" "$GRUB/grub.cfg.uid_mem-new")" ] ||
			die "grub-mkconfig made no menu entry for $make_menu_release, the GRUB menu is as it was: see $GRUB/grub.cfg.uid_mem-new"
	done
	if [ -e "$DEFAULTS_DROPIN" ] && ! default_is_saved "$GRUB/grub.cfg.uid_mem-new"; then
		die "GRUB_DEFAULT=saved from $DEFAULTS_DROPIN is not in force, the GRUB menu is as it was: look for GRUB_DEFAULT in /etc/default/grub.d"
	fi
	sync "$GRUB/grub.cfg.uid_mem-new"
	mv -f "$GRUB/grub.cfg.uid_mem-new" "$GRUB/grub.cfg"
	settle
}

# ---- packages ---------------------------------------------------------------------------------------

log_tail() {
	tail -n 5 "$STATE/log" | tr '\n' ' '
}

# Package scripts find these first: the menu is made once, by make_menu, and an initial RAM disk only
# where root needs one (under emulation it takes minutes).
run_dpkg() {
	mkdir -p "$STATE/shims"
	for run_dpkg_name in update-grub ${no_initrd:+update-initramfs}; do
		replace "$STATE/shims/$run_dpkg_name" 0755 <<-'SHIM'
			#!/bin/sh
			exit 0
		SHIM
	done
	run_dpkg_status=0
	PATH=$STATE/shims:$PATH DEBIAN_FRONTEND=noninteractive dpkg "$@" </dev/null >>"$STATE/log" 2>&1 || run_dpkg_status=$?
	rm -rf "$STATE/shims"
	return "$run_dpkg_status"
}

# remove_kernel RELEASE: never the running one, never the default, never one that is not ours.
remove_kernel() {
	[ "$1" != "$running" ] || die "refused to remove $1: it is running"
	record_read "$1" || die "refused to remove $1: it was not installed by $PROGRAM"
	[ "$(entry_of "$1")" != "$(env_get saved_entry)" ] || die "refused to remove $1: it is the default"
	if [ -n "$record_package" ]; then
		run_dpkg --purge "$record_package" || die "dpkg could not remove $record_package: $(log_tail)"
	fi
	rm -rf "/lib/modules/${1:?}"
	rm -f "/boot/initrd.img-$1" "$STATE/kernels/$1"
}

# prunable KEEP: uid_mem kernels beyond the newest KEEP; never the running one, the default, the previous one.
prunable() {
	prunable_left=$1
	for prunable_release in $(records_newest_first); do
		if [ "$prunable_left" -gt 0 ]; then
			prunable_left=$((prunable_left - 1))
			continue
		fi
		case $prunable_release in
		"$running" | "$state_default_release" | "$state_previous_release" | "$opt_release") continue ;;
		esac
		printf '%s\n' "$prunable_release"
	done
}

prune() {
	pruned=''
	for prune_release in $(prunable "$1"); do
		remove_kernel "$prune_release"
		pruned="$pruned $prune_release"
	done
	if [ -n "$pruned" ]; then make_menu "$running"; fi
	say "pruned=${pruned# }"
}

# ---- where root lives -------------------------------------------------------------------------------

# Does the new kernel find the root file system by itself? Only where everything that the running
# kernel uses to reach it is built in; any doubt means that it does not.
root_needs_initrd() {
	builtin=/lib/modules/$opt_release/modules.builtin
	[ -e "$builtin" ] || return 0
	root_source='' root_type=''
	while read -r mount_source mount_point mount_type _; do
		case $mount_point in
		/) root_source=$mount_source root_type=$mount_type ;;
		/usr) return 0 ;;
		esac
	done </proc/mounts
	[ "$root_source" != /dev/root ] || root_source=$(readlink -f /dev/root)
	case $root_source in
	/dev/mapper/* | /dev/dm-* | /dev/md* | '') return 0 ;;
	/dev/*) ;;
	*) return 0 ;;
	esac
	wanted=$root_type
	device=$(readlink -f "/sys/class/block/${root_source#/dev/}")
	case $device in
	/sys/devices/*) ;;
	*) return 0 ;;
	esac
	while [ "$device" != /sys/devices ]; do
		device=${device%/*}
		[ -e "$device/driver" ] || continue
		if [ -e "$device/driver/module" ]; then
			driver=$(readlink -f "$device/driver/module")
		else
			driver=$(readlink -f "$device/driver")
		fi
		case ${driver##*/} in
		# Parts of every PCI kernel, not modules.
		pcieport | pci) ;;
		*) wanted="$wanted ${driver##*/}" ;;
		esac
	done
	awk -v wanted="$wanted" '
		{ sub(".*/", ""); sub("[.]ko$", ""); gsub("-", "_"); builtin[$0] = 1 }
		END {
			n = split(wanted, names, " ")
			for (i = 1; i <= n; i++) {
				gsub("-", "_", names[i])
				if (!(names[i] in builtin)) exit 0
			}
			exit 1
		}' "$builtin"
}

# ---- commands ---------------------------------------------------------------------------------------

need_root() {
	[ "$(id -u)" -eq 0 ] || die "not root: set 'become: true' for this host"
	running=$(uname -r)
	state_read
}

free_bytes() {
	df -P -k "$1" | awk 'NR == 2 { printf "%.0f", $4 * 1024 }'
}

mib_up() {
	printf '%s' "$((($1 + MIB - 1) / MIB))"
}

problem() {
	problems="$problems$*; "
}

# check_room DIR NEEDED: room_short holds what is missing.
check_room() {
	room_free=$(free_bytes "$1")
	if [ "$room_free" -ge "$2" ]; then return 0; fi
	prunable_bytes=0
	prunable_names=''
	for room_release in $(prunable "$((opt_keep - 1))"); do
		prunable_names="$prunable_names $room_release"
		if [ "$1" = / ]; then
			room_dirs="/lib/modules/$room_release"
			[ -n "$boot_is_separate" ] || room_dirs="$room_dirs /boot/*-$room_release"
		else
			room_dirs="/boot/*-$room_release"
		fi
		# The patterns are to be expanded.
		# shellcheck disable=SC2086
		room_bytes=$(du -skc $room_dirs 2>/dev/null | awk 'END { printf "%.0f", $1 * 1024 }')
		prunable_bytes=$((prunable_bytes + ${room_bytes:-0}))
	done
	if [ "$((room_free + prunable_bytes))" -ge "$2" ]; then
		prune_first=yes
		return 0
	fi
	room_hint="remove old kernels there"
	if [ -n "$(prunable 1)" ]; then room_hint="$room_hint or set kernel_install_keep below $opt_keep"; fi
	problem "$1 has $((room_free / MIB)) MiB free, $(mib_up "$2") MiB are needed:" \
		"$room_hint, or lower kernel_install_reserve_mib (now $opt_reserve_mib)"
}

check_grub() {
	for check_grub_tool in grub-mkconfig grub-editenv grub-probe; do
		if ! command -v "$check_grub_tool" >/dev/null; then
			problem "this device has no $check_grub_tool: only GRUB 2 can boot a kernel once; install it" \
				"(Debian: grub-pc or grub-efi-$(dpkg --print-architecture 2>/dev/null || uname -m)) or install the kernel by hand"
			return 0
		fi
	done
	if [ ! -e "$GRUB/grub.cfg" ]; then
		problem "there is no $GRUB/grub.cfg: GRUB is not this device's boot loader, or /boot is not mounted; mount it, or run update-grub"
		return 0
	fi
	if [ -z "$(entry_of "$running")" ]; then
		problem "GRUB has no menu entry for the running kernel $running, so nothing could be fallen back to:" \
			"run update-grub and see that /boot/vmlinuz-$running is there"
	fi
	if ! check_grub_fs=$(grub-probe --target=fs "$GRUB" 2>&1); then
		problem "grub-probe does not know the file system of $GRUB ($check_grub_fs)"
		return 0
	fi
	check_grub_abstraction=$(grub-probe --target=abstraction "$GRUB" 2>/dev/null || true)
	case " $check_grub_fs $check_grub_abstraction " in
	*" btrfs "* | *" zfs "* | *" lvm "* | *" diskfilter "* | *" cryptodisk "* | *" squash4 "* | *" f2fs "*)
		problem "GRUB cannot write its environment block on $check_grub_fs ${check_grub_abstraction:-disk}" \
			"and would boot the new kernel over and over: put /boot on a plain ext4 partition"
		;;
	esac
	[ -w "$GRUB" ] || problem "$GRUB is not writable: remount /boot read-write"
	for check_grub_var in /sys/firmware/efi/efivars/SecureBoot-*; do
		[ -e "$check_grub_var" ] || continue
		if [ "$(od -An -tu1 -j4 -N1 "$check_grub_var" | tr -d ' ')" = 1 ]; then
			problem "Secure Boot is on and the kernel is not signed: turn it off in the firmware"
		fi
	done
}

# What is there to do?
#   none     it runs, it is the default, module and record are as they should be
#   prove    it runs, but is not the default yet
#   trial    it is installed, but does not run
#   install  it is not installed, or the module is another
plan() {
	if ! is_installed "$opt_release" || ! module_is_installed "$opt_release"; then
		say install
	elif [ "$running" != "$opt_release" ]; then
		say trial
	elif [ "$state_status" != committed ] || [ "$state_default_release" != "$opt_release" ] ||
		! default_is_saved || [ "$(env_get saved_entry)" != "$(entry_of "$opt_release")" ]; then
		say prove
	else
		say none
	fi
}

cmd_preflight() {
	need release image_sum
	need_root
	problems='' prune_first=no boot_is_separate=''
	action=$(plan)
	if [ -n "$opt_arch" ] && [ "$opt_arch" != "$(uname -m)" ]; then
		problem "the kernel is for $opt_arch, this device is $(uname -m): build one for it (kernel_build on such a machine)"
	fi
	case $action in
	install | trial)
		if ! command -v dpkg >/dev/null; then
			problem "this device has no dpkg: only Debian and its derivatives can be provisioned"
		fi
		check_grub
		;;
	esac
	if [ "$action" = install ] && ! is_installed "$opt_release"; then
		initrd_bytes=0
		if [ "$opt_initrd" != no ] && [ -e "/boot/initrd.img-$running" ]; then
			initrd_bytes=$(stat -L -c %s "/boot/initrd.img-$running")
		fi
		reserve=$((opt_reserve_mib * MIB))
		boot_needs=$((opt_boot_bytes + initrd_bytes))
		# Twice the payload: once as it was copied, once unpacked for dpkg.
		root_needs=$((opt_installed_bytes + 2 * opt_payload_bytes + reserve))
		if [ "$(stat -c %m /boot)" = / ]; then
			check_room / "$((root_needs + initrd_bytes))"
		else
			boot_is_separate=yes
			check_room / "$((root_needs - opt_boot_bytes))"
			check_room /boot "$((boot_needs + reserve))"
		fi
	fi
	[ -z "$problems" ] || die "${problems%; }"
	say "action=$action"
	say "running=$running"
	say "prune_first=$prune_first"
	print_state
}

print_state() {
	read -r boot_id </proc/sys/kernel/random/boot_id
	say "boot_id=$boot_id"
	say "status=$state_status"
	say "default_release=$state_default_release"
	say "previous_release=$state_previous_release"
}

cmd_status() {
	need_root
	say "running=$running"
	print_state
	say "trial_release=$state_trial_release"
	say "saved_entry=$(env_get saved_entry)"
	say "next_entry=$(env_get next_entry)"
	say "original_grub_default=$state_original_grub_default"
	say "kernels=$(records_newest_first | tr '\n' ' ')"
}

payload_line() {
	awk '/^__PAYLOAD_BELOW__$/ { print NR + 1; exit }' "$0"
}

unpack_payload() {
	unpack_line=$(payload_line)
	[ -n "$unpack_line" ] || die "this copy of $PROGRAM carries no kernel: make one with 'pack'"
	rm -rf "$STATE/incoming"
	mkdir -p "$STATE/incoming"
	tail -n +"$unpack_line" "$0" | tar -xf - -C "$STATE/incoming" ||
		die "the copied files are damaged or / is full: run it again"
	(cd "$STATE/incoming" && sha256sum -c --quiet SHA256SUMS >>"$STATE/log" 2>&1) ||
		die "checksum mismatch after copying, nothing was installed: run it again; if it persists, check the device's storage and RAM"
}

cmd_install() {
	need release key image_sum module_sum
	need_root
	mkdir -p "$STATE/kernels"
	: >"$STATE/log"
	unpack_payload
	pin_running_kernel
	if [ "$opt_prune_first" = yes ]; then prune "$((opt_keep - 1))" >/dev/null; fi
	no_initrd=''
	if ! is_installed "$opt_release"; then
		set -- "$STATE"/incoming/*.deb
		package=$(dpkg-deb -f "$1" Package)
		# From here on a run that is cut short is known to be ours.
		write_record incomplete
		case $opt_initrd in
		no) no_initrd=yes ;;
		auto)
			# Only the unpacked package tells what is built in.
			run_dpkg --unpack "$1" || die "dpkg could not unpack the kernel package, $running stays the default: $(log_tail)"
			root_needs_initrd || no_initrd=yes
			;;
		esac
		if [ "$opt_initrd" = auto ]; then
			run_dpkg --configure "$package" || die "dpkg could not configure $package, $running stays the default: $(log_tail)"
		else
			run_dpkg -i "$1" || die "dpkg could not install the kernel package, $running stays the default: $(log_tail)"
		fi
		[ -e "/boot/vmlinuz-$opt_release" ] ||
			die "the package $package has no kernel $opt_release: manifest.json and package do not belong together"
	else
		package=$record_package
	fi
	mkdir -p "/lib/modules/$opt_release/updates"
	replace "/lib/modules/$opt_release/updates/uid_mem.ko" 0644 <"$STATE/incoming/uid_mem.ko"
	depmod "$opt_release" || die "depmod failed for $opt_release"
	rm -rf "$STATE/incoming"
	sync
	write_record "$opt_image_sum"
	if [ "$running" != "$opt_release" ]; then
		make_menu "$running" "$opt_release"
		arm_trial
	fi
	say "changed=yes"
}

write_record() {
	replace "$STATE/kernels/$opt_release" 0644 <<-RECORD
		key=$opt_key
		package=$package
		image_sum=$1
	RECORD
}

# The trial has three safety nets: GRUB forgets the one-shot entry as it boots it, a panic reboots, and
# the unit below reboots a device that is up but not reachable. Written before the one-shot is armed.
arm_trial() {
	arm_entry=$(entry_of "$opt_release")
	[ -n "$arm_entry" ] || die "GRUB has no menu entry for $opt_release: run update-grub"
	if ! default_is_saved; then make_menu "$running" "$opt_release"; fi
	cp "$0" "$STATE/program.new" && arm_line=$(payload_line)
	if [ -n "$arm_line" ]; then head -n "$((arm_line - 2))" "$0" >"$STATE/program.new"; fi
	mv -f "$STATE/program.new" "$STATE/$PROGRAM"
	if [ -d /run/systemd/system ]; then
		replace "/etc/systemd/system/$UNIT" 0644 <<-TRIAL
			# Written by the role devfleet.uid_mem.kernel_install, for one trial boot.
			[Unit]
			Description=Reboot into the default kernel unless this trial boot is proved
			ConditionKernelCommandLine=$TRIAL_FLAG
			DefaultDependencies=no
			After=systemd-remount-fs.service

			[Service]
			ExecStart=/bin/sh $STATE/$PROGRAM deadman --seconds $opt_trial_seconds

			[Install]
			WantedBy=sysinit.target
		TRIAL
		mkdir -p /etc/systemd/system/sysinit.target.wants
		ln -sf "../$UNIT" "/etc/systemd/system/sysinit.target.wants/$UNIT"
	fi
	trial_entry_of "$arm_entry" "$GRUB/grub.cfg" "panic=$opt_panic_seconds oops=panic $TRIAL_FLAG=1" |
		replace "$TRIAL_MENU" 0644
	[ -s "$TRIAL_MENU" ] || die "could not read the menu entry $arm_entry from $GRUB/grub.cfg"
	state_status=trial
	state_trial_release=$opt_release
	state_default_release=$running
	read -r state_trial_boot_id </proc/sys/kernel/random/boot_id
	state_panic=$(cat /proc/sys/kernel/panic)
	state_panic_on_oops=$(cat /proc/sys/kernel/panic_on_oops)
	state_write
	settle
	# The very last step: from here on the next boot is the trial.
	env_change set "next_entry=$TRIAL_ID"
	say "armed=$opt_release"
	say "boot_id=$state_trial_boot_id"
}

cmd_trial() {
	need release
	need_root
	[ "$running" != "$opt_release" ] || die "$opt_release is already running"
	[ -e "/boot/vmlinuz-$opt_release" ] || die "$opt_release is not installed"
	mkdir -p "$STATE/kernels"
	: >"$STATE/log"
	pin_running_kernel
	arm_trial
}

disarm_trial() {
	rm -f "/etc/systemd/system/sysinit.target.wants/$UNIT" "/etc/systemd/system/$UNIT" "$TRIAL_MENU"
	if [ -n "$(env_get next_entry)" ]; then env_change unset next_entry; fi
}

cmd_reboot() {
	need_root
	sync
	# Leaves the caller time to read the answer. A shutdown that hangs is cut short.
	(
		trap '' HUP
		sleep 1
		systemctl reboot || reboot
		sleep 90
		sync
		reboot -f
	) </dev/null >/dev/null 2>&1 &
	read -r boot_id </proc/sys/kernel/random/boot_id
	say "boot_id=$boot_id"
}

kernel_log_tail() {
	dmesg 2>/dev/null | tail -n "$1"
}

# What a kernel left that crashed or was not reached.
remains() {
	if [ -s "$STATE/trial.log" ]; then sed 's/^/trial_log: /' "$STATE/trial.log"; fi
	for evidence_file in /sys/fs/pstore/dmesg-* /var/lib/systemd/pstore/*/dmesg.txt; do
		[ -e "$evidence_file" ] || continue
		tail -n 25 "$evidence_file" | sed 's/^/pstore: /'
	done
}

# Why did the proof fail?
evidence() {
	say "uname=$(uname -r)"
	say "cmdline=$(cat /proc/cmdline)"
	if [ "$running" = "$opt_release" ]; then kernel_log_tail 15 | sed 's/^/dmesg: /'; fi
}

refuse_proof() {
	say "error=$1"
	evidence
	exit "$2"
}

# The module is tried with a limit on a user nobody is.
prove_uid_mem() {
	prove_loaded=''
	if [ ! -e /proc/uid_mem/limits ]; then
		prove_message=$(modprobe uid_mem 2>&1) || refuse_proof "$opt_release runs, but its module does not load: $prove_message" 4
		prove_loaded=yes
	fi
	[ -e /proc/uid_mem/features ] || refuse_proof "$opt_release runs and its module is loaded, but there is no /proc/uid_mem" 4
	prove_features=$(cat /proc/uid_mem/features)
	case " $prove_features " in
	*" engine=hooks "*) ;;
	*) refuse_proof "$opt_release runs, but without the kernel patch: /proc/uid_mem/features says '$prove_features', not engine=hooks" 4 ;;
	esac
	printf '%s max=64M mode=audit\n' "$PROBE_UID" >/proc/uid_mem/limits 2>/dev/null ||
		refuse_proof "$opt_release runs, but a limit cannot be set" 4
	prove_seen=$(grep "^$PROBE_UID " /proc/uid_mem/limits || true)
	case $prove_seen in
	"$PROBE_UID max=67108864 "*) ;;
	*) refuse_proof "$opt_release runs, but a limit that was set reads back as '$prove_seen'" 4 ;;
	esac
	printf '!%s\n' "$PROBE_UID" >/proc/uid_mem/limits 2>/dev/null || refuse_proof "$opt_release runs, but a limit cannot be removed" 4
	if grep -q "^$PROBE_UID " /proc/uid_mem/limits; then
		refuse_proof "$opt_release runs, but a removed limit is still there" 4
	fi
	# Loaded for the proof only: the role uid_mem loads it with its parameters.
	if [ -n "$prove_loaded" ]; then modprobe -r uid_mem 2>/dev/null || true; fi
	say "features=$prove_features"
}

cmd_prove() {
	need release
	need_root
	[ "$running" = "$opt_release" ] || refuse_proof "the device runs $running instead of $opt_release: it crashed or could not be reached, its console says why" 3
	if [ "$opt_expect" = uid_mem ]; then prove_uid_mem; fi
	commit
	# What was committed stays committed; an old kernel too many is no reason to go back.
	prove_pruned=$(prune "$opt_keep") || prove_pruned="prune_failed=${prove_pruned#error=}"
	say "$prove_pruned"
	say "committed=$opt_release"
	say "default_release=$state_default_release"
	say "previous_release=$state_previous_release"
}

commit() {
	mkdir -p "$STATE/kernels"
	: >"$STATE/log"
	commit_entry=$(entry_of "$opt_release")
	[ -n "$commit_entry" ] || die "GRUB has no menu entry for $opt_release: run update-grub"
	if [ "$state_default_release" != "$opt_release" ]; then
		state_previous_release=$state_default_release
		state_default_release=$opt_release
	fi
	if [ -e "/etc/systemd/system/$UNIT" ]; then systemctl stop "$UNIT" || true; fi
	if grep -q "$TRIAL_FLAG=1" /proc/cmdline && [ -n "$state_panic" ]; then
		echo "$state_panic" >/proc/sys/kernel/panic
		echo "$state_panic_on_oops" >/proc/sys/kernel/panic_on_oops
	fi
	default_is_saved || pin_running_kernel
	default_is_saved || make_menu "$running"
	# This one rename is the commit.
	env_change set "saved_entry=$commit_entry"
	disarm_trial
	if [ "$opt_expect" = uid_mem ]; then state_status=committed; else state_status=rolled_back; fi
	state_trial_release='' state_trial_boot_id='' state_panic='' state_panic_on_oops=''
	state_write
	rm -f "$STATE/trial.log"
	sync
}

# What the device is, when no trial is under way.
settle_status() {
	state_default_release=$running state_trial_release='' state_trial_boot_id=''
	if record_read "$running"; then
		state_status=committed
	elif [ -n "$(records_newest_first)" ]; then
		state_status=rolled_back
	else
		state_status=none
	fi
	state_write
}

# Both run on the kernel that is the default. 6 tells the caller to reboot into it first.
leave_trial() {
	need release
	need_root
	if [ "$running" = "$opt_release" ]; then
		say "error=$opt_release is still running"
		exit 6
	fi
	mkdir -p "$STATE"
	: >"$STATE/log"
	disarm_trial
	remains
	rm -f "$STATE/trial.log"
}

cmd_disarm() {
	leave_trial
	settle_status
	say "running=$running"
}

# The kernel that failed goes, so that nobody meets it as the newest in the menu.
cmd_abandon() {
	leave_trial
	if record_read "$opt_release"; then remove_kernel "$opt_release"; fi
	settle_status
	unpin_if_last
	say "abandoned=$opt_release"
	say "running=$running"
}

# Without a uid_mem kernel there is nothing to pin: GRUB gets its former default back.
unpin_if_last() {
	if [ -n "$(records_newest_first)" ]; then
		make_menu "$running"
		return 0
	fi
	if [ -z "$state_original_grub_default" ]; then
		rm -rf "$STATE"
		return 0
	fi
	rm -f "$DEFAULTS_DROPIN" "$MENU_SCRIPT"
	make_menu "$running"
	if [ -n "$state_original_saved_entry" ]; then
		env_change set "saved_entry=$state_original_saved_entry"
	else
		env_change unset saved_entry
	fi
	rm -rf "$STATE"
	rmdir "${STATE%/*}" 2>/dev/null || true
}

cmd_uninstall() {
	need_root
	if record_read "$running"; then
		die "$running is a uid_mem kernel and is running: roll back to another one first (kernel_install_rollback_to)"
	fi
	if [ ! -d "$STATE" ]; then
		say "changed=no"
		return 0
	fi
	: >"$STATE/log"
	disarm_trial
	uninstall_entry=$(entry_of "$running")
	[ -n "$uninstall_entry" ] || die "GRUB has no menu entry for the running kernel $running: run update-grub"
	env_change set "saved_entry=$uninstall_entry"
	for uninstall_release in $(records_newest_first); do
		remove_kernel "$uninstall_release"
	done
	unpin_if_last
	say "changed=yes"
}

cmd_prune() {
	need_root
	: >"$STATE/log"
	prune "$opt_keep"
}

cmd_deadman() {
	need seconds
	sleep "$opt_seconds"
	{
		say "no proof within $opt_seconds seconds after boot of $(uname -r)"
		systemctl --failed --no-legend --plain 2>/dev/null
		systemctl list-jobs --no-legend 2>/dev/null | head -n 10
		ip -brief address 2>/dev/null
		kernel_log_tail 15
	} >"$STATE/trial.log" 2>&1 || true
	sync
	reboot -f || echo b >/proc/sysrq-trigger
}

# ---- on the controller ------------------------------------------------------------------------------

# Standard input: lines "SHA256  NAME" for the files to carry and to measure.
cmd_pack() {
	need artifacts image_deb output_dir key
	[ -d "$opt_artifacts" ] || die "no directory $opt_artifacts: build the kernel first (role kernel_build, make kernel)"
	mkdir -p "$opt_output_dir" || die "cannot make $opt_output_dir"
	sums=$(cat)
	pack_message=$(cd "$opt_artifacts" && printf '%s\n' "$sums" | sha256sum -c --quiet - 2>&1) ||
		die "artifacts in $opt_artifacts do not match manifest.json: $(printf '%s' "$pack_message" | tr '\n' ' '): build them anew, or copy them again"
	pack_program_sum=$(file_sum "$0")
	pack_output=$opt_output_dir/$opt_key-$(printf '%.12s' "$pack_program_sum").sh
	pack_changed=no
	if [ ! -e "$pack_output" ]; then
		pack_work=$(mktemp -d "$opt_output_dir/.pack-XXXXXX")
		trap 'rm -rf "$pack_work"' EXIT
		for pack_name in "$opt_image_deb" uid_mem.ko; do
			printf '%s\n' "$sums" | grep "  $pack_name\$" >>"$pack_work/SHA256SUMS" ||
				die "manifest.json has no checksum for $pack_name: build the artifacts anew"
		done
		{
			cat "$0"
			printf '__PAYLOAD_BELOW__\n'
			tar -cf - -C "$pack_work" SHA256SUMS -C "$opt_artifacts" "$opt_image_deb" uid_mem.ko
		} >"$pack_work/bundle"
		chmod 0755 "$pack_work/bundle"
		mv -f "$pack_work/bundle" "$pack_output"
		pack_changed=yes
	fi
	say "bundle=$pack_output"
	say "changed=$pack_changed"
	say "payload_bytes=$(wc -c <"$pack_output")"
	say "boot_bytes=$(cd "$opt_artifacts" && cat bzImage System.map config | wc -c)"
	say "program_sum=$pack_program_sum"
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
	parse_options "$@"
	case $command in
	status) cmd_status ;;
	preflight) cmd_preflight ;;
	install) cmd_install ;;
	trial) cmd_trial ;;
	reboot) cmd_reboot ;;
	prove) cmd_prove ;;
	abandon) cmd_abandon ;;
	disarm) cmd_disarm ;;
	prune) cmd_prune ;;
	uninstall) cmd_uninstall ;;
	deadman) cmd_deadman ;;
	pack) cmd_pack ;;
	*) bad_usage "unknown command '$command'" ;;
	esac
}

main "$@"
exit

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh

# Stands for the program kernel_install on a device that is the directory $DEVICE, where each fact is a file of "state".
# A word in its file "faults" makes a step go wrong: survey, preflight, install, trial, boot (the device falls back to its
# default), lost (it never answers after its reboot), prove, abandon. What it was asked is in "commands".

STATE=$DEVICE/state

say() { printf '%s\n' "$*"; }
get() { cat "$STATE/$1" 2>/dev/null || :; }
put() { printf '%s\n' "$2" >"$STATE/$1"; }
drop() { rm -f "$STATE/$1"; }
fault() { grep -qx "$1" "$DEVICE/faults" 2>/dev/null; }
die() {
	say "error=$*"
	exit "${status:-1}"
}

print_state() {
	say "running=$(get running)"
	say "boot_id=$(get boot_id)"
	say "status=$(get status)"
	say "default_release=$(get default)"
	say "previous_release=$(get previous)"
	say "trial_release=$(get armed)"
	if [ -n "$(get armed)" ] || [ -n "$(get waiting)" ]; then say reboot_required=yes; else say reboot_required=no; fi
}

is_ours() { grep -q "^$1:" "$STATE/kernels" 2>/dev/null; }

plan() {
	if ! is_ours "$release"; then
		say install
	elif [ "$(get running)" = "$release" ] && [ "$(get default)" = "$release" ]; then
		say none
	elif [ "$(get running)" = "$release" ]; then
		say prove
	elif [ "$(get armed)" = "$release" ]; then
		say none
	else
		say trial
	fi
}

cmd_survey() {
	! fault survey || die 'the survey went wrong'
	print_survey
}

print_survey() {
	print_state
	say "arch=$(get arch)"
	say "config_path=$DEVICE/config"
	say "config_sum=$(sha256sum <"$DEVICE/config" | cut -c1-64)"
	if [ -e "$DEVICE/proc/uid_mem" ]; then
		if is_ours "$(get running)"; then say engine=hooks; else say engine=scan; fi
	else
		say engine=none
	fi
	if is_ours "$(get running)"; then say patched=yes; else say patched=no; fi
	say "kernels=$(tr '\n' ' ' <"$STATE/kernels" 2>/dev/null)"
	if is_ours "$(get running)" && [ "$(get default)" = "$(get running)" ]; then say settled=yes; else say settled=no; fi
	if [ -e "$STATE/no_grub" ]; then
		say can_install=no
		say 'cannot_install_because=it has no GRUB'
	else
		say can_install=yes
		say cannot_install_because=
	fi
	say failed=
	say "lock_owner=$(get owner)"
	say lock_age_seconds=0
	say newest_distribution_release=
	say last_rollout=
	say uptime_seconds=100
	say now_epoch=1000000000
	say modules=ext4 virtio_net
	say drivers=
	say filesystems=ext4
	say lsm=
	say dkms=
}

cmd_preflight() {
	print_survey
	! fault preflight || die 'there is no room'
	[ ! -e "$STATE/no_grub" ] || die 'it has no GRUB'
	say "action=$(plan)"
	say prune_first=no
}

cmd_install() {
	! fault install || die 'dpkg failed'
	say "$release:$key:$image_sum:$module_sum" >>"$STATE/kernels"
	put default "$(get running)"
	put armed "$release"
	put status trial
	if [ "$reboot" != now ]; then put waiting "$release"; fi
	say changed=yes
	print_state
}

cmd_trial() {
	! fault trial || die 'the menu could not be written'
	put default "$(get running)"
	put armed "$release"
	put status trial
	say changed=yes
	print_state
}

cmd_reboot() {
	say "boot_id=$(get boot_id)"
	put boot_id "boot-$(($(wc -l <"$DEVICE/commands")))"
	if [ -n "$(get armed)" ] && ! fault boot; then put running "$(get armed)"; else put running "$(get default)"; fi
	drop armed
	rm -rf "$DEVICE/proc/uid_mem"
	! fault lost || : >"$DEVICE/down"
}

cmd_prove() {
	# As with a real one, another kernel than expected has a status of its own.
	if [ "$(get running)" != "$release" ]; then status=3 && die "the device runs $(get running), not $release"; fi
	if fault prove; then status=4 && die 'the module cannot be loaded'; fi
	put previous "$(get default)"
	put default "$release"
	put status committed
	say changed=yes
	print_state
}

leave() {
	! fault abandon || die 'the trial cannot be left'
	if [ "$(get running)" = "$release" ] && [ "$(get default)" != "$release" ]; then
		drop armed
		status=6 && die "$release still runs"
	fi
	drop armed
	drop waiting
	put status "${1}"
	say changed=yes
	print_state
}

cmd_abandon() {
	leave failed
	sed -i "/^$release:/d" "$STATE/kernels"
}

command=$1
shift
say "$command $*" >>"$DEVICE/commands"
release='' key='' image_sum='' module_sum='' reboot=now
while [ $# -gt 1 ]; do
	case $1 in
	--release) release=$2 ;;
	--key) key=$2 ;;
	--image-sum) image_sum=$2 ;;
	--module-sum) module_sum=$2 ;;
	--reboot) reboot=$2 ;;
	esac
	shift 2
done
case $command in
survey) cmd_survey ;;
status)
	print_state
	say "kernels=$(sed 's/:.*//' "$STATE/kernels" 2>/dev/null | tr '\n' ' ')"
	;;
preflight) cmd_preflight ;;
install) cmd_install ;;
trial) cmd_trial ;;
reboot) cmd_reboot ;;
prove) cmd_prove ;;
abandon) cmd_abandon ;;
disarm) leave committed ;;
prune | uninstall) say changed=no ;;
*) die "the stand-in has no command '$command'" ;;
esac

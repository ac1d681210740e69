# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

parse_options() {
	opt_release='' opt_key='' opt_arch='' opt_image_sum='' opt_module_sum=''
	opt_installed_bytes=0 opt_boot_bytes=0 opt_payload_bytes=0 opt_headers_bytes=0 opt_remote_tmp='' opt_reserve_mib=32 opt_keep=2
	opt_initrd=auto opt_prune_first=no opt_reboot=now opt_retry_failed=no
	opt_panic_seconds=10 opt_trial_seconds=300 opt_settle_seconds=60 opt_expect=uid_mem
	opt_health_check='' opt_health_seconds=30 opt_allow_missing='' opt_not_boot='' opt_cause=''
	opt_lock_timeout=300 opt_owner='' opt_lease_seconds=1800 opt_take_over=''
	while [ $# -gt 0 ]; do
		case $1 in
		--help | -h)
			usage
			exit 0
			;;
		esac
		[ $# -ge 2 ] || bad_usage "unexpected argument or option without its value: '$1'"
		parse_option "$1" "$2"
		shift 2
	done
}

parse_option() {
	option_name=$(printf '%s' "${1#--}" | tr - _)
	case $1 in
	--release | --key | --arch | --image-sum | --module-sum) check_name "$1" "$2" ;;
	--installed-bytes | --boot-bytes | --payload-bytes | --headers-bytes | --reserve-mib | --trial-seconds | --settle-seconds | --lock-timeout)
		check_number "$1" "$2"
		;;
	--keep | --health-seconds | --lease-seconds) check_positive "$1" "$2" ;;
	--panic-seconds) check_positive "$1" "$2" "0 means no reboot" ;;
	--initrd) is_one_of "$2" auto yes no || bad_usage "--initrd takes auto, yes or no, not '$2'" ;;
	--prune-first | --retry-failed) check_yes_no "$1" "$2" ;;
	--reboot) is_one_of "$2" now staged forbidden || bad_usage "--reboot takes now, staged or forbidden, not '$2'" ;;
	--expect) is_one_of "$2" uid_mem any || bad_usage "--expect takes uid_mem or any, not '$2'" ;;
	--allow-missing)
		check_name "$1" "$2"
		opt_allow_missing="$opt_allow_missing $(printf '%s' "$2" | tr - _)"
		return 0
		;;
	--payload | --payload-sum)
		payload_option "$1" "$2"
		return 0
		;;
	--remote-tmp | --health-check | --not-boot | --cause | --owner | --take-over) ;;
	*) bad_usage "unknown option '$1'" ;;
	esac
	# The name is one of those above.
	eval "opt_$option_name=\$2"
}

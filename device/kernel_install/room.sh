# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

free_bytes() {
	df -P -k "$1" | awk 'NR == 2 { printf "%.0f", $4 * 1024 }'
}

# Empty where the file system makes inodes as it needs them.
free_inodes() {
	df -P -i "$1" 2>/dev/null | awk 'NR == 2 && $2 ~ /^[0-9]+$/ && $2 > 0 { printf "%.0f", $4 }'
}

mib_up() {
	printf '%s' "$((($1 + MIB - 1) / MIB))"
}

problem() {
	problems="$problems$*; "
}

# needs DIRECTORY BYTES INODES: adds up what is needed on each file system, by the first directory there that was named.
needs() {
	needs_directory=$1
	while [ ! -d "$needs_directory" ]; do needs_directory=$(dirname "$needs_directory"); done
	room_list=$(printf '%s\n' "$room_list" | awk -v directory="$1" -v mount="$(stat -c %m "$needs_directory")" -v bytes="$2" -v inodes="$3" '
		$1 == mount { $3 += bytes; $4 += inodes; seen = 1 }
		NF { printf "%s %s %.0f %.0f\n", $1, $2, $3, $4 }
		END { if (!seen) printf "%s %s %.0f %.0f\n", mount, mount == "/" || mount == directory ? mount : directory, bytes, inodes }')
}

check_rooms() {
	while read -r rooms_mount rooms_directory rooms_bytes rooms_inodes; do
		[ -n "$rooms_mount" ] || continue
		check_bytes "$rooms_mount" "$rooms_directory" "$rooms_bytes"
		check_inodes "$rooms_mount" "$rooms_directory" "$rooms_inodes"
	done <<-ROOMS
		$room_list
	ROOMS
}

# prunable_bytes MOUNT: what removing kernels that --keep allows to go frees there.
prunable_bytes() {
	for room_release in $(prunable "$((opt_keep - 1))"); do
		for room_path in "/lib/modules/$room_release" "$BOOT"/*-"$room_release"; do
			if [ -e "$room_path" ] && [ "$(stat -c %m "$room_path")" = "$1" ]; then du -sk "$room_path"; fi
		done
	done | awk '{ sum += $1 } END { printf "%.0f", sum * 1024 }'
}

# check_bytes MOUNT NAME NEEDED
check_bytes() {
	room_free=$(free_bytes "$1")
	if [ "$room_free" -ge "$3" ]; then return 0; fi
	if [ "$((room_free + $(prunable_bytes "$1")))" -ge "$3" ]; then
		prune_first=yes
		return 0
	fi
	case $2 in
	/ | "$BOOT")
		room_hint="remove old kernels there"
		if [ -n "$(prunable 1)" ]; then room_hint="$room_hint or set kernel_install_keep below $opt_keep"; fi
		room_hint="$room_hint, or lower kernel_install_reserve_mib (now $opt_reserve_mib)"
		;;
	*) room_hint="remove what is not needed there" ;;
	esac
	problem "$2 has $((room_free / MIB)) MiB free, $(mib_up "$3") MiB are needed: $room_hint"
}

check_inodes() {
	inodes_free=$(free_inodes "$1")
	if [ -z "$inodes_free" ] || [ "$inodes_free" -ge "$3" ]; then return 0; fi
	problem "$2 has $inodes_free inodes free, $3 are needed: remove files there (df -i $2; du --inodes -x $2 shows where they are)"
}

# Where Ansible puts the payload: ~ is the home of the user who logs in, not of root.
remote_tmp() {
	remote_user=${SUDO_USER:-$(id -un)}
	remote_home=$(getent passwd "$remote_user" 2>/dev/null | cut -d : -f 6)
	# shellcheck disable=SC2088 # it is to be replaced here
	case $opt_remote_tmp in
	'~' | '~/'*) printf '%s' "${remote_home:-${HOME:-/}}${opt_remote_tmp#\~}" ;;
	/*) printf '%s' "$opt_remote_tmp" ;;
	*) printf '%s' /tmp ;;
	esac
}

# Of a package its files are estimated: a module of a kernel has 30 KiB and more.
check_room() {
	initrd_bytes=0
	if [ "$opt_initrd" != no ] && [ -e "$BOOT/initrd.img-$running" ]; then
		initrd_bytes=$(stat -L -c %s "$BOOT/initrd.img-$running")
	fi
	room_list=''
	modules_bytes=$((opt_installed_bytes - opt_boot_bytes))
	if [ "$modules_bytes" -lt 0 ]; then modules_bytes=0; fi
	needs / "$((opt_reserve_mib * MIB))" 100
	needs /lib/modules "$modules_bytes" "$((modules_bytes / 32768 + 200))"
	if [ "$(stat -c %m "$BOOT")" = / ]; then needs / "$((opt_boot_bytes + initrd_bytes))" 10; else
		needs "$BOOT" "$((opt_boot_bytes + initrd_bytes + opt_reserve_mib * MIB))" 10
	fi
	needs "$(remote_tmp)" "$opt_payload_bytes" 10
	needs_headers
	# dpkg's database, our state; what makes an initial RAM disk unpacks it there.
	needs /var/lib "$((4 * MIB))" 100
	needs /var/tmp "$((MIB + 4 * initrd_bytes))" "$((initrd_bytes / 8192 + 20))"
	needs /tmp "$MIB" 20
	check_rooms
}

# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

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
	keep_file program "$HOME_DIR/$PROGRAM" 0755 <<TEXT
$(own_text)
TEXT
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


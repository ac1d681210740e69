#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Brings uid_memd, uid_memtop and their unit to a device. The role devfleet.uid_mem.uid_mem runs it; uid_mem.sh says
# when, and what follows: options, start. On the device it carries its payload behind its own text.
#
# What a caller is to read is printed as key=value lines on standard output. Exit status:
#   0  done
#   1  failed; error=... says why
#   2  wrong usage
set -eu
# adbd and su of Android leave it at 0.
umask 022

PROGRAM=daemon.sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin:${PATH:-}
LC_ALL=C
export PATH LC_ALL

PROGRAMS=/usr/local/sbin
UNIT=uid_memd.service
UNITS=/etc/systemd/system
RECORD=/usr/local/lib/uid_mem/daemon
PAYLOAD_MARK=__PAYLOAD_BELOW__

# Android, which has no systemd: the unit is left out there.
android=no
if [ -e /system/bin/sh ] && [ -d /data/local ]; then
	android=yes
	PROGRAMS=/data/local/uid_mem
	RECORD=$PROGRAMS/daemon
	PATH=/system/bin:$PATH
	export TMPDIR=/data/local/tmp
fi

usage() {
	cat <<USAGE
usage: $PROGRAM source-id USERSPACE
       $PROGRAM build USERSPACE DIRECTORY CROSS_COMPILE
       $PROGRAM place

  source-id  print the identity of the programs' source in USERSPACE
  build      build uid_memd and uid_memtop in DIRECTORY, and print the path of a copy of this program
             that carries them and their unit (on the controller)
  place      install what it carries (on the device, as root)
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

# 16 digits that change with each file that the programs and the unit are made from.
source_id() {
	(
		cd "$1"
		sha256sum -- Makefile uid_memd.service *.c *.h
	) | sha256sum | cut -c 1-16
}

# build USERSPACE DIRECTORY CROSS_COMPILE
cmd_build() {
	mkdir -p "$2"
	# Hosts of one play are here at the same time; the first one builds for all.
	exec 9>"$2/lock"
	flock 9
	if cmp -s -n "$(wc -c <"$0")" "$0" "$2/daemon.sh" && [ "$(cat "$2/id")" = "$(source_id "$1")" ]; then
		printf '%s\n' "$2/daemon.sh"
		return
	fi
	rm -f "$2/daemon.sh"
	make -s -C "$1" "CROSS_COMPILE=$3" "OUT=$2" "$2/uid_memd" "$2/uid_memtop" >&2
	cp "$1/$UNIT" "$2/$UNIT"
	source_id "$1" >"$2/id"
	(cd "$2" && sha256sum -- uid_memd uid_memtop "$UNIT" id >SHA256SUMS)
	build_new=$(mktemp "$2/.bundle-XXXXXX")
	trap 'rm -f "$build_new"' EXIT
	{
		cat "$0"
		printf '%s\n' "$PAYLOAD_MARK"
		tar -czf - -C "$2" uid_memd uid_memtop "$UNIT" id SHA256SUMS
	} >"$build_new"
	chmod 0755 "$build_new"
	mv -f "$build_new" "$2/daemon.sh"
	printf '%s\n' "$2/daemon.sh"
}

# install_file FILE DIRECTORY MODE: in one step, also where the old one runs.
install_file() {
	if ! { mkdir -p "$2" && cp "$place_work/$1" "$2/.$1.new" && chmod "$3" "$2/.$1.new" && mv -f "$2/.$1.new" "$2/$1"; }; then
		die "$2/$1 cannot be written: see that $2 is writable and has room"
	fi
}

cmd_place() {
	[ "$(id -u)" -eq 0 ] || die "not root: set 'become: true' for this host"
	place_line=$(sed -n "/^$PAYLOAD_MARK\$/{=;q;}" "$0")
	[ -n "$place_line" ] || die "this copy of $PROGRAM carries no programs: make one with 'build'"
	place_work=$(mktemp -d)
	trap 'rm -rf "$place_work"' EXIT
	tail -n "+$((place_line + 1))" "$0" | zcat | tar -xf - -C "$place_work" || true
	(cd "$place_work" && sha256sum -c --status SHA256SUMS >/dev/null 2>&1) ||
		die "the copied files are damaged or / is full: run it again"
	install_file uid_memd "$PROGRAMS" 0755
	install_file uid_memtop "$PROGRAMS" 0755
	place_unit=''
	if [ "$android" = no ]; then
		install_file "$UNIT" "$UNITS" 0644
		place_unit=$UNITS/$UNIT
	fi
	mkdir -p "${RECORD%/*}"
	{
		cat "$place_work/id"
		sha256sum -- "$PROGRAMS/uid_memd" "$PROGRAMS/uid_memtop" ${place_unit:+"$place_unit"}
	} >"$RECORD.new"
	mv -f "$RECORD.new" "$RECORD"
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload
		# Starts again with the options that come next.
		systemctl stop "$UNIT" 2>/dev/null || true
	fi
	# Started again by whoever keeps it running.
	if [ "$android" = yes ] && [ -s /dev/uid_memd.pid ]; then kill "$(cat /dev/uid_memd.pid)" 2>/dev/null || true; fi
	say changed=yes
}

[ $# -gt 0 ] || bad_usage "which command?"
case $1 in
--help | -h) usage ;;
source-id)
	[ $# -eq 2 ] || bad_usage "source-id takes USERSPACE"
	source_id "$2"
	;;
build)
	[ $# -eq 4 ] || bad_usage "build takes USERSPACE, DIRECTORY and CROSS_COMPILE"
	cmd_build "$2" "$3" "$4"
	;;
place) cmd_place ;;
*) bad_usage "unknown command '$1'" ;;
esac
exit

#!/bin/sh
# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Builds uid_memd and uid_memtop, static programs, and packs them for the program daemon of device/. It runs on the
# controller.
set -eu

usage() {
	cat <<USAGE
usage: build_daemon.sh USERSPACE DIRECTORY CROSS_COMPILE
       build_daemon.sh --id USERSPACE

Builds the programs in USERSPACE, writes DIRECTORY/daemon.tar.gz and prints its path. With --id, prints the identity of their
source.
USAGE
}

misuse() {
	printf 'build_daemon.sh: %s (see build_daemon.sh --help)\n' "$*" >&2
	exit 2
}

# 16 digits that change with each file that the programs are made from.
source_id() {
	(
		cd "$1"
		sha256sum -- Makefile *.c *.h */*.c */*.h
	) | sha256sum | cut -c 1-16
}

case ${1-} in
--help | -h)
	usage
	exit 0
	;;
--id)
	[ $# -eq 2 ] || misuse "--id takes USERSPACE"
	source_id "$2"
	exit 0
	;;
esac
[ $# -eq 3 ] || misuse "it takes USERSPACE, DIRECTORY and CROSS_COMPILE"
mkdir -p "$2"
# Hosts of one play are here at the same time; the first one builds for all.
exec 9>"$2/lock"
flock 9
if [ -e "$2/daemon.tar.gz" ] && [ "$(cat "$2/id")" = "$(source_id "$1")" ]; then
	printf '%s\n' "$2/daemon.tar.gz"
	exit 0
fi
rm -f "$2/daemon.tar.gz"
make -s -C "$1" "CROSS_COMPILE=$3" "OUT=$2" "$2/uid_memd" "$2/uid_memtop" >&2
source_id "$1" >"$2/id"
tar -czf "$2/daemon.tar.gz.new" -C "$2" uid_memd uid_memtop id
mv -f "$2/daemon.tar.gz.new" "$2/daemon.tar.gz"
printf '%s\n' "$2/daemon.tar.gz"

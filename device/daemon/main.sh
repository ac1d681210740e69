# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# Brings uid_memd and uid_memtop to a device; the program uid_mem says when, and what follows: unit, options, start.
PROGRAM=daemon.sh

DAEMONS=/usr/local/sbin
# In the path of every user.
PROGRAMS=/usr/local/bin
UNIT=uid_memd.service
SERVICE_FILE=/etc/init.d/uid_memd
RECORD=/usr/local/lib/uid_mem/daemon
if [ "$android" = yes ]; then
	DAEMONS=/data/local/uid_mem
	PROGRAMS=$DAEMONS
	RECORD=$DAEMONS/daemon
fi

# take_command calls it.
# shellcheck disable=SC2317
usage() {
	cat <<USAGE
usage: $PROGRAM place --payload DIR
       $PROGRAM --help

  place      install what daemon.tar.gz in DIR carries, which build_daemon.sh makes on the controller; as root
USAGE
}

# install_file FILE DIRECTORY MODE: in one step, also where the old one runs.
install_file() {
	if ! { mkdir -p "$2" && cp "$place_work/$1" "$2/.$1.new" && chmod "$3" "$2/.$1.new" && mv -f "$2/.$1.new" "$2/$1"; }; then
		die "$2/$1 cannot be written: see that $2 is writable and has room"
	fi
}

cmd_place() {
	refuse_user
	check_payload
	place_work=$(mktemp -d)
	trap 'rm -rf "$place_work"' EXIT
	zcat <"$opt_payload/daemon.tar.gz" | tar -xf - -C "$place_work" || die "the copied files cannot be unpacked: is the device full?"
	install_file uid_memd "$DAEMONS" 0755
	install_file uid_memtop "$PROGRAMS" 0755
	mkdir -p "${RECORD%/*}"
	{
		cat "$place_work/id"
		sha256sum -- "$DAEMONS/uid_memd" "$PROGRAMS/uid_memtop"
	} >"$RECORD.new"
	mv -f "$RECORD.new" "$RECORD"
	if [ -d /run/systemd/system ]; then
		# Starts again with the options that come next.
		systemctl stop "$UNIT" 2>/dev/null || true
	elif [ -x "$SERVICE_FILE" ]; then
		"$SERVICE_FILE" stop >/dev/null 2>&1 || true
	fi
	# Started again by whoever keeps it running.
	if [ "$android" = yes ] && [ -s /dev/uid_memd.pid ]; then kill "$(cat /dev/uid_memd.pid)" 2>/dev/null || true; fi
	say changed=yes
}

take_command "$@"
shift
case $command in
place)
	while [ $# -gt 1 ] && payload_option "$1" "$2"; do shift 2; done
	[ $# -eq 0 ] || bad_usage "unexpected argument or option without its value: '$1'"
	cmd_place
	;;
*) bad_usage "unknown command '$command'" ;;
esac
exit

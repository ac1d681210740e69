# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# Keeps the module uid_mem loaded with its parameters, now and at boot, and restores the limits file at boot. A copy stays
# on the device for the boot. On a kernel as it comes from its distributor the module is built from a source tree, which
# the program stock brings.
PROGRAM=uid_mem.sh

PARAMETERS=/sys/module/uid_mem/parameters
HOME_DIR=/usr/local/lib/uid_mem
MODULES_LOAD=/etc/modules-load.d/uid_mem.conf
MODPROBE=/etc/modprobe.d/uid_mem.conf
UNIT=uid_mem-limits.service
UNIT_FILE=/etc/systemd/system/$UNIT
UNIT_WANTED=/etc/systemd/system/sysinit.target.wants/$UNIT
# Without systemd: a service script, of OpenRC or of sysvinit.
SERVICE=uid_mem-limits
SERVICE_FILE=/etc/init.d/$SERVICE
FACTS=/etc/ansible/facts.d/uid_mem.fact
# The daemon, whose programs the program daemon brings.
DAEMON=/usr/local/sbin/uid_memd
TOP=/usr/local/bin/uid_memtop
# Where it was before.
OLD_TOP=/usr/local/sbin/uid_memtop
DAEMON_UNIT=uid_memd.service
DAEMON_UNIT_FILE=/etc/systemd/system/$DAEMON_UNIT
DAEMON_DROP_IN=/etc/systemd/system/$DAEMON_UNIT.d/uid_mem.conf
DAEMON_WANTED=/etc/systemd/system/multi-user.target.wants/$DAEMON_UNIT
DAEMON_OPTIONS=/etc/uid_mem/uid_memd.env
DAEMON_RECORD=$HOME_DIR/daemon
DAEMON_SERVICE=uid_memd
DAEMON_SERVICE_FILE=/etc/init.d/$DAEMON_SERVICE
# What tells of a kill by mail or to a web hook, and its units.
NOTIFY=$HOME_DIR/notify
NOTIFY_CONFIGURATION=/etc/uid_mem/notify.conf
NOTIFY_SERVICE_FILE=/etc/systemd/system/uid_mem-notify.service
NOTIFY_PATH=uid_mem-notify.path
NOTIFY_PATH_FILE=/etc/systemd/system/$NOTIFY_PATH
NOTIFY_PATH_WANTED=/etc/systemd/system/multi-user.target.wants/$NOTIFY_PATH
DEFAULT_LIMITS=/etc/uid_mem/limits
# When limits end that are for a while; the program write_limits keeps it.
FOR_A_WHILE=/run/uid_mem.for

# A device with Android's user space has all of it in one directory, which outlasts upgrades of the system. What starts
# at boot is with a root manager (Magisk, KernelSU, APatch), or with init where its directories can be written to.
SERVICE_D=/data/adb/service.d
INIT_DIRECTORIES='/vendor/etc/init /system/etc/init'
DAEMON_PID=/dev/uid_memd.pid
SUPERVISOR_PID=/dev/uid_memd.supervisor
if [ "$android" = yes ]; then
	HOME_DIR=/data/local/uid_mem
	DEFAULT_LIMITS=$HOME_DIR/limits
	FOR_A_WHILE=/dev/uid_mem.for
	DAEMON=$HOME_DIR/uid_memd
	TOP=$HOME_DIR/uid_memtop
	OLD_TOP=$HOME_DIR/uid_memtop.none
	DAEMON_OPTIONS=$HOME_DIR/uid_memd.options
	DAEMON_RECORD=$HOME_DIR/daemon
fi

usage() {
	cat <<USAGE
usage: $PROGRAM COMMAND [OPTION VALUE]...
       $PROGRAM --help

Keeps the module uid_mem loaded, with its parameters, and restores the limits of users at boot.

  present    module loaded now and at boot, limits restored at boot
  absent     nothing of that, module unloaded; the limits file stays, unless --remove-limits is yes
  restore    write the limits file to $LIMITS (what $UNIT runs)
  boot       load the module and restore the limits (what an Android device runs)
  daemon     become uid_memd, with its options (Android)
  supervise  keep uid_memd running until it is removed (Android without init)

Options:
  --check yes|no         only say what would change (no)
  --diff yes|no          say what becomes of each file (no)
  --text NAME=TEXT       a unit or configuration, \\n for a line feed; the templates of the role have their names
  --limits-path FILE     limits file ($DEFAULT_LIMITS)
  --parameter NAME=VALUE module parameter; may be repeated
  --release RELEASE      kernel release the artifacts are for
  --module-sum SHA256    checksum of the module in the artifacts
  --source-id ID         identity of the source that the module of a stock kernel is to be built from
  --dkms yes|no          DKMS is to build the module for later stock kernels (yes)
  --daemon ID            uid_memd is to run; the identity of its source
  --daemon-textfile FILE uid_memd is to write metrics there
  --daemon-option WORD   an option of uid_memd; may be repeated
  --notify mail|webhook  kills are told so, as the text notify_configuration says; may be repeated
  --runtime-user NAME    the limit of this user is not in the limits file; may be repeated
  --remove-limits yes|no absent removes the limits file as well (no)
USAGE
}


# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# Puts a uid_mem kernel on a device beside the kernel that runs there, boots it once, and makes it the default only when
# it has proved itself. The device boots whenever its power is cut: every step leaves either the old or the new state
# behind, and the old kernel stays the default until "prove". README.md of the role says in which order things are
# written, and why.
#
# More exit statuses than base.sh has:
#   3  the device runs another kernel than the one that was to boot (it fell back)
#   4  the kernel runs, but it did not prove itself
#   6  the kernel to leave is still running: reboot first
#   7  another controller is at work on this device
#   8  the device has not rebooted yet
PROGRAM=kernel_install.sh

BOOT=/boot
GRUB=$BOOT/grub
STATE=/var/lib/uid_mem/kernel_install
UNIT=uid_mem-kernel-trial.service
UNITS=/etc/systemd/system
DEFAULTS_DROPIN=/etc/default/grub.d/zz_uid_mem.cfg
MENU_SCRIPT=/etc/grub.d/42_uid_mem
TRIAL_MENU=$GRUB/uid_mem.cfg
TRIAL_ID=uid_mem-trial
TRIAL_FLAG=uid_mem_trial
MIB=1048576

usage() {
	cat <<USAGE
usage: $PROGRAM COMMAND [OPTION VALUE]...
       $PROGRAM --help

Installs a uid_mem kernel beside the running one, boots it once, proves it, then makes it the default.
It runs on the device, as root (survey: as anybody).

  survey                what the device is, runs and has; changes nothing, on any kind of device
  preflight             can this kernel be installed here, and what is there to do? changes nothing
  install               bring kernel and module to the device; the running kernel stays the default
  trial                 boot --release once at the next reboot
  reboot                reboot in a second
  prove                 check the kernel that was booted for trial; make it the default
  abandon               remove the kernel whose trial failed, and all traces of the trial
  disarm                remove the traces of a trial, keep the kernel
  prune                 remove uid_mem kernels beyond --keep
  uninstall             remove every uid_mem kernel and give GRUB its former default back
  watch                 end a trial that is not proved in time (what the unit $UNIT runs)

Options:
  --release RELEASE     kernel release, as uname -r prints it
  --key KEY             what identifies the artifacts (manifest.json)
  --arch ARCH           machine the kernel is for, as uname -m prints it
  --image-sum SHA256    checksum of the kernel image
  --module-sum SHA256   checksum of uid_mem.ko
  --payload DIR         directory with the kernel package and uid_mem.ko, and the headers where DKMS is in use
  --payload-sum SHA256:NAME
                        checksum of a file there
  --payload-bytes N     size of package and module
  --headers-bytes N     size of the package of headers
  --installed-bytes N   what the package takes on /
  --boot-bytes N        what kernel image, symbol map and configuration take in /boot
  --remote-tmp DIR      where Ansible puts the payload, for preflight
  --reserve-mib N       room to leave on / and /boot (32)
  --keep N              uid_mem kernels to keep, the running one included (2)
  --prune-first yes|no  for install: make room first, by what --keep allows (preflight says prune_first=)
  --initrd auto|yes|no  build an initial RAM disk for the new kernel (auto: where root needs one)
  --reboot now|staged|forbidden
                        what follows install: the caller reboots (now); whoever reboots next, and the device proves the
                        kernel by itself (staged); nothing, not even at a reboot (forbidden)
  --retry-failed yes|no for preflight: also a kernel that failed its trial here before (no)
  --panic-seconds N     a kernel that panics during its trial reboots after N seconds (10)
  --trial-seconds N     a trial that is not proved after N seconds ends with a reboot (300)
  --settle-seconds N    how long services may take to get well once the device is up (60)
  --expect uid_mem|any  what to prove: our module works (default), or, for a rollback, only that the device is up
  --health-check COMMAND
                        what has to succeed on the device for the proof
  --health-seconds N    how long it may take (30)
  --allow-missing NAME  a module in use before that may be missing; may be repeated
  --not-boot ID         for prove: the device is to have rebooted since that boot
  --cause TEXT          for abandon, disarm: what failed
  --lock-timeout N      how long to wait for dpkg's lock (300)
  --owner OWNER         who holds the device's lock from now on
  --lease-seconds N     how long, from each command on (1800)
  --take-over OWNER     whose lock is void
USAGE
}

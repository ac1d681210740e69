# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# The module uid_mem on a kernel as it comes from its distributor: its source, the module that was built from it on the
# controller, DKMS that builds it for later kernels, and the packages this takes. The program uid_mem says when.
PROGRAM=stock.sh

STATE=$STOCK_STATE
LOG=$STATE/log

usage() {
	cat <<USAGE
usage: $PROGRAM COMMAND [OPTION VALUE]...
       $PROGRAM --help

Keeps the module uid_mem on a kernel as it comes from its distributor.

  place      source, and the module where it was built already, from the payload to their places
  dkms       DKMS has the module, now and for later kernels; packages it needs are installed
  packages   say which packages dkms would install; changes nothing
  remove     nothing of that is left

Option of place:
  --payload DIR              directory with stock.tar.gz, which pack_stock.sh makes on the controller

Option of dkms and packages:
  --install-packages yes|no  install what is missing (yes), or name it and fail
USAGE
}

parse_options() {
	opt_install_packages=yes
	while [ $# -gt 0 ]; do
		[ $# -ge 2 ] || bad_usage "unexpected argument or option without its value: '$1'"
		if ! payload_option "$1" "$2"; then
			case $1 in
			--install-packages)
				check_yes_no "$1" "$2"
				opt_install_packages=$2
				;;
			*) bad_usage "unknown option '$1'" ;;
			esac
		fi
		shift 2
	done
}

need_root() {
	refuse_user
	running=$(uname -r)
	arch=$(uname -m)
	[ "$command" != packages ] || return 0
	mkdir -p "$STATE"
	: >>"$LOG"
}

# logged COMMAND...: what it says goes to the log.
logged() {
	printf '== %s\n' "$*" >>"$LOG"
	"$@" >>"$LOG" 2>&1
}

log_tail() {
	tail -n "${1:-4}" "$LOG" | tr '\n' ';'
}


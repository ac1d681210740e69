# SPDX-FileCopyrightText: 2026 The uid_mem authors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154

# What read_limits and write_limits share. Both hold no single quotes, because each level of quoting (become, the
# shell of the connection) would make five characters of one, and use POSIX sh and its utilities only, so that dash,
# busybox and toybox with mksh (Android) all run them. What is not everywhere has a substitute: cksum (md5sum, ls),
# fsync (sync), fractions of a second in sleep (whole ones); chcon is needed only where files have a security context.
# All others are in Android since version 6, as the lists in its shell_and_utilities/README.md say. # Both take a
# directory that stands for / as their first argument; it is empty except in tests. The lines of a file are printed
# behind a bar, so that nothing in a file can pass for a line of the program itself.

# Tells whether a file is still the one that was read; busybox may be built without cksum.
sum_of() {
	cksum <"$1" 2>/dev/null || md5sum <"$1" 2>/dev/null || ls -lin "$1"
}

# The lines of a file as they were in one read, and how the read went.
show() {
	echo "begin $1"
	sed "s/^/|/" "$2" 2>/dev/null
	result=$?
	echo
	echo "end $1 $result"
}

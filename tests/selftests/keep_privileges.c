// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Stands in for sh and bash in the guest: starts bash with -p.  Without it, a
 * shell whose effective UID is not the real one makes them the same, and a test
 * that runs with the real UID of a user and the effective one of root is no
 * longer root in what its scripts and system() start.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHELL "/usr/lib/selftests/bash"

int main(int argc, char **argv)
{
	char **args = calloc(argc + 3, sizeof(*args));

	if (!args) {
		perror("calloc");
		return 126;
	}
	args[0] = argc ? argv[0] : "sh";
	args[1] = "-p";
	if (argc)
		memcpy(args + 2, argv + 1, argc * sizeof(*args));
	execv(SHELL, args);
	perror(SHELL);
	return 127;
}

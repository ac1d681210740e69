// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/* as_uid - run a program as another UID, without any privilege */
#define _GNU_SOURCE
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	uid_t uid;

	if (argc < 3 || argv[1][0] == '-') {
		fprintf(argc == 2 ? stdout : stderr,
			"usage: as_uid UID PROGRAM [ARGUMENT...]\n\n"
			"Runs PROGRAM as UID and the group of the same number. Exit status: that of the\n"
			"program; 126 when it cannot be run, 2 wrong arguments.\n");
		return argc == 2 ? 0 : 2;
	}
	uid = (uid_t)strtoul(argv[1], NULL, 10);
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid)) {
		perror("as_uid");
		return 126;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 126;
}

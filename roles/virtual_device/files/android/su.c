// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A su with the interface of Android's, for devices that are virtual:
 * su [USER[,GROUP...] [COMMAND ARGUMENT...]]; only root and UID 2000 may run it.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not by getpwnam(), which a static program cannot do. */
static struct passwd *user_by_name(const char *name)
{
	FILE *file = fopen("/etc/passwd", "r");
	struct passwd *entry = NULL;

	while (file && (entry = fgetpwent(file)) && strcmp(entry->pw_name, name))
		;
	return entry;
}

static int fail(const char *what)
{
	fprintf(stderr, "su: %s\n", what);
	return 1;
}

int main(int argc, char **argv)
{
	char *shell[] = { "sh", NULL };
	struct passwd *entry;
	unsigned long id = 0;
	char *end = "";

	if (getuid() != 0 && getuid() != 2000)
		return fail("not allowed");
	if (argc > 1) {
		entry = user_by_name(argv[1]);
		id = entry ? entry->pw_uid : strtoul(argv[1], &end, 10);
		if (*end)
			return fail("invalid uid/gid");
	}
	if (setgid(id) || setuid(id))
		return fail(strerror(errno));
	execvp(argc > 2 ? argv[2] : shell[0], argc > 2 ? argv + 2 : shell);
	return fail(strerror(errno));
}

/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The numbers of uid_mem's system calls. They are not in any C library, and a
 * kernel may have been built without them: it says so itself.
 */
#ifndef UID_MEM_FEATURES_H
#define UID_MEM_FEATURES_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEATURES_FILE	"/proc/uid_mem/features"

/*
 * The number of the system call @name. Where there is none, says why and what
 * to do, and returns -1.
 */
static inline long find_syscall(const char *program, const char *name)
{
	FILE *file = fopen(FEATURES_FILE, "re");
	char line[1024] = "", key[64], *field;

	if (!file) {
		fprintf(stderr, "%s: " FEATURES_FILE ": %s%s\n", program, strerror(errno),
			errno == ENOENT ? "; load the module with 'modprobe uid_mem'" : "");
		return -1;
	}
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);

	snprintf(key, sizeof(key), " nr_%s=", name);
	field = strstr(line, key);
	if (!field) {
		fprintf(stderr, "%s: this kernel has no system call %s: boot one with the patches of uid_mem "
			"and CONFIG_UID_MEM_SYSCALLS=y, or write to /proc/uid_mem instead\n", program, name);
		return -1;
	}
	return strtol(field + strlen(key), NULL, 10);
}

#endif

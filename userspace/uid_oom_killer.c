// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_oom_killer - one pass over all limited UIDs, by system call
 *
 * What writing the policy to /proc/uid_mem/scan does, for programs that were
 * written for the system call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "uid_mem_features.h"

#define NAME		"uid_oom_killer"

/* The number of a policy is its place here. */
static const char *const policies[] = { "highest_rss", "longest_run_time", "worst" };

#define NR_POLICIES	((int)(sizeof(policies) / sizeof(policies[0])))

static void print_help(void)
{
	printf("usage: " NAME " POLICY\n"
	       "\n"
	       "Has the kernel look at every UID that has a limit and, where one is above its\n"
	       "limit, kill the processes that POLICY chooses. Needs root.\n"
	       "\n"
	       "  POLICY   a number or a name:\n");
	for (int i = 0; i < NR_POLICIES; i++)
		printf("             %d  %s\n", i, policies[i]);
	printf("\n"
	       "Exit status: 0 done, 1 the kernel refused, 2 wrong arguments.\n");
}

/* Any number is passed on: which there are is for the kernel to say. -1: not a policy. */
static int parse_policy(const char *text)
{
	unsigned long number;

	for (int i = 0; i < NR_POLICIES; i++)
		if (!strcmp(text, policies[i]))
			return i;
	errno = 0;
	number = strtoul(text, NULL, 10);
	if (!*text || text[strspn(text, "0123456789")] || errno || number > INT_MAX)
		return -1;
	return (int)number;
}

static const char *advice(int error)
{
	switch (error) {
	case EPERM:
		return "; run it as root";
	case EINVAL:
		return "; the policies of this kernel are listed in " FEATURES_FILE;
	case ENOSYS:
		return "; load the module with 'modprobe uid_mem'";
	}
	return "";
}

int main(int argc, char **argv)
{
	int policy;
	long nr;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_help();
		return 0;
	}
	policy = argc == 2 ? parse_policy(argv[1]) : -1;
	if (policy < 0) {
		fprintf(stderr, argc == 2 ? NAME ": '%s' is not a policy\n" : NAME ": give one policy\n", argv[1]);
		fprintf(stderr, "Try '" NAME " --help'.\n");
		return 2;
	}
	nr = find_syscall(NAME, "uid_oom_killer");
	if (nr < 0)
		return 1;
	if (syscall(nr, policy)) {
		fprintf(stderr, NAME ": policy %d: %s%s\n", policy, strerror(errno), advice(errno));
		return 1;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/* Policies: who is killed.  A policy is a file policy_NAME.c and a line in policy.c. */
#ifndef UID_MEM_POLICY_H
#define UID_MEM_POLICY_H

#include <linux/types.h>

/**
 * struct uid_mem_candidate - a process that may be killed
 * @rss: file, anonymous and shared pages it has mapped
 * @runtime_ns: CPU time it has used, user and system, in ns
 */
struct uid_mem_candidate {
	unsigned long rss;
	u64 runtime_ns;
};

/**
 * struct uid_mem_policy - chooses the victim
 * @name: what limits and the module parameter call it
 * @badness: how good a victim the candidate is; the highest is killed, 0 never.
 *	     Called with the candidate's task lock held: must not sleep.
 */
struct uid_mem_policy {
	const char *name;
	u64 (*badness)(const struct uid_mem_candidate *candidate);
};

extern const struct uid_mem_policy uid_mem_policy_highest_rss;

unsigned int uid_mem_policy_resolve(unsigned int number);
const struct uid_mem_policy *uid_mem_policy_get(unsigned int number);
int uid_mem_policy_print_all(char *buf, size_t size);

#endif

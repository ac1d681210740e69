/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/*
 * Policies: which process is killed.  A policy is a file policy_NAME.c and a
 * line in policies.h, see docs/adding-a-policy.md.  Pure C: also built for user
 * space, see tests/.
 */
#ifndef UID_MEM_POLICY_H
#define UID_MEM_POLICY_H

#include "pure.h"

/**
 * struct uid_mem_candidate - a process that may be killed
 * @rss: file, anonymous and shared pages it has mapped
 * @swap: pages it has swapped out
 * @page_tables: pages its page tables take
 * @ram: pages the machine has
 * @runtime_ns: CPU time it has used, user and system, of threads that are gone
 *		as well, in ns
 * @start_ns: when it was started, on CLOCK_BOOTTIME, in ns
 * @oom_score_adj: what its /proc/PID/oom_score_adj says, -999 to 1000
 * @is_admin: it has CAP_SYS_ADMIN in the initial user namespace
 * @badness: what the policy made of it; set by uid_mem_policy_rate()
 */
struct uid_mem_candidate {
	unsigned long rss;
	unsigned long swap;
	unsigned long page_tables;
	unsigned long ram;
	u64 runtime_ns;
	u64 start_ns;
	int oom_score_adj;
	bool is_admin;
	u64 badness;
};

/**
 * struct uid_mem_policy - chooses the victim
 * @name: what limits and the module parameter call it
 * @badness: how good a victim the candidate is; the highest is killed, 0 never.
 *	     Only looks at the candidate, and must not sleep.
 */
struct uid_mem_policy {
	const char *name;
	u64 (*badness)(const struct uid_mem_candidate *candidate);
};

#define POLICY(name) extern const struct uid_mem_policy uid_mem_policy_##name;
#include "policies.h"
#undef POLICY

unsigned int uid_mem_policy_resolve(unsigned int number);
const struct uid_mem_policy *uid_mem_policy_get(unsigned int number);
int uid_mem_policy_set_default(const char *name, size_t len);
int uid_mem_policy_print_all(char *buf, size_t size);

void uid_mem_policy_rate(const struct uid_mem_policy *policy,
			 struct uid_mem_candidate *candidate);
bool uid_mem_candidate_is_worse(const struct uid_mem_candidate *candidate,
				const struct uid_mem_candidate *than);

#endif

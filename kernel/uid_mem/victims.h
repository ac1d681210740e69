/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
#ifndef UID_MEM_VICTIMS_H
#define UID_MEM_VICTIMS_H

#include "policy.h"

struct mm_struct;
struct task_struct;
struct uid_mem_user;

/**
 * struct uid_mem_process - a process on an address space of a UID
 * @task: the process, with a reference
 * @mm: the address space, with a reference on the structure
 * @candidate: what the policy knows of it, and made of it; of badness 0 where
 *	       it cannot be killed, or only for those it shares @mm with
 * @pages: what @mm counts against a limit with the metric of the UID
 * @is_owned: @mm counts against the limit, and is that of the process
 * @is_dying: it has been killed or exits
 * @is_exempt: it must not be killed
 * @gets_on: it is dying, and a thread of it runs or waits for a CPU
 */
struct uid_mem_process {
	struct task_struct *task;
	struct mm_struct *mm;
	struct uid_mem_candidate candidate;
	long pages;
	bool is_owned;
	bool is_dying;
	bool is_exempt;
	bool gets_on;
};

/**
 * struct uid_mem_victim - an address space that a kill frees
 * @worst: the worst of its processes
 * @nr: how many there are, from @worst on
 * @pages: what it counts against the limit
 */
struct uid_mem_victim {
	struct uid_mem_process *worst;
	unsigned int nr;
	long pages;
};

/**
 * struct uid_mem_victims - the processes of a UID that can be killed
 * @user: the UID
 * @policy: ranks them
 * @processes: all that run on an address space of the UID
 * @nr: how many
 * @room: for how many there is room
 * @victims: the address spaces that kills free, the worst first
 * @nr_victims: how many
 * @exempt_pages: what counts against the limit and no kill frees: a process that
 *		  must not be killed runs on it
 * @blocker: the largest of these, or else of what is dying and does not go
 * @blocker_pages: what it counts
 * @found_dying: less counts than did before: read usage again
 * @err: no memory for the list
 */
struct uid_mem_victims {
	struct uid_mem_user *user;
	const struct uid_mem_policy *policy;
	struct uid_mem_process *processes;
	unsigned int nr;
	unsigned int room;
	struct uid_mem_victim *victims;
	unsigned int nr_victims;
	long exempt_pages;
	const struct uid_mem_process *blocker;
	long blocker_pages;
	bool found_dying;
	int err;
};

int uid_mem_victims_find(struct uid_mem_victims *v, struct uid_mem_user *user,
			 const struct uid_mem_policy *policy);
void uid_mem_victims_put(struct uid_mem_victims *v);
bool uid_mem_victim_kill(struct uid_mem_user *user,
			 const struct uid_mem_victim *victim);
bool uid_mem_victim_term(struct uid_mem_user *user,
			 const struct uid_mem_victim *victim);

#endif

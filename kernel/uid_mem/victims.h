/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
#ifndef UID_MEM_VICTIMS_H
#define UID_MEM_VICTIMS_H

#include "policy.h"

struct mm_struct;
struct task_struct;
struct uid_mem_user;

/**
 * struct uid_mem_victim - a process that was chosen
 * @task: the process, with a reference, or NULL
 * @mm: its address space, with a reference on the structure
 * @candidate: what the policy knew of it, and made of it
 */
struct uid_mem_victim {
	struct task_struct *task;
	struct mm_struct *mm;
	struct uid_mem_candidate candidate;
};

bool uid_mem_victim_choose(struct uid_mem_user *user,
			   const struct uid_mem_policy *policy,
			   struct uid_mem_victim *victim);
bool uid_mem_victim_kill(struct uid_mem_user *user,
			 const struct uid_mem_victim *v);
void uid_mem_victim_put(struct uid_mem_victim *v);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/* What the engine "hooks" keeps for each UID. */
#ifndef UID_MEM_ENGINE_HOOKS_H
#define UID_MEM_ENGINE_HOOKS_H

#include <linux/cred.h>
#include <linux/uid_mem.h>

/**
 * struct uid_mem_account - what the processes of a UID use
 * @live: its address spaces, as far as they count against the limit
 * @dying: those whose processes have been killed or exit, until they are gone
 * @held_at: when the time began in which its tasks may sleep in the kernel
 */
struct uid_mem_account {
	struct uid_mem_acct live;
	struct uid_mem_acct dying;
	atomic64_t held_at;
};

/*
 * The UID whose budget some credentials use: it changes with the real UID only
 * where that takes privileges.
 */
static inline kuid_t uid_mem_engine_uid(const struct cred *cred)
{
	return cred->uid_mem_uid;
}

/* reaper.c */
void uid_mem_reaper_add(struct mm_struct *mm);
void uid_mem_reaper_exit(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/* What the engine "scan" keeps for each UID. */
#ifndef UID_MEM_ENGINE_SCAN_H
#define UID_MEM_ENGINE_SCAN_H

#include <linux/atomic.h>
#include <linux/cred.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mm_types_task.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* Whether a look has been asked for since the last one, and of whom. */
enum scan_called {
	SCAN_NOT_CALLED,
	SCAN_CALLED_LOOKER,
	SCAN_CALLED_SECOND,
	SCAN_CALLED_RESCUER,
};

/**
 * struct uid_mem_account - what the processes of a UID use, in pages
 * @look: in the list of a CPU (struct scan_looker) while @queued
 * @queued: a look at once has been asked for and has not begun
 * @lock: protects what follows
 * @mms: its address spaces (struct scan_mm)
 * @nr: how many
 * @nr_kept: how many the last sweep left
 * @members: which MM counters count, as bits
 * @counts: all MM counters of what counts against the limit, and of what is on
 *	    its way out
 * @charged: those of them in @members
 * @lower: look at the UID when the former is below
 * @upper: look at the UID when the former is above
 * @peak: largest sum of both seen
 * @ignore: an address space may change by this much before it is charged
 * @called_at: when a look has been asked for, in jiffies
 * @called: whether that has been since the last one
 * @close: so little is left that it has been looked at for that
 * @active: something was charged since the last look
 * @dead: nothing is charged any more
 */
struct uid_mem_account {
	struct llist_node look;
	atomic_t queued;
	spinlock_t lock; /* what follows */
	struct list_head mms;
	unsigned int nr;
	unsigned int nr_kept;
	unsigned int members;
	long counts[2][NR_MM_COUNTERS];
	long charged[2];
	long lower;
	long upper;
	long peak;
	long ignore;
	unsigned long called_at;
	enum scan_called called;
	bool close;
	bool active;
	bool dead;
};

/* The kernel does not say whose budget some credentials use. */
static inline kuid_t uid_mem_engine_uid(const struct cred *cred)
{
	return INVALID_UID;
}

#endif

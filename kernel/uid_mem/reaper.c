// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Taking its memory from a process that does not get to its end
 *
 * A victim may be stopped by its tracer on its way out, or wait for a file
 * system that does not answer.  What is left of it after a while is reaped, as
 * the kernel's OOM reaper would.  Most are gone before that, and have had the
 * time to release their robust futexes, which needs their memory.
 */

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "uid_mem.h"

/* How long a process is given to go by itself, and between two tries. */
#define REAP_DELAY	(HZ / 20)
#define REAP_TRIES	20

/**
 * struct reap - an address space that is to be reaped
 * @node: place in the list
 * @mm: the address space, with a reference on the structure
 * @when: when to do so, in jiffies
 * @tries: how often to try it yet
 */
struct reap {
	struct list_head node;
	struct mm_struct *mm;
	unsigned long when;
	unsigned int tries;
};

static void reap_fn(struct work_struct *work);

static LIST_HEAD(reaps);	/* by @when; under reaps_lock */
static DEFINE_SPINLOCK(reaps_lock);
static DECLARE_DELAYED_WORK(reap_work, reap_fn);

static void add_reap(struct reap *reap)
{
	reap->when = jiffies + REAP_DELAY;
	spin_lock(&reaps_lock);
	list_add_tail(&reap->node, &reaps);
	spin_unlock(&reaps_lock);
	schedule_delayed_work(&reap_work, REAP_DELAY);
}

static void free_reap(struct reap *reap)
{
	mmdrop(reap->mm);
	kfree(reap);
}

/* The next one whose time has come; arranges for the one after it. */
static struct reap *next_reap(void)
{
	struct reap *reap;

	spin_lock(&reaps_lock);
	reap = list_first_entry_or_null(&reaps, struct reap, node);
	if (reap && time_before(jiffies, reap->when)) {
		schedule_delayed_work(&reap_work, reap->when - jiffies);
		reap = NULL;
	}
	if (reap)
		list_del(&reap->node);
	spin_unlock(&reaps_lock);
	return reap;
}

static void reap_fn(struct work_struct *work)
{
	struct reap *reap;

	while ((reap = next_reap())) {
		if (uid_mem_reap(reap->mm) || !--reap->tries)
			free_reap(reap);
		else
			add_reap(reap);
	}
}

/**
 * uid_mem_reaper_add - reap an address space unless it is gone soon
 * @mm: the address space, all processes of which have been killed or exit; the
 *	caller holds a reference on the structure
 *
 * Does not sleep.  Without memory for it the address space goes when its
 * processes do.
 */
void uid_mem_reaper_add(struct mm_struct *mm)
{
	struct reap *reap = kmalloc(sizeof(*reap), GFP_NOWAIT | __GFP_NOWARN);

	if (!reap)
		return;
	mmgrab(mm);
	reap->mm = mm;
	reap->tries = REAP_TRIES;
	add_reap(reap);
}

/** uid_mem_reaper_exit - forget what is to be reaped; nothing is added any more */
void uid_mem_reaper_exit(void)
{
	struct reap *reap, *next;

	cancel_delayed_work_sync(&reap_work);
	list_for_each_entry_safe(reap, next, &reaps, node)
		free_reap(reap);
}

// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Address spaces on their way out
 *
 * What is dying does not count against the limit for a moment, so that nobody
 * else dies for memory that is about to be free.  A victim may hang, though: in
 * the hands of a tracer, or in an uninterruptible sleep.  What still has memory
 * after some looks is overdue, and counts again until it is free.
 *
 * Looks are counted, and not only time: a machine that stands still for a while
 * and then goes on has given the victim no time, either.
 *
 * Everything here is under uid_mem_user::mutex.
 */

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "dying.h"
#include "metric.h"
#include "uid_mem.h"

/* Overdue after so many looks, so far apart: 150 ms. */
#define LOOKS		5
#define LOOK_INTERVAL	msecs_to_jiffies(30)

/*
 * With its last user gone it is being freed, by a task that no walk finds and
 * that may have to wait for a CPU: a second.
 */
#define LOOKS_GONE	33

/* How often to look whether what is overdue is free. */
#define OVERDUE_LOOK	msecs_to_jiffies(250)

/**
 * struct dying_mm - an address space on its way out
 * @list: in uid_mem_user::dying
 * @mm: the address space, with a reference on the structure
 * @looked_at: when it was last looked at, in jiffies
 * @looks: how often it still had memory
 */
struct dying_mm {
	struct list_head list;
	struct mm_struct *mm;
	unsigned long looked_at;
	unsigned int looks;
};

static bool is_overdue(const struct dying_mm *d)
{
	return d->looks >= (atomic_read(&d->mm->mm_users) ? LOOKS : LOOKS_GONE);
}

static void remove(struct dying_mm *d)
{
	list_del(&d->list);
	mmdrop(d->mm);
	kfree(d);
}

/**
 * uid_mem_dying_add - an address space is on its way out from now on
 * @user: the UID it counts to
 * @mm: the address space; the caller holds a reference on the structure
 *
 * Without memory to remember it, it never counts again.
 */
void uid_mem_dying_add(struct uid_mem_user *user, struct mm_struct *mm)
{
	struct dying_mm *d = kmalloc(sizeof(*d), GFP_KERNEL);

	uid_mem_engine_set_dying(mm);
	WRITE_ONCE(user->dying_at, jiffies);
	if (!d)
		return;
	mmgrab(mm);
	*d = (struct dying_mm) { .mm = mm, .looked_at = jiffies };
	list_add_tail(&d->list, &user->dying);
}

/**
 * uid_mem_dying_overdue - look at what is dying
 * @user: the UID
 *
 * Return: pages of what should have been free by now.
 */
long uid_mem_dying_overdue(struct uid_mem_user *user)
{
	struct dying_mm *d, *next;
	long overdue = 0;

	list_for_each_entry_safe(d, next, &user->dying, list) {
		long pages = uid_mem_metric_pages(user->limit.metric, d->mm);

		if (pages <= 0) {
			remove(d);
			continue;
		}
		if (time_after_eq(jiffies, d->looked_at + LOOK_INTERVAL)) {
			d->looked_at = jiffies;
			d->looks++;
		}
		if (is_overdue(d))
			overdue += pages;
	}
	return overdue;
}

/**
 * uid_mem_dying_excuse - give what is overdue and gets on more time
 * @user: the UID
 * @gets_on: says whether an address space does
 * @data: handed on to it
 *
 * Return: true when there was any, so that less is overdue now.
 */
bool uid_mem_dying_excuse(struct uid_mem_user *user,
			  bool (*gets_on)(struct mm_struct *mm, void *data),
			  void *data)
{
	struct dying_mm *d;
	bool excused = false;

	list_for_each_entry(d, &user->dying, list) {
		if (is_overdue(d) && gets_on(d->mm, data)) {
			d->looks = 0;
			excused = true;
		}
	}
	return excused;
}

/**
 * uid_mem_dying_next_look - when to look again
 * @user: the UID
 *
 * Return: in how many jiffies, or 0 if nothing is dying.
 */
unsigned long uid_mem_dying_next_look(const struct uid_mem_user *user)
{
	struct dying_mm *d;

	list_for_each_entry(d, &user->dying, list)
		if (!is_overdue(d))
			return LOOK_INTERVAL;
	return list_empty(&user->dying) ? 0 : OVERDUE_LOOK;
}

/**
 * uid_mem_dying_forget - give up all references
 * @user: the UID, which nobody looks at any more
 */
void uid_mem_dying_forget(struct uid_mem_user *user)
{
	struct dying_mm *d, *next;

	list_for_each_entry_safe(d, next, &user->dying, list)
		remove(d);
}

// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * The footprint of a UID: what its processes take, by share
 *
 * What the engine charges, anonymous pages and those in swap for each address space
 * that maps them, is the most that it can be.  While that and the page tables are
 * within the limit nothing needs to be walked, and for a UID that shares nothing it
 * is the footprint.
 */

#include <linux/ktime.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "footprint.h"
#include "metric.h"
#include "share.h"
#include "uid_mem.h"

/* How long to wait in all for address spaces that are locked, in microseconds. */
#define PATIENCE_US	10000

/* Room for address spaces that come while they are listed. */
#define MORE_MMS	16U

/* List the address spaces that count, with references. */
static struct mm_struct **list_mms(struct uid_mem_user *user, unsigned int *nr)
{
	struct mm_struct **mms = NULL;
	unsigned int room = 0;

	*nr = uid_mem_engine_list(user, NULL, 0);
	while (*nr > room || !mms) {
		room = *nr + MORE_MMS;
		kvfree(mms);
		mms = kvmalloc_array(room, sizeof(*mms), GFP_KERNEL);
		if (!mms)
			return NULL;
		*nr = uid_mem_engine_list(user, mms, room);
	}
	return mms;
}

static void put_mms(struct mm_struct **mms, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		mmdrop(mms[i]);
	kvfree(mms);
}

/* Do other address spaces count now, or in another order? */
static bool have_changed(struct uid_mem_user *user, struct mm_struct **mms,
			 unsigned int nr)
{
	unsigned int now_nr;
	struct mm_struct **now = list_mms(user, &now_nr);
	bool changed;

	if (!now)
		return true;
	changed = now_nr != nr || memcmp(now, mms, nr * sizeof(*mms));
	put_mms(now, now_nr);
	return changed;
}

/**
 * struct uid_mem_known - the shares of address spaces as the last walk found them
 * @nr: how many
 * @mms: the address spaces, with references on the structures
 * @mms.share: the share, in pages
 * @mms.bound: what the counters were, in pages
 */
struct uid_mem_known {
	unsigned int nr;
	struct uid_mem_known_mm {
		struct mm_struct *mm;
		long share;
		long bound;
	} mms[];
};

/* Lists have the same order, so *@at is near. */
static const struct uid_mem_known_mm *find_known(const struct uid_mem_known *known,
						 const struct mm_struct *mm,
						 unsigned int *at)
{
	unsigned int i;

	for (i = 0; known && i < known->nr; i++) {
		unsigned int n = (*at + i) % known->nr;

		if (known->mms[n].mm == mm) {
			*at = n;
			return &known->mms[n];
		}
	}
	return NULL;
}

/*
 * The share of an address space that is locked: what it was, and all that has been
 * charged since.
 */
static long guess(const struct uid_mem_known_mm *was, long bound)
{
	return was ? was->share + max(bound - was->bound, 0L) : bound;
}

/* Is a fork() copying from an address space, or to it? */
static bool is_forking(struct mm_struct *mm, struct mm_struct **mms, unsigned int nr)
{
	unsigned int i;

	if (uid_mem_is_forked_from(mm))
		return true;
	for (i = 0; i < nr; i++)
		if (uid_mem_is_forked_from(mms[i]) == mm)
			return true;
	return false;
}

static void know(struct uid_mem_known *known, struct mm_struct *mm, long share,
		 long bound)
{
	mmgrab(mm);
	known->mms[known->nr++] = (struct uid_mem_known_mm) {
		.mm = mm,
		.share = share,
		.bound = bound,
	};
}

/*
 * The oldest first: where a child comes or goes meanwhile, what it shares with its parent
 * is counted once or by half, and not twice.  Those that are locked come last.  Returns
 * how many these are; they are the first of @mms then.
 */
static unsigned int add_shares(struct uid_mem_footprint *f, struct mm_struct **mms,
			       unsigned int nr, struct uid_mem_known *now)
{
	unsigned int patience_us = PATIENCE_US, locked = 0, i;

	for (i = 0; i < nr; i++) {
		long bound = uid_mem_metric_bound(UID_MEM_METRIC_FOOTPRINT, mms[i]);
		long share = uid_mem_share(mms[i], &patience_us);

		if (share == -ESRCH) {
			f->changed = true;
		} else if (share < 0) {
			swap(mms[locked], mms[i]);
			locked++;
		} else {
			f->pages += min(share, bound);
			know(now, mms[i], min(share, bound), bound);
		}
		cond_resched();
	}
	return locked;
}

/*
 * A fork() takes nothing that counts by share, and those that it has locked take nothing
 * meanwhile.  Its child may be new.
 */
static void add_locked(struct uid_mem_user *user, struct uid_mem_footprint *f,
		       struct mm_struct **mms, unsigned int nr,
		       struct uid_mem_known *now)
{
	unsigned int listed_nr, at = 0, i;
	struct mm_struct **listed = list_mms(user, &listed_nr);

	for (i = 0; i < nr; i++) {
		long bound = uid_mem_metric_bound(UID_MEM_METRIC_FOOTPRINT, mms[i]);
		long share = guess(find_known(user->known, mms[i], &at), bound);

		share = min(share, bound);
		if (listed && is_forking(mms[i], listed, listed_nr))
			f->forking += share;
		else
			f->pages += share;
		know(now, mms[i], share, bound);
		f->guessed = true;
	}
	if (listed)
		put_mms(listed, listed_nr);
}

static void walk_all(struct uid_mem_user *user, struct uid_mem_footprint *f,
		     struct mm_struct **mms, unsigned int nr,
		     struct uid_mem_known *now)
{
	bool frees = uid_mem_engine_frees(user);
	u64 start = ktime_get_ns();
	unsigned int locked = add_shares(f, mms, nr, now);

	if (locked)
		add_locked(user, f, mms, locked, now);
	f->took_ns = ktime_get_ns() - start;
	/* What is being freed still shares with others. */
	f->changed |= frees || uid_mem_engine_frees(user) ||
		      (!locked && have_changed(user, mms, nr));
	uid_mem_footprint_forget(user);
	user->known = now;
}

/**
 * uid_mem_footprint_forget - forget what the last walk found
 * @user: the UID
 */
void uid_mem_footprint_forget(struct uid_mem_user *user)
{
	unsigned int i;

	if (!user->known)
		return;
	for (i = 0; i < user->known->nr; i++)
		mmdrop(user->known->mms[i].mm);
	kvfree(user->known);
	user->known = NULL;
}

/**
 * uid_mem_footprint - sum what the live processes of a UID take
 * @user: the UID
 * @charged: what the engine has summed, in pages
 * @level: shares are not read if it can only be below this many pages
 * @f: set to it
 *
 * Sleeps.
 *
 * Return: 0 or -ENOMEM.
 */
int uid_mem_footprint(struct uid_mem_user *user, long charged, long level,
		      struct uid_mem_footprint *f)
{
	struct uid_mem_known *now = NULL;
	struct mm_struct **mms;
	unsigned int nr, i;
	long tables = 0;
	bool walks;

	mms = list_mms(user, &nr);
	if (!mms)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		tables += uid_mem_page_tables(mms[i]);
	walks = charged + tables > level;
	if (walks) {
		now = kvmalloc(struct_size(now, mms, nr), GFP_KERNEL);
		if (!now) {
			put_mms(mms, nr);
			return -ENOMEM;
		}
		now->nr = 0;
	}
	*f = (struct uid_mem_footprint) {
		.walked = walks,
		.pages = walks ? tables : charged + tables,
	};
	if (walks)
		walk_all(user, f, mms, nr, now);
	put_mms(mms, nr);
	return 0;
}

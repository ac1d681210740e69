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

static void add_shares(struct uid_mem_footprint *f, struct mm_struct **mms,
		       unsigned int nr)
{
	unsigned int patience_us = PATIENCE_US, i;

	for (i = 0; i < nr; i++) {
		long bound = uid_mem_metric_bound(UID_MEM_METRIC_FOOTPRINT, mms[i]);
		long share = uid_mem_share(mms[i], &patience_us);

		f->pages += share < 0 ? bound : min(share, bound);
		f->least += share < 0 ? 0 : min(share, bound);
		cond_resched();
	}
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
	struct mm_struct **mms;
	unsigned int nr, i;
	long tables = 0;
	u64 start;

	mms = list_mms(user, &nr);
	if (!mms)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		tables += uid_mem_page_tables(mms[i]);
	*f = (struct uid_mem_footprint) {
		.walked = charged + tables > level,
		.pages = tables,
		.least = tables,
	};
	if (f->walked) {
		start = ktime_get_ns();
		add_shares(f, mms, nr);
		f->took_ns = ktime_get_ns() - start;
	} else {
		f->pages += charged;
		f->least += charged;
	}
	for (i = 0; i < nr; i++)
		mmdrop(mms[i]);
	kvfree(mms);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/* What a metric is made of: counters of an address space */

#include <linux/bits.h>

#include "compat.h"
#include "grammar.h"
#include "metric.h"
#include "share.h"

/* How long to wait for an address space that is locked, in microseconds. */
#define PATIENCE_US	2000

/**
 * uid_mem_metric_members - the MM counters that a metric adds up
 * @metric: the metric
 *
 * Return: a bit for each.
 */
unsigned int uid_mem_metric_members(unsigned int metric)
{
	static const unsigned int members[UID_MEM_NR_METRICS] = {
		[UID_MEM_METRIC_RSS] = BIT(MM_FILEPAGES) | BIT(MM_ANONPAGES) |
				       BIT(MM_SHMEMPAGES),
		[UID_MEM_METRIC_ANON] = BIT(MM_ANONPAGES) | BIT(MM_SWAPENTS),
		[UID_MEM_METRIC_FOOTPRINT] = BIT(MM_ANONPAGES) | BIT(MM_SWAPENTS),
	};

	return members[metric];
}

/**
 * uid_mem_metric_bound - the counters of an address space that make up a metric
 * @metric: the metric
 * @mm: the address space; the caller holds a reference on the structure
 *
 * Return: pages.
 */
long uid_mem_metric_bound(unsigned int metric, struct mm_struct *mm)
{
	unsigned int members = uid_mem_metric_members(metric);
	long pages = 0;
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++)
		if (members & BIT(i))
			pages += uid_mem_mm_counter(mm, i);
	return pages;
}

/**
 * uid_mem_page_tables - the page tables of an address space
 * @mm: the address space; the caller holds a reference on the structure
 *
 * Return: pages.
 */
long uid_mem_page_tables(struct mm_struct *mm)
{
	return mm_pgtables_bytes(mm) >> PAGE_SHIFT;
}

/**
 * uid_mem_metric_pages - what an address space uses by a metric
 * @metric: the metric
 * @mm: the address space; the caller holds a reference on the structure
 *
 * Sleeps where the metric counts by share.
 *
 * Return: pages.
 */
long uid_mem_metric_pages(unsigned int metric, struct mm_struct *mm)
{
	unsigned int patience_us = PATIENCE_US;
	long share, pages = uid_mem_metric_bound(metric, mm);

	if (metric != UID_MEM_METRIC_FOOTPRINT)
		return pages;
	share = pages ? uid_mem_share(mm, &patience_us) : 0;
	return (share < 0 ? pages : min(share, pages)) + uid_mem_page_tables(mm);
}

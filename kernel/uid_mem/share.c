// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * The share of an address space in its pages
 *
 * A page that N address spaces map counts 1/N to each, as Pss_Anon and SwapPss in
 * /proc/PID/smaps_rollup: anonymous pages, those in swap included.
 *
 * No kernel exports the walk over page tables.  Its address is that of a probe,
 * which is registered for a moment; without probes there are no shares.
 */

#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagewalk.h>
#include <linux/sched/mm.h>
#include <linux/swap.h>
#include <linux/swapops.h>

#include "compat.h"
#include "share.h"

/* A page, in the unit that shares are added up in. */
#define SHARE_SHIFT	12

/* So much is walked with the lock held that the process may want to write to. */
#define SHARE_CHUNK	(64UL << 20)

/* How long to wait for a lock that another task holds, in microseconds. */
#define SHARE_WAIT_US	500

static typeof(walk_page_range) *walk;
static typeof(swp_swapcount) *count_swap;

#ifdef CONFIG_KPROBES
/*
 * A probe may be put behind an instruction that each function begins with: the
 * kernel's own name for the address says how far.
 */
static void *find_function(const char *name)
{
	struct kprobe kp = { .symbol_name = name };
	char text[KSYM_SYMBOL_LEN], *offset;
	unsigned long address, behind;

	if (register_kprobe(&kp))
		return NULL;
	address = (unsigned long)kp.addr;
	unregister_kprobe(&kp);
	sprint_symbol(text, address);
	offset = strstr(text, "+0x");
	if (!offset || sscanf(offset, "+0x%lx", &behind) != 1)
		return NULL;
	return (void *)(address - behind);
}
#else
static void *find_function(const char *name)
{
	return NULL;
}
#endif

/** uid_mem_share_init - find what shares are read with */
void uid_mem_share_init(void)
{
	walk = find_function("walk_page_range");
	count_swap = find_function("swp_swapcount");
}

/** uid_mem_share_is_known - can shares be read on this kernel? */
bool uid_mem_share_is_known(void)
{
	return walk;
}

static void add_share(u64 *share, unsigned long pages, int sharers)
{
	*share += (pages << SHARE_SHIFT) / max(sharers, 1);
}

/* The page table is locked. */
static int share_pte(pte_t *pte, unsigned long addr, unsigned long next,
		     struct mm_walk *w)
{
	pte_t entry = uid_mem_ptep_get(pte);
	swp_entry_t swap;

	if (pte_none(entry))
		return 0;
	if (!pte_present(entry)) {
		int sharers = uid_mem_swap_entry(entry, &swap) && count_swap ?
				      count_swap(swap) : 1;

		add_share(w->private, 1, sharers);
	} else if (!pte_special(entry) && pfn_valid(pte_pfn(entry)) &&
		   PageAnon(pte_page(entry))) {
		add_share(w->private, 1, uid_mem_page_sharers(pte_page(entry)));
	}
	return 0;
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/* Without a lock: a page that goes meanwhile is counted as it was. */
static int share_pmd(pmd_t *pmd, unsigned long addr, unsigned long next,
		     struct mm_walk *w)
{
	unsigned long pages = (next - addr) >> PAGE_SHIFT;
	pmd_t entry = READ_ONCE(*pmd);

	if (pmd_none(entry) || (pmd_present(entry) && !pmd_trans_huge(entry)))
		return 0;
	if (!pmd_present(entry))
		add_share(w->private, pages, 1);
	else if (PageAnon(pmd_page(entry)))
		add_share(w->private, pages, uid_mem_page_sharers(pmd_page(entry)));
	/* Otherwise it would be split. */
	w->action = ACTION_CONTINUE;
	return 0;
}
#endif

static const struct mm_walk_ops share_ops = {
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	.pmd_entry = share_pmd,
#endif
	.pte_entry = share_pte,
};

/* Others may hold the lock, but not for ever, and not on purpose. */
static bool lock_mm(struct mm_struct *mm, unsigned int *patience_us)
{
	while (!mmap_read_trylock(mm)) {
		if (*patience_us < SHARE_WAIT_US)
			return false;
		usleep_range(SHARE_WAIT_US / 2, SHARE_WAIT_US);
		*patience_us -= SHARE_WAIT_US;
	}
	return true;
}

/* Let those that wait for the lock have it. */
static bool relock_mm(struct mm_struct *mm, unsigned int *patience_us)
{
	if (!need_resched() && !mmap_lock_is_contended(mm))
		return true;
	mmap_read_unlock(mm);
	cond_resched();
	return lock_mm(mm, patience_us);
}

/**
 * uid_mem_share - sum the shares of an address space in its anonymous pages
 * @mm: the address space; the caller holds a reference on the structure
 * @patience_us: for how long to wait for its lock, in microseconds; reduced by that
 *
 * Sleeps.
 *
 * Return: pages; -ESRCH if its users are gone, so that it is being freed; -EAGAIN if
 * others hold its lock.
 */
long uid_mem_share(struct mm_struct *mm, unsigned int *patience_us)
{
	struct vm_area_struct *vma;
	unsigned long addr = 0;
	bool locked;
	u64 share = 0;

	if (!mmget_not_zero(mm))
		return -ESRCH;
	locked = lock_mm(mm, patience_us);
	while (locked && (vma = find_vma(mm, addr))) {
		unsigned long start = max(addr, vma->vm_start);

		addr = vma->vm_end;
		/* Without it there never was an anonymous page. */
		if (!vma->anon_vma)
			continue;
		addr = min(addr, start + SHARE_CHUNK);
		walk(mm, start, addr, &share_ops, &share);
		locked = relock_mm(mm, patience_us);
	}
	if (locked)
		mmap_read_unlock(mm);
	uid_mem_mmput_async(mm);
	if (!locked)
		return -EAGAIN;
	return (share + (1 << SHARE_SHIFT) - 1) >> SHARE_SHIFT;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/*
 * What differs between kernel versions.  The rest of the module reads as if
 * written for the newest one.
 */
#ifndef UID_MEM_COMPAT_H
#define UID_MEM_COMPAT_H

#include <linux/kconfig.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/rtmutex.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/prio.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/version.h>
#include <linux/workqueue.h>
#include <uapi/linux/sched/types.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
#include <linux/leafops.h>
#endif

#if !IS_ENABLED(CONFIG_UID_MEM) && !defined(UID_MEM_ENGINE_SCAN)
#error "the engine hooks needs CONFIG_UID_MEM: patch the kernel, or use the engine scan"
#endif

#ifndef CONFIG_RT_MUTEXES
#error "uid_mem needs CONFIG_RT_MUTEXES, which CONFIG_FUTEX sets"
#endif

/* From 6.2 on there is a per-CPU part that get_mm_counter() leaves out. */
static inline unsigned long uid_mem_mm_counter(struct mm_struct *mm, int member)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	return percpu_counter_sum_positive(&mm->rss_stat[member]);
#else
	return get_mm_counter(mm, member);
#endif
}

/* The same without what other CPUs keep to themselves. */
static inline long uid_mem_mm_counter_here(struct mm_struct *mm, int member)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	return atomic_long_read(&mm->rss_stat.count[member]);
#elif defined(CONFIG_SMP)
	return READ_ONCE(mm->rss_stat[member].count) +
	       this_cpu_read(*mm->rss_stat[member].counters);
#else
	return mm->rss_stat[member].count;
#endif
}

/* How much that may be, in pages. */
static inline long uid_mem_counter_slack(void)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0) || !defined(CONFIG_SMP)
	return 0;
#else
	return (num_online_cpus() - 1L) * percpu_counter_batch;
#endif
}

/* What the probe of kmem:rss_stat gets after the address space. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define UID_MEM_RSS_STAT_ARGS	int member, long count
#else
#define UID_MEM_RSS_STAT_ARGS	int member
#endif

/* From 6.16 on sched:sched_process_exit comes before the address space is left. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
#define UID_MEM_PROCESS_EXIT_ARGS	struct task_struct *p
#else
#define UID_MEM_PROCESS_EXIT_ARGS	struct task_struct *p, bool group_dead
#endif

/* Up to 5.15 the state of a core dump belonged to the address space. */
static inline bool uid_mem_dumps_core(struct task_struct *process)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 16, 0)
	return READ_ONCE(process->signal->core_state);
#else
	return READ_ONCE(process->signal->flags) & SIGNAL_GROUP_COREDUMP;
#endif
}

/* From 5.14 on the state of a task has another name. */
static inline bool uid_mem_is_runnable(struct task_struct *t)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 14, 0)
	return READ_ONCE(t->__state) == TASK_RUNNING;
#else
	return READ_ONCE(t->state) == TASK_RUNNING;
#endif
}

/* From 6.14 on a thread that has been made has to be started, too. */
static inline struct kthread_worker *
uid_mem_run_worker_on_cpu(unsigned int cpu)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
	return kthread_create_worker_on_cpu(cpu, 0, "uid_mem/%u", cpu);
#else
	return kthread_run_worker_on_cpu(cpu, 0, "uid_mem/%u");
#endif
}

static inline struct kthread_worker *uid_mem_run_worker(const char *name)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
	return kthread_create_worker(0, "%s", name);
#else
	return kthread_run_worker(0, "%s", name);
#endif
}

/* Up to 5.13 a module could not set a higher real-time priority than 50. */
static inline void uid_mem_set_fifo_high(struct task_struct *p)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 14, 0)
	sched_set_fifo(p);
#else
	const struct sched_attr attr = {
		.sched_policy = SCHED_FIFO,
		.sched_priority = MAX_RT_PRIO - 1,
	};

	WARN_ON_ONCE(sched_setattr_nocheck(p, &attr));
#endif
}

/*
 * Not every kernel before 6.1 has rt_mutex_lock_killable().  There a task with a
 * signal that does not kill it cannot be killed while it waits: the signal must
 * not be a way around the wait.
 */
static inline int uid_mem_lock_killable(struct rt_mutex *lock)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0)
	return rt_mutex_lock_killable(lock);
#else
	if (!rt_mutex_lock_interruptible(lock))
		return 0;
	if (fatal_signal_pending(current))
		return -EINTR;
	rt_mutex_lock(lock);
	return 0;
#endif
}

/* From 6.17 on a workqueue with workers on each CPU says so. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define WQ_PERCPU 0
#endif

/* From 6.5 on an entry of a page table is read by a function. */
static inline pte_t uid_mem_ptep_get(pte_t *pte)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	return ptep_get(pte);
#else
	return *pte;
#endif
}

/* Is an entry that is not present that of a page in swap?  From 6.19 on it is a leaf. */
static inline bool uid_mem_swap_entry(pte_t pte, swp_entry_t *entry)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	*entry = softleaf_from_pte(pte);
	return softleaf_is_swap(*entry);
#else
	*entry = pte_to_swp_entry(pte);
	return !non_swap_entry(*entry);
#endif
}

/*
 * How many address spaces map an anonymous page.  From 6.11 on the page does not
 * say that by itself, and from 6.15 on it need not be known for each page of a
 * large folio.
 */
static inline int uid_mem_page_sharers(struct page *page)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
	return page_mapcount(page);
#else
	struct folio *folio = page_folio(page);

	if (!folio_test_large(folio))
		return atomic_read(&folio->_mapcount) + 1;
#ifdef CONFIG_NO_PAGE_MAPCOUNT
	return (folio_large_mapcount(folio) - folio_entire_mapcount(folio)) /
	       folio_nr_pages(folio) + folio_entire_mapcount(folio);
#else
	return atomic_read(&page->_mapcount) + 1 + folio_entire_mapcount(folio);
#endif
#endif
}

/* Not every kernel exports mmput_async(). */
static inline void uid_mem_mmput_async(struct mm_struct *mm)
{
	mmput_async(mm);
}

/*
 * The address space that a fork() copies to @mm, if that is what @mm is locked for: the
 * task that holds the lock runs on another one, and is there as long as that is so.
 * Only to be compared.
 */
static inline const struct mm_struct *uid_mem_is_forked_from(struct mm_struct *mm)
{
	const struct mm_struct *from = NULL;
#ifndef CONFIG_PREEMPT_RT
	const struct task_struct *owner;
	unsigned long value;

	rcu_read_lock();
	value = atomic_long_read(&mm->mmap_lock.owner);
	owner = (const struct task_struct *)(value & ~7UL);
	/* The lowest bit: for reading. */
	if (owner && !(value & 1) && atomic_read(&mm->mm_users) == 1)
		from = READ_ONCE(owner->mm);
	rcu_read_unlock();
#endif
	return from == mm ? NULL : from;
}

#endif

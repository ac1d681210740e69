/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-UID memory accounting: what the core keeps for a limited UID, and the
 * hooks that keep it.  See mm/uid_mem.c.
 */
#ifndef _LINUX_UID_MEM_H
#define _LINUX_UID_MEM_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

struct cred;
struct task_struct;

/*
 * What a CPU has in stock of an account, pages that it has taken in advance, is
 * UID_MEM_BATCH less what it has spent.
 */
#define UID_MEM_BATCH	64L

/**
 * struct uid_mem_acct - an account: the address spaces it owns, their pages
 * @spent:	pages that each CPU has used of UID_MEM_BATCH; the rest is its stock
 * @batch:	bound of @spent; 0 when the account is close to a level, where no CPU
 *		has a stock
 * @members:	bit N is set when pages of MM counter N are charged
 * @dying:	the account for address spaces whose last user is gone while
 *		their pages are freed; NULL: they stay on this one until then,
 *		and leave it for no other
 * @lower:	notify when the account falls below this many pages
 * @upper:	notify when the account rises above this many pages
 * @near_lower:	@lower, and what all CPUs may have in stock
 * @charged:	pages charged, and those in stock
 * @idle:	of @charged, what was in stock when the account came close to a
 *		level and is still there; 0 elsewhere
 * @peak:	most pages seen
 * @summing:	bit 0 is set while a CPU sums the stocks
 * @lock:	protects @mms and @dead
 * @dead:	no address space may join any more; under @lock
 * @mms:	the address spaces charged here, by mm_struct::uid_mem_node
 * @gone:	woken when the pages of one of @mms are gone
 *
 * What each charge reads comes first; what any CPU may write at any time
 * shares no cache line with it.
 *
 * The owner embeds it, and reaches the fields only through the functions
 * below, except for @dying, which it sets before the first charge.
 */
struct uid_mem_acct {
	long __percpu *spent;
	unsigned long batch;
	unsigned int members;
	struct uid_mem_acct *dying;
	long lower;
	long upper;
	long near_lower;

	atomic_long_t charged ____cacheline_aligned_in_smp;
	atomic_long_t idle;
	long peak;
	unsigned long summing;

	spinlock_t lock ____cacheline_aligned_in_smp; /* mms, dead */
	bool dead;
	struct list_head mms;
	wait_queue_head_t gone;
};

/**
 * struct uid_mem_ops - what the owner of the accounts decides
 * @find:	the account for a process with these credentials, or NULL.
 *		Called in process context; may sleep.  The account stays valid
 *		until the next uid_mem_synchronize() begins.
 * @notify:	the account left the range between its levels.  Called in any
 *		context, with page table locks held: must only schedule work.
 * @resume:	the current task, whose account is above its upper level, is
 *		about to return to user mode.  May sleep.
 * @hold:	the current task should stop until victims have given back their
 *		pages.  It is in the kernel and holds locks that others may
 *		want: sleeps for a moment at most.  Returns whether there is
 *		room again.
 */
struct uid_mem_ops {
	struct uid_mem_acct *(*find)(const struct cred *cred);
	void (*notify)(struct uid_mem_acct *acct);
	void (*resume)(struct uid_mem_acct *acct);
	bool (*hold)(struct uid_mem_acct *acct);
};

#ifdef CONFIG_UID_MEM

DECLARE_STATIC_KEY_FALSE(uid_mem_key);

int uid_mem_start(const struct uid_mem_ops *ops);
void uid_mem_stop(const struct uid_mem_ops *ops);
void uid_mem_change_begin(void);
void uid_mem_change_end(void);
void uid_mem_synchronize(void);

int uid_mem_acct_init(struct uid_mem_acct *acct, unsigned int members);
void uid_mem_acct_kill(struct uid_mem_acct *acct);
void uid_mem_acct_destroy(struct uid_mem_acct *acct);
void uid_mem_acct_set_members(struct uid_mem_acct *acct, unsigned int members);
void uid_mem_acct_set_levels(struct uid_mem_acct *acct, long lower, long upper);
long uid_mem_acct_read(struct uid_mem_acct *acct);
bool uid_mem_acct_is_above(struct uid_mem_acct *acct);
long uid_mem_acct_sum(struct uid_mem_acct *acct, long counts[NR_MM_COUNTERS]);

void uid_mem_place(struct task_struct *task, struct mm_struct *mm);
void uid_mem_set_dying(struct mm_struct *mm);
bool uid_mem_reap(struct mm_struct *mm);

void uid_mem_commit_uid(struct cred *new, const struct cred *old);

void __uid_mem_restock(struct uid_mem_acct *acct, long nr_pages);
void __uid_mem_kernel_fault(void);
void __uid_mem_fork(struct task_struct *child, struct mm_struct *mm);
void __uid_mem_forked(struct task_struct *child, struct mm_struct *mm);
bool __uid_mem_is_short(struct mm_struct *mm, long nr_pages);
bool __uid_mem_copy_stop(struct mm_struct *mm);
void __uid_mem_exec(void);
void __uid_mem_commit_creds(void);
void __uid_mem_mm_dying(struct mm_struct *mm);
void __uid_mem_mm_gone(struct mm_struct *mm);
void __uid_mem_resume_user_mode(void);

static inline void uid_mem_init_mm(struct mm_struct *mm)
{
	RCU_INIT_POINTER(mm->uid_mem, NULL);
	mm->uid_mem_seq = 1; /* never that of a fork() without changes */
	mm->uid_mem_near = false;
	INIT_LIST_HEAD(&mm->uid_mem_node);
}

/*
 * A counter of @mm has changed by @nr_pages.  Without preemption the account
 * stays: see uid_mem_synchronize().
 */
static inline void uid_mem_charge(struct mm_struct *mm, int member,
				  long nr_pages)
{
	struct uid_mem_acct *acct;

	if (!static_branch_unlikely(&uid_mem_key))
		return;
	preempt_disable_notrace();
	acct = rcu_dereference_sched(mm->uid_mem);
	if (acct && (READ_ONCE(acct->members) & (1U << member))) {
		unsigned long spent = this_cpu_add_return(*acct->spent, nr_pages);

		/* Less than nothing is a large number here. */
		if (unlikely(spent >= READ_ONCE(acct->batch)))
			__uid_mem_restock(acct, nr_pages);
	}
	preempt_enable_notrace();
}

/*
 * A page fault in the kernel is about to be handled.  Any lock that can be held
 * while user memory is accessed may be held, so the task stops for a moment at
 * most, and not at all if @nowait.  A page fault in user mode waits for victims on
 * its way back, where no lock is held: see uid_mem_resume_user_mode().
 */
static inline void uid_mem_kernel_fault(bool nowait)
{
	if (static_branch_unlikely(&uid_mem_key) && !nowait)
		__uid_mem_kernel_fault();
}

/* @child will run on @mm, to which the pages of the current task are copied. */
static inline void uid_mem_fork(struct task_struct *child, struct mm_struct *mm)
{
	if (static_branch_unlikely(&uid_mem_key))
		__uid_mem_fork(child, mm);
}

/* @child is on the task list, and has not run; @mm may be the parent's. */
static inline void uid_mem_forked(struct task_struct *child,
				  struct mm_struct *mm)
{
	if (static_branch_unlikely(&uid_mem_key))
		__uid_mem_forked(child, mm);
}

/* Would so many pages more in @mm be too many? */
static inline bool uid_mem_is_short(struct mm_struct *mm, long nr_pages)
{
	return static_branch_unlikely(&uid_mem_key) &&
	       rcu_access_pointer(mm->uid_mem) &&
	       __uid_mem_is_short(mm, nr_pages);
}

/*
 * fork() is about to copy a page table to @mm, and has to fail if this is true.
 * Sleeps for a moment at most: the mmap_lock of parent and child, and
 * dup_mmap_sem, are held.
 */
static inline bool uid_mem_copy_stop(struct mm_struct *mm)
{
	return static_branch_unlikely(&uid_mem_key) &&
	       rcu_access_pointer(mm->uid_mem) && __uid_mem_copy_stop(mm);
}

/* Should the pages copied so far be charged before fork() copies more to @mm? */
static inline bool uid_mem_copy_pause(struct mm_struct *mm)
{
	return static_branch_unlikely(&uid_mem_key) && mm->uid_mem_near;
}

/* The current process runs on its new address space. */
static inline void uid_mem_exec(void)
{
	if (static_branch_unlikely(&uid_mem_key))
		__uid_mem_exec();
}

/* The current task has new credentials with another UID or namespace. */
static inline void uid_mem_commit_creds(void)
{
	if (static_branch_unlikely(&uid_mem_key))
		__uid_mem_commit_creds();
}

/* The last user of @mm is gone; its pages are about to go. */
static inline void uid_mem_mm_dying(struct mm_struct *mm)
{
	if (rcu_access_pointer(mm->uid_mem))
		__uid_mem_mm_dying(mm);
}

/* The pages of @mm are gone. */
static inline void uid_mem_mm_gone(struct mm_struct *mm)
{
	if (rcu_access_pointer(mm->uid_mem))
		__uid_mem_mm_gone(mm);
}

/* The current task returns to user mode, having been asked to stop by here. */
static inline void uid_mem_resume_user_mode(void)
{
	if (static_branch_unlikely(&uid_mem_key))
		__uid_mem_resume_user_mode();
}

#else /* !CONFIG_UID_MEM */

static inline void uid_mem_init_mm(struct mm_struct *mm) { }
static inline void uid_mem_charge(struct mm_struct *mm, int member,
				  long nr_pages) { }
static inline void uid_mem_kernel_fault(bool nowait) { }
static inline void uid_mem_fork(struct task_struct *child,
				struct mm_struct *mm) { }
static inline void uid_mem_forked(struct task_struct *child,
				  struct mm_struct *mm) { }
static inline bool uid_mem_is_short(struct mm_struct *mm,
				    long nr_pages) { return false; }
static inline bool uid_mem_copy_stop(struct mm_struct *mm) { return false; }
static inline bool uid_mem_copy_pause(struct mm_struct *mm) { return false; }
static inline void uid_mem_exec(void) { }
static inline void uid_mem_commit_uid(struct cred *new,
				      const struct cred *old) { }
static inline void uid_mem_commit_creds(void) { }
static inline void uid_mem_mm_dying(struct mm_struct *mm) { }
static inline void uid_mem_mm_gone(struct mm_struct *mm) { }
static inline void uid_mem_resume_user_mode(void) { }

#endif /* CONFIG_UID_MEM */

#endif /* _LINUX_UID_MEM_H */

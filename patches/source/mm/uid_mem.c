// SPDX-License-Identifier: GPL-2.0-only
/*
 * Per-UID memory accounting
 *
 * Counts the pages that the processes of a UID have mapped, for the UIDs that
 * have an account, and notifies the owner of the accounts when a count leaves a
 * given range.  The owner (struct uid_mem_ops), normally the module uid_mem.ko,
 * decides which UID has an account and what follows when a level is crossed.
 *
 * An account is charged with the RSS counters of the address spaces it owns.
 * mm_struct::uid_mem names the account, so a charge costs the same however
 * many accounts and processes there are.  An address space belongs to the
 * account of the UID whose budget the process that runs on it uses
 * (cred::uid_mem_uid): it is placed when the process is forked, when it calls
 * execve() and when the real UID (or the user namespace) of its thread group
 * leader changes.  Children of vfork() run on the address space of their parent
 * and never move it.
 *
 * Precision: a CPU takes pages from the account in advance, uid_mem_acct::batch
 * at most, so that most charges concern only that CPU.  What the account has
 * given away is counted as charged: it may be less than that, never more.  Close
 * to a level nothing is taken in advance.  What the CPUs have in stock then is
 * summed once, and remembered while it lasts, so that a charge costs the same
 * however many CPUs there are.
 * RSS updates that the kernel batches by task (SPLIT_RSS_COUNTING, before
 * 6.2) are seen when it flushes them, that is up to 64 page faults a thread
 * late.
 * A charge that races with a change of account may be counted once too often,
 * which uid_mem_acct_sum() puts right: it walks the address spaces of the
 * account and is what a decision should be based on.
 *
 * What comes in large pieces is made small where little is left: fork() copies
 * and charges a few pages at a time, and stops when that is too much, and a
 * page fault does without a huge page.
 *
 * A task that goes on while victims still have their memory waits for them on
 * its way to user mode, where it holds no lock.  In the kernel it may hold locks
 * that others want (a pipe's, an inode's, the mmap_lock), so there it only stops
 * for a moment: a page fault then goes on, and fork(), which can take any amount
 * of memory, fails.
 *
 * Without an owner the static key is off and the hooks are no-ops.
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#ifdef TRACEHOOK
#include <linux/tracehook.h>
#else
#include <linux/resume_user_mode.h>
#endif
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/srcu.h>
#include <linux/uid_mem.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>

/* How long after the last owner is gone the hooks are taken out. */
#define UID_MEM_KEY_DELAY	(10 * HZ)

DEFINE_STATIC_KEY_FALSE(uid_mem_key);

static const struct uid_mem_ops __rcu *uid_mem_ops;
static DEFINE_MUTEX(uid_mem_ops_mutex);

/*
 * Protects the callers of ->find(), ->resume() and ->hold(), which may sleep,
 * and the accounts they work on.  The hot path relies on disabled preemption, which
 * synchronize_rcu() waits for.
 */
DEFINE_STATIC_SRCU(uid_mem_srcu);

/* Odd while the owner changes what ->find() returns and places processes. */
static unsigned int uid_mem_seq;

/* Patching kernel text is expensive, and owners often come back soon. */
static void uid_mem_key_off(struct work_struct *work)
{
	mutex_lock(&uid_mem_ops_mutex);
	if (!rcu_access_pointer(uid_mem_ops))
		static_branch_disable(&uid_mem_key);
	mutex_unlock(&uid_mem_ops_mutex);
}

static DECLARE_DELAYED_WORK(uid_mem_key_work, uid_mem_key_off);

/**
 * uid_mem_start - turn accounting on
 * @ops: the owner's callbacks
 *
 * Processes that run already are not accounted until the owner places them
 * with uid_mem_place(); those that are forked or change their credentials
 * after this call are.
 *
 * Return: 0, or -EBUSY when there is an owner already.
 */
int uid_mem_start(const struct uid_mem_ops *ops)
{
	int ret = -EBUSY;

	mutex_lock(&uid_mem_ops_mutex);
	if (!rcu_access_pointer(uid_mem_ops)) {
		rcu_assign_pointer(uid_mem_ops, ops);
		static_branch_enable(&uid_mem_key);
		ret = 0;
	}
	mutex_unlock(&uid_mem_ops_mutex);
	return ret;
}
EXPORT_SYMBOL_GPL(uid_mem_start);

/**
 * uid_mem_stop - turn accounting off
 * @ops: what was given to uid_mem_start(); otherwise nothing happens
 *
 * No callback runs any more when this returns.  The owner kills its accounts
 * before it calls this.
 */
void uid_mem_stop(const struct uid_mem_ops *ops)
{
	mutex_lock(&uid_mem_ops_mutex);
	if (rcu_access_pointer(uid_mem_ops) == ops) {
		RCU_INIT_POINTER(uid_mem_ops, NULL);
		uid_mem_synchronize();
		schedule_delayed_work(&uid_mem_key_work, UID_MEM_KEY_DELAY);
	}
	mutex_unlock(&uid_mem_ops_mutex);
}
EXPORT_SYMBOL_GPL(uid_mem_stop);

/**
 * uid_mem_synchronize - wait until no hook uses what was found before
 *
 * After uid_mem_acct_kill() and once ->find() does not return the account any
 * more, no hook holds it when this returns.  Sleeps.
 */
void uid_mem_synchronize(void)
{
	synchronize_srcu(&uid_mem_srcu);
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(uid_mem_synchronize);

static void uid_mem_write_levels(struct uid_mem_acct *acct, long lower,
				 long upper)
{
	/* Room for what is added when they are compared. */
	lower = max(lower, LONG_MIN / 2);
	upper = min(upper, LONG_MAX / 2);

	WRITE_ONCE(acct->lower, lower);
	WRITE_ONCE(acct->upper, upper);
	WRITE_ONCE(acct->near_lower, lower + num_possible_cpus() * UID_MEM_BATCH);
}

/**
 * uid_mem_change_begin - ->find() is about to return other accounts
 *
 * From here to uid_mem_change_end() the owner changes what ->find() returns, and
 * then places all processes.  One owner at a time.
 */
void uid_mem_change_begin(void)
{
	WRITE_ONCE(uid_mem_seq, uid_mem_seq + 1);
	/*
	 * Odd before the owner walks the task list.  Pairs with the barrier in
	 * __uid_mem_forked(): either the walk finds the child, or the child finds
	 * the change.
	 */
	smp_mb();
}
EXPORT_SYMBOL_GPL(uid_mem_change_begin);

/** uid_mem_change_end - all processes are placed as ->find() says now */
void uid_mem_change_end(void)
{
	/* Pairs with __uid_mem_fork(). */
	smp_store_release(&uid_mem_seq, uid_mem_seq + 1);
}
EXPORT_SYMBOL_GPL(uid_mem_change_end);

/**
 * uid_mem_acct_init - make an empty account
 * @acct: memory for it, zeroed
 * @members: which MM counters it is charged with, as bits
 *
 * Return: 0 or -ENOMEM.
 */
int uid_mem_acct_init(struct uid_mem_acct *acct, unsigned int members)
{
	int cpu;

	acct->spent = alloc_percpu(long);
	if (!acct->spent)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		long *spent = per_cpu_ptr(acct->spent, cpu);

		*spent = UID_MEM_BATCH;
	}
	atomic_long_set(&acct->charged, 0);
	uid_mem_write_levels(acct, LONG_MIN, LONG_MAX);
	acct->members = members;
	acct->batch = 0;
	spin_lock_init(&acct->lock);
	INIT_LIST_HEAD(&acct->mms);
	init_waitqueue_head(&acct->gone);
	return 0;
}
EXPORT_SYMBOL_GPL(uid_mem_acct_init);

/**
 * uid_mem_acct_destroy - free what uid_mem_acct_init() allocated
 * @acct: an account that was killed, or never used, before the last
 *	  uid_mem_synchronize()
 */
void uid_mem_acct_destroy(struct uid_mem_acct *acct)
{
	free_percpu(acct->spent);
}
EXPORT_SYMBOL_GPL(uid_mem_acct_destroy);

static long uid_mem_stock(struct uid_mem_acct *acct)
{
	long pages = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		pages += UID_MEM_BATCH - READ_ONCE(*per_cpu_ptr(acct->spent, cpu));
	return pages;
}

/**
 * uid_mem_acct_read - pages charged to an account, without walking it
 * @acct: the account
 */
long uid_mem_acct_read(struct uid_mem_acct *acct)
{
	return atomic_long_read(&acct->charged) - uid_mem_stock(acct);
}
EXPORT_SYMBOL_GPL(uid_mem_acct_read);

/**
 * uid_mem_acct_is_above - is an account above its upper level?
 * @acct: the account
 */
bool uid_mem_acct_is_above(struct uid_mem_acct *acct)
{
	return uid_mem_acct_read(acct) > READ_ONCE(acct->upper);
}
EXPORT_SYMBOL_GPL(uid_mem_acct_is_above);

/* A task that took its account above the level stops before it runs on. */
static void uid_mem_notify_resume(struct uid_mem_acct *acct)
{
	if (current->mm && rcu_access_pointer(current->mm->uid_mem) == acct)
		set_notify_resume(current);
}

static void uid_mem_notify(struct uid_mem_acct *acct)
{
	const struct uid_mem_ops *ops;

	ops = rcu_dereference_sched(uid_mem_ops);
	if (!ops)
		return;
	ops->notify(acct);
	uid_mem_notify_resume(acct);
	/* What ->notify() scheduled runs here as soon as no lock is held. */
	set_tsk_need_resched(current);
	set_preempt_need_resched();
}

/* What is on its way out still takes memory. */
static long uid_mem_dying(const struct uid_mem_acct *acct)
{
	return acct->dying ? max(atomic_long_read(&acct->dying->charged), 0L) :
			     0;
}

/*
 * What is charged, without a look at all CPUs: exact close to a level, and
 * elsewhere too much rather than too little.
 */
static long uid_mem_estimate(const struct uid_mem_acct *acct, long charged)
{
	return charged - atomic_long_read(&acct->idle);
}

static void uid_mem_note_peak(struct uid_mem_acct *acct, long pages)
{
	if (pages > READ_ONCE(acct->peak))
		WRITE_ONCE(acct->peak, pages);
}

/*
 * Sum what the CPUs have in stock, and remember it: they take no more, and tell
 * when they give it back.  One that does so while it is summed has told, and one
 * that took more without a look at the batch is not in the sum: the estimate is
 * too high then, until the next sum.  Returns false when another CPU is at it,
 * which will see what this one could.
 */
static bool uid_mem_sum_stock(struct uid_mem_acct *acct)
{
	long known;

	if (test_and_set_bit(0, &acct->summing))
		return false;
	known = atomic_long_read(&acct->idle);
	atomic_long_add(uid_mem_stock(acct) - known, &acct->idle);
	clear_bit_unlock(0, &acct->summing);
	return true;
}

static bool uid_mem_is_outside(const struct uid_mem_acct *acct, long pages)
{
	return pages > READ_ONCE(acct->upper) || pages < READ_ONCE(acct->lower);
}

static noinline void uid_mem_check_near(struct uid_mem_acct *acct, long charged)
{
	long pages;

	if (READ_ONCE(acct->batch)) {
		WRITE_ONCE(acct->batch, 0);
		uid_mem_sum_stock(acct);
	}
	pages = uid_mem_estimate(acct, charged);
	if (uid_mem_is_outside(acct, pages)) {
		if (!uid_mem_sum_stock(acct))
			return;
		pages = uid_mem_estimate(acct, atomic_long_read(&acct->charged));
	}
	uid_mem_note_peak(acct, pages);
	if (uid_mem_is_outside(acct, pages))
		uid_mem_notify(acct);
	else if (pages + uid_mem_dying(acct) > READ_ONCE(acct->upper))
		uid_mem_notify_resume(acct);
}

/* @charged is never too little, so the upper level needs no room for the stocks. */
static bool uid_mem_is_close(const struct uid_mem_acct *acct, long charged,
			     long margin)
{
	return charged + uid_mem_dying(acct) > READ_ONCE(acct->upper) - margin ||
	       charged < READ_ONCE(acct->near_lower) + margin;
}

/* What is dying counts page by page, and has no levels. */
static void uid_mem_check(struct uid_mem_acct *acct, long charged)
{
	bool near = !READ_ONCE(acct->batch);

	if (!acct->dying)
		return;
	if (uid_mem_is_close(acct, charged, near ? 2 * UID_MEM_BATCH : UID_MEM_BATCH)) {
		uid_mem_check_near(acct, charged);
		return;
	}
	uid_mem_note_peak(acct, charged);
	if (near) {
		atomic_long_set(&acct->idle, 0);
		WRITE_ONCE(acct->batch, UID_MEM_BATCH);
	}
}

/* Charge the pages of an address space that comes or goes. */
static void uid_mem_add(struct uid_mem_acct *acct, long nr_pages)
{
	uid_mem_check(acct, atomic_long_add_return(nr_pages, &acct->charged));
}

/*
 * The stock of this CPU has been used up by a charge of @nr_pages, or has become
 * too large by it: make it half a batch, so that the next few pages can go either
 * way.  Preemption is off, so that the account stays: see uid_mem_synchronize().
 */
void __uid_mem_restock(struct uid_mem_acct *acct, long nr_pages)
{
	long batch = READ_ONCE(acct->batch);
	long spent = this_cpu_xchg(*acct->spent, UID_MEM_BATCH - batch / 2);
	long stock = UID_MEM_BATCH - spent;
	long had = stock + nr_pages;

	/* Before it leaves @charged: an estimate in between is too high. */
	if (!batch && had)
		atomic_long_sub(had, &acct->idle);
	uid_mem_check(acct, atomic_long_add_return(batch / 2 - stock, &acct->charged));
}

static long uid_mem_mm_counter(struct mm_struct *mm, int member)
{
#ifdef RSS_PERCPU
	return percpu_counter_sum_positive(&mm->rss_stat[member]);
#else
	return get_mm_counter(mm, member);
#endif
}

static long uid_mem_mm_pages(struct mm_struct *mm, unsigned int members)
{
	long pages = 0;
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++)
		if (members & (1U << i))
			pages += uid_mem_mm_counter(mm, i);
	return pages;
}

/*
 * The counters of an address space are summed before the lock is taken, which
 * every fork() and exit() of the UID needs, and charged under it, for
 * uid_mem_acct_sum().  What is mapped in between may be charged twice or not at
 * all: a page or a huge page for each CPU, which the next sum puts right.
 * Nothing is mapped in a @fresh one.
 */
static bool uid_mem_attach(struct mm_struct *mm, struct uid_mem_acct *acct,
			   bool fresh)
{
	long pages = fresh ? 0 : uid_mem_mm_pages(mm, READ_ONCE(acct->members));
	bool attached = false;

	spin_lock(&acct->lock);
	if (!acct->dead &&
	    !unrcu_pointer(cmpxchg(&mm->uid_mem, NULL, RCU_INITIALIZER(acct)))) {
		list_add_tail(&mm->uid_mem_node, &acct->mms);
		if (pages)
			uid_mem_add(acct, pages);
		attached = true;
	}
	spin_unlock(&acct->lock);
	return attached;
}

static void uid_mem_detach_locked(struct mm_struct *mm,
				  struct uid_mem_acct *acct, long pages)
{
	lockdep_assert_held(&acct->lock);
	list_del_init(&mm->uid_mem_node);
	if (pages)
		uid_mem_add(acct, -pages);
	rcu_assign_pointer(mm->uid_mem, NULL);
}

/*
 * Take @mm off the account it is on, unless that is @except.  The account may
 * change until its lock is held.  The pages of a @gone one have been uncharged
 * one by one.
 */
static struct uid_mem_acct *uid_mem_detach(struct mm_struct *mm,
					   struct uid_mem_acct *except,
					   bool gone)
{
	struct uid_mem_acct *acct;
	long pages = 0;

	rcu_read_lock();
	while ((acct = rcu_dereference(mm->uid_mem)) && acct != except) {
		if (!gone)
			pages = uid_mem_mm_pages(mm, READ_ONCE(acct->members));
		spin_lock(&acct->lock);
		if (acct == rcu_access_pointer(mm->uid_mem)) {
			uid_mem_detach_locked(mm, acct, pages);
			spin_unlock(&acct->lock);
			break;
		}
		spin_unlock(&acct->lock);
	}
	rcu_read_unlock();
	return acct;
}

/*
 * Put an address space, whose users are not gone, on another account; NULL for
 * none.
 */
static void uid_mem_move(struct mm_struct *mm, struct uid_mem_acct *acct)
{
	if (uid_mem_detach(mm, acct, false) != acct && acct)
		uid_mem_attach(mm, acct, false);
}

/* The locks of both accounts are held; @mm is on the first. */
static void uid_mem_transfer(struct mm_struct *mm, struct uid_mem_acct *from,
			     struct uid_mem_acct *to, long pages)
{
	list_move_tail(&mm->uid_mem_node, &to->mms);
	rcu_assign_pointer(mm->uid_mem, to);
	uid_mem_add(from, -pages);
	uid_mem_add(to, pages);
}

/**
 * uid_mem_set_dying - the pages of an address space are on their way out
 * @mm: the address space; the caller holds a reference on the structure
 *
 * From here they are charged to the account for dying address spaces of the
 * account that @mm is on, if there is one.  Nothing happens to an address
 * space that is there already, or gone.
 */
void uid_mem_set_dying(struct mm_struct *mm)
{
	struct uid_mem_acct *acct, *dying;
	bool done = false;
	long pages;

	rcu_read_lock();
	while (!done) {
		acct = rcu_dereference(mm->uid_mem);
		if (!acct || !acct->dying)
			break;
		dying = acct->dying;
		pages = uid_mem_mm_pages(mm, READ_ONCE(acct->members));
		spin_lock(&acct->lock);
		spin_lock_nested(&dying->lock, SINGLE_DEPTH_NESTING);
		done = acct == rcu_access_pointer(mm->uid_mem);
		if (done && !dying->dead)
			uid_mem_transfer(mm, acct, dying, pages);
		spin_unlock(&dying->lock);
		spin_unlock(&acct->lock);
	}
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(uid_mem_set_dying);

/* Pages of an address space of @acct are gone.  Under rcu_read_lock(). */
static void uid_mem_wake(struct uid_mem_acct *acct)
{
	if (acct && wq_has_sleeper(&acct->gone))
		wake_up_all(&acct->gone);
}

/*
 * Is every process that runs on @mm on its way out?  Then none joins any more:
 * clone() fails with a fatal signal pending.
 */
static bool uid_mem_mm_is_dying(struct mm_struct *mm)
{
	struct task_struct *p;
	bool ret = true;

	rcu_read_lock();
	for_each_process(p) {
		if ((READ_ONCE(p->flags) & PF_KTHREAD) ||
		    (READ_ONCE(p->signal->flags) & SIGNAL_GROUP_EXIT) ||
		    (thread_group_empty(p) && (READ_ONCE(p->flags) & PF_EXITING)))
			continue;
		if (process_shares_mm(p, mm)) {
			ret = false;
			break;
		}
	}
	rcu_read_unlock();
	return ret;
}

/**
 * uid_mem_reap - take its private memory from an address space
 * @mm: the address space of processes that have been killed or exit; the caller
 *	holds a reference on the structure
 *
 * For what does not get to its end by itself: a victim that is stopped by a
 * tracer, or waits for a file system that does not answer.  Does what the OOM
 * reaper does; pages that are shared stay until the address space goes.  Nothing
 * is taken while a process that goes on shares the address space.  Sleeps.
 *
 * Return: false where it has to be tried again.
 */
bool uid_mem_reap(struct mm_struct *mm)
{
	bool done;

	/* Without users it is on its way already. */
	if (!mmget_not_zero(mm))
		return true;
	done = uid_mem_mm_is_dying(mm) && mmap_read_trylock(mm);
	if (done) {
		done = __oom_reap_task_mm(mm);
		mmap_read_unlock(mm);
		rcu_read_lock();
		uid_mem_wake(rcu_dereference(mm->uid_mem));
		rcu_read_unlock();
	}
	/* The last user must not have to wait for what the victim waits for. */
	mmput_async(mm);
	return done;
}
EXPORT_SYMBOL_GPL(uid_mem_reap);

/**
 * uid_mem_acct_kill - take all address spaces off an account, for good
 * @acct: the account, which ->find() does not return any more
 */
void uid_mem_acct_kill(struct uid_mem_acct *acct)
{
	struct mm_struct *mm, *next;

	uid_mem_write_levels(acct, LONG_MIN, LONG_MAX);
	spin_lock(&acct->lock);
	acct->dead = true;
	list_for_each_entry_safe(mm, next, &acct->mms, uid_mem_node)
		uid_mem_detach_locked(mm, acct, 0);
	atomic_long_set(&acct->charged, 0);
	spin_unlock(&acct->lock);
	wake_up_all(&acct->gone);
}
EXPORT_SYMBOL_GPL(uid_mem_acct_kill);

/**
 * uid_mem_acct_set_levels - say when the owner wants to be notified
 * @acct: the account
 * @lower: notify when it falls below this many pages; LONG_MIN for never
 * @upper: notify when it rises above this many pages; LONG_MAX for never
 *
 * Notifies at once when the account is outside already.
 */
void uid_mem_acct_set_levels(struct uid_mem_acct *acct, long lower, long upper)
{
	uid_mem_write_levels(acct, lower, upper);
	preempt_disable();
	uid_mem_check(acct, atomic_long_read(&acct->charged));
	preempt_enable();
}
EXPORT_SYMBOL_GPL(uid_mem_acct_set_levels);

/**
 * uid_mem_acct_sum - sum the address spaces of an account
 * @acct: the account
 * @counts: where to add their MM counters, in pages
 *
 * Also corrects what the account is charged with, as far as charges made
 * during the walk can't explain the difference.
 *
 * Return: the sum of the counters it is charged with, in pages.
 */
long uid_mem_acct_sum(struct uid_mem_acct *acct, long counts[NR_MM_COUNTERS])
{
	struct mm_struct *mm;
	long sum = 0, before, after;
	int i;

	spin_lock(&acct->lock);
	before = uid_mem_acct_read(acct);
	list_for_each_entry(mm, &acct->mms, uid_mem_node) {
		for (i = 0; i < NR_MM_COUNTERS; i++) {
			long count = uid_mem_mm_counter(mm, i);

			counts[i] += count;
			if (acct->members & (1U << i))
				sum += count;
		}
	}
	after = uid_mem_acct_read(acct);
	if (sum > before && sum > after)
		atomic_long_add(sum - max(before, after), &acct->charged);
	else if (sum < before && sum < after)
		atomic_long_add(sum - min(before, after), &acct->charged);
	spin_unlock(&acct->lock);
	return sum;
}
EXPORT_SYMBOL_GPL(uid_mem_acct_sum);

/**
 * uid_mem_acct_set_members - say what an account is charged with
 * @acct: the account
 * @members: which MM counters, as bits
 */
void uid_mem_acct_set_members(struct uid_mem_acct *acct, unsigned int members)
{
	long counts[NR_MM_COUNTERS] = { };

	spin_lock(&acct->lock);
	WRITE_ONCE(acct->members, members);
	spin_unlock(&acct->lock);
	uid_mem_acct_sum(acct, counts);
}
EXPORT_SYMBOL_GPL(uid_mem_acct_set_members);

/**
 * uid_mem_place - put an address space where its process belongs
 * @task: the thread group leader of the process
 * @mm: the address space it runs on; the caller holds a reference on its users
 *
 * May sleep.
 */
void uid_mem_place(struct task_struct *task, struct mm_struct *mm)
{
	const struct uid_mem_ops *ops;
	struct uid_mem_acct *acct;
	const struct cred *cred;
	bool stale = true;
	int idx;

	idx = srcu_read_lock(&uid_mem_srcu);
	ops = srcu_dereference(uid_mem_ops, &uid_mem_srcu);
	/*
	 * The credentials may change meanwhile.  The task that changes them may
	 * have been here first, so the last one to look must win.
	 */
	while (ops && stale) {
		acct = srcu_dereference(mm->uid_mem, &uid_mem_srcu);
		if (acct && !acct->dying)
			break;
		cred = get_task_cred(task);
		uid_mem_move(mm, ops->find(cred));
		smp_mb(); /* placed, then look again; pairs with __uid_mem_commit_creds() */
		stale = cred != rcu_access_pointer(task->real_cred);
		put_cred(cred);
	}
	srcu_read_unlock(&uid_mem_srcu, idx);
}
EXPORT_SYMBOL_GPL(uid_mem_place);

/*
 * Does @child, whose address space is not visible yet, belong where its parent
 * does?  The parent may run on an address space that is another's: vfork(),
 * CLONE_VM without CLONE_THREAD; and a thread may have credentials of its own.
 */
static bool uid_mem_inherits(struct task_struct *child)
{
	const struct cred *cred = rcu_dereference_protected(child->real_cred, 1);
	const struct cred *mine = current_real_cred();

	return thread_group_leader(current) && !current->vfork_done &&
	       atomic_read(&current->mm->mm_users) == get_nr_threads(current) &&
	       uid_eq(cred->uid, mine->uid) &&
	       uid_eq(cred->uid_mem_uid, mine->uid_mem_uid) &&
	       cred->user_ns == mine->user_ns;
}

void __uid_mem_fork(struct task_struct *child, struct mm_struct *mm)
{
	struct uid_mem_acct *acct;
	bool done = false;

	/* If this is even, what the parent is placed by is what counts. */
	mm->uid_mem_seq = smp_load_acquire(&uid_mem_seq);
	if (!(mm->uid_mem_seq & 1) && uid_mem_inherits(child)) {
		rcu_read_lock();
		acct = rcu_dereference(current->mm->uid_mem);
		done = !acct || (acct->dying && uid_mem_attach(mm, acct, true));
		rcu_read_unlock();
	}
	if (!done)
		uid_mem_place(child, mm);
}

void __uid_mem_forked(struct task_struct *child, struct mm_struct *mm)
{
	if (!mm || mm == current->mm)
		return;
	smp_mb(); /* on the task list, then look; pairs with uid_mem_change_begin() */
	if ((mm->uid_mem_seq & 1) || mm->uid_mem_seq != READ_ONCE(uid_mem_seq))
		uid_mem_place(child, mm);
}

/* Would @more pages be too many for the account of @mm, and what is dying of it? */
static bool uid_mem_acct_is_short(const struct uid_mem_acct *acct, long more)
{
	long pages = uid_mem_estimate(acct, atomic_long_read(&acct->charged));

	return pages + uid_mem_dying(acct) + more > READ_ONCE(acct->upper);
}

/*
 * Tasks on all CPUs may be copying a page table full of pages, which are charged
 * when they are through with it.
 */
static bool uid_mem_is_near(struct mm_struct *mm)
{
	long more = (long)num_online_cpus() * PTRS_PER_PTE;
	struct uid_mem_acct *acct;
	bool ret = false;

	rcu_read_lock();
	acct = rcu_dereference(mm->uid_mem);
	if (acct && acct->dying) {
		more = min(more, READ_ONCE(acct->upper) / 4);
		ret = uid_mem_acct_is_short(acct, max_t(long, more, PTRS_PER_PTE));
	} else if (acct) {
		ret = true;
	}
	rcu_read_unlock();
	return ret;
}

/*
 * What is dying gets no huge page any more: its tasks may have been about to map
 * one when they were killed.
 */
bool __uid_mem_is_short(struct mm_struct *mm, long nr_pages)
{
	struct uid_mem_acct *acct;
	bool ret = false;

	rcu_read_lock();
	acct = rcu_dereference(mm->uid_mem);
	if (acct)
		ret = !acct->dying || uid_mem_acct_is_short(acct, nr_pages);
	rcu_read_unlock();
	return ret;
}

/* Is there reason for the current task to stop, unless it is dying itself? */
static bool uid_mem_has_to_stop(struct mm_struct *mm)
{
	struct uid_mem_acct *acct;
	bool ret;

	rcu_read_lock();
	acct = rcu_dereference(mm->uid_mem);
	ret = acct && acct->dying && uid_mem_acct_is_short(acct, 0);
	rcu_read_unlock();
	return ret;
}

/* Returns whether there is room for what the current task does with @mm. */
static bool uid_mem_hold(struct mm_struct *mm)
{
	const struct uid_mem_ops *ops;
	struct uid_mem_acct *acct;
	bool room = true;
	int idx;

	idx = srcu_read_lock(&uid_mem_srcu);
	ops = srcu_dereference(uid_mem_ops, &uid_mem_srcu);
	acct = srcu_dereference(mm->uid_mem, &uid_mem_srcu);
	if (ops && acct)
		room = ops->hold(acct);
	srcu_read_unlock(&uid_mem_srcu, idx);
	return room;
}

void __uid_mem_kernel_fault(void)
{
	struct mm_struct *mm = current->mm;

	if (mm && uid_mem_has_to_stop(mm))
		uid_mem_hold(mm);
}

bool __uid_mem_copy_stop(struct mm_struct *mm)
{
	mm->uid_mem_near = uid_mem_is_near(mm);
	return mm->uid_mem_near &&
	       (!uid_mem_hold(mm) || fatal_signal_pending(current));
}

void __uid_mem_exec(void)
{
	uid_mem_place(current, current->mm);
}

/**
 * uid_mem_commit_uid - say whose budget a task uses with new credentials
 * @new: the credentials that the current task is about to get
 * @old: those it has
 *
 * That of its real UID, if it changes that with CAP_SETUID in the initial user
 * namespace, as login and su do.  Without it the budget stays the same.  A user
 * can create a namespace, and change there to the UIDs that are mapped for them,
 * or leave a setuid file of such a UID: neither is a way out.
 */
void uid_mem_commit_uid(struct cred *new, const struct cred *old)
{
	new->uid_mem_uid = old->uid_mem_uid;
	if (!uid_eq(new->uid, old->uid) && old->user_ns == &init_user_ns &&
	    cap_raised(old->cap_effective, CAP_SETUID))
		new->uid_mem_uid = new->uid;
}

void __uid_mem_commit_creds(void)
{
	struct mm_struct *mm = current->mm;

	smp_mb(); /* new credentials, then place; pairs with uid_mem_place() */
	if (mm && thread_group_leader(current) && !in_vfork(current))
		uid_mem_place(current, mm);
}

/*
 * Far from its level the account may keep the pages while they go: they are gone
 * before it gets there, so no process is killed in their stead.
 */
void __uid_mem_mm_dying(struct mm_struct *mm)
{
	struct uid_mem_acct *acct;
	bool far = false;
	long upper;

	rcu_read_lock();
	acct = rcu_dereference(mm->uid_mem);
	if (acct) {
		upper = READ_ONCE(acct->upper);
		far = upper < LONG_MAX / 2 &&
		      atomic_long_read(&acct->charged) < upper / 2;
	}
	rcu_read_unlock();
	if (!far)
		uid_mem_set_dying(mm);
}

void __uid_mem_mm_gone(struct mm_struct *mm)
{
	rcu_read_lock();
	uid_mem_wake(uid_mem_detach(mm, NULL, true));
	rcu_read_unlock();
}

void __uid_mem_resume_user_mode(void)
{
	const struct uid_mem_ops *ops;
	struct uid_mem_acct *acct;
	int idx;

	if (!current->mm || !uid_mem_has_to_stop(current->mm))
		return;

	idx = srcu_read_lock(&uid_mem_srcu);
	ops = srcu_dereference(uid_mem_ops, &uid_mem_srcu);
	acct = srcu_dereference(current->mm->uid_mem, &uid_mem_srcu);
	if (ops && acct)
		ops->resume(acct);
	srcu_read_unlock(&uid_mem_srcu, idx);
}

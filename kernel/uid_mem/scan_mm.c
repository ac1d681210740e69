// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Engine "scan": which address space is whose
 *
 * For each address space of a UID that has a limit there is a struct scan_mm,
 * found by its address, with the counters as they were last charged to the
 * account of the UID.
 *
 * Locks: scan_lock, then uid_mem_account::lock.  Both are taken with page table
 * locks held.
 */

#include <linux/cred.h>
#include <linux/hash.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "scan.h"
#include "uid_mem.h"
#include "walk.h"

#define SCAN_HASH_BITS	12

static struct hlist_head scan_mms[1 << SCAN_HASH_BITS];
static DEFINE_SPINLOCK(scan_lock);

/* Changes when what CPUs remember may be wrong. */
atomic_long_t scan_gen = ATOMIC_LONG_INIT(1);

static void scan_place_work_fn(struct work_struct *work);
static DECLARE_WORK(scan_place_work, scan_place_work_fn);

static struct hlist_head *scan_bucket(struct mm_struct *mm)
{
	return &scan_mms[hash_ptr(mm, SCAN_HASH_BITS)];
}

/**
 * scan_find - what there is for an address space
 * @mm: the address space
 *
 * Under rcu_read_lock(), or with preemption off.  Return: NULL for none.
 */
struct scan_mm *scan_find(struct mm_struct *mm)
{
	struct scan_mm *e;

	hlist_for_each_entry_rcu(e, scan_bucket(mm), node,
				 lockdep_is_held(&scan_lock)) {
		if (e->mm == mm)
			return e;
	}
	return NULL;
}

/**
 * scan_find_user - the UID that an address space is charged to
 * @mm: the address space
 *
 * Under rcu_read_lock().  Return: NULL for none.
 */
struct uid_mem_user *scan_find_user(struct mm_struct *mm)
{
	const struct scan_mm *e = scan_find(mm);

	return e ? READ_ONCE(e->user) : NULL;
}

static void scan_leave_locked(struct uid_mem_account *a, struct scan_mm *e)
{
	lockdep_assert_held(&scan_lock);
	scan_uncharge_locked(a, e);
	a->nr--;
	list_del(&e->list);
	WRITE_ONCE(e->user, NULL);
}

static void scan_leave(struct scan_mm *e)
{
	struct uid_mem_account *a = &e->user->account;

	spin_lock(&a->lock);
	scan_leave_locked(a, e);
	spin_unlock(&a->lock);
}

/* Everything that is mapped is new to the account.  False if that is dead. */
static bool scan_join(struct scan_mm *e, struct uid_mem_user *user)
{
	struct uid_mem_account *a = &user->account;
	bool look = false, joined = false;

	lockdep_assert_held(&scan_lock);
	spin_lock(&a->lock);
	if (!a->dead) {
		e->dying = false;
		list_add_tail(&e->list, &a->mms);
		a->nr++;
		WRITE_ONCE(e->user, user);
		scan_charge_all_locked(a, e);
		look = scan_check(a);
		joined = true;
	}
	spin_unlock(&a->lock);
	if (look)
		scan_notify(user);
	if (joined)
		scan_arm(user);
	return joined;
}

/* Forget @e, which is on no account; scan_free() follows. */
static void scan_unhash(struct scan_mm *e)
{
	lockdep_assert_held(&scan_lock);
	hlist_del_rcu(&e->node);
	atomic_long_inc(&scan_gen);
}

static void scan_free(struct scan_mm *e)
{
	mmdrop(e->mm);
	kfree_rcu(e, rcu);
}

static struct scan_mm *scan_alloc(struct mm_struct *mm)
{
	struct scan_mm *e = kzalloc(sizeof(*e), GFP_ATOMIC | __GFP_NOWARN);

	if (e) {
		mmgrab(mm);
		e->mm = mm;
	}
	return e;
}

static struct scan_mm *scan_insert(struct mm_struct *mm,
				   struct uid_mem_user *user)
{
	struct scan_mm *e = scan_alloc(mm);

	if (e && scan_join(e, user)) {
		hlist_add_head_rcu(&e->node, scan_bucket(mm));
		return e;
	}
	if (e)
		scan_free(e);
	return NULL;
}

/**
 * scan_assign - put an address space on the account of a UID
 * @mm: the address space; somebody runs on it, so that giving up the reference
 *	frees nothing here
 * @user: the UID, NULL for none
 *
 * Return: what there is for it now.
 */
struct scan_mm *scan_assign(struct mm_struct *mm, struct uid_mem_user *user)
{
	struct scan_mm *e, *old = NULL;

	spin_lock(&scan_lock);
	e = scan_find(mm);
	if (e && e->user != user) {
		scan_leave(e);
		if (!user || !scan_join(e, user)) {
			scan_unhash(e);
			old = e;
			e = NULL;
		}
	} else if (!e && user) {
		e = scan_insert(mm, user);
	}
	spin_unlock(&scan_lock);
	if (old)
		scan_free(old);
	return e;
}

/**
 * scan_user_of - whose limit counts for a process
 * @p: the process
 * @pending: set to whether there is a limit, but nobody has made the user yet;
 *	     a worker does so
 */
struct uid_mem_user *scan_user_of(struct task_struct *p, bool *pending)
{
	struct uid_mem_user *user;

	rcu_read_lock();
	user = scan_client->peek(__task_cred(READ_ONCE(p->group_leader)),
				 pending);
	rcu_read_unlock();
	if (*pending)
		queue_work(uid_mem_wq, &scan_place_work);
	return user;
}

/**
 * scan_place - put an address space where its process belongs
 * @p: the process, which does not go away
 * @mm: the address space
 * @pending: set to whether it has to be tried again
 *
 * Preemption is off.  Return: what there is for it now.
 */
struct scan_mm *scan_place(struct task_struct *p, struct mm_struct *mm,
			   bool *pending)
{
	struct uid_mem_user *user;
	struct scan_mm *e;

	*pending = false;
	e = scan_find(mm);
	/* The address space is that of its parent. */
	if (in_vfork(p))
		return e;
	user = scan_user_of(p, pending);
	if (*pending || (e ? e->user == user : !user))
		return e;
	e = scan_assign(mm, user);
	/* No memory: again with the next event. */
	*pending = user && !e;
	return e;
}

static void scan_place_work_fn(struct work_struct *work)
{
	scan_client->place_all();
}

/*
 * Those that stay are charged, too: a pass of scan_read() that runs beside this
 * one counts on it.  Returns whether there may be more of @left.
 */
static bool scan_sweep_batch(struct uid_mem_account *a, bool all,
			     unsigned int *left)
{
	struct scan_mm *e, *next;
	unsigned int n;
	LIST_HEAD(list);

	spin_lock(&scan_lock);
	spin_lock(&a->lock);
	for (n = 0; n < SCAN_BATCH && *left && !list_empty(&a->mms); n++) {
		e = list_first_entry(&a->mms, struct scan_mm, list);
		--*left;
		if (!all && !scan_is_gone(e)) {
			scan_charge_all_locked(a, e);
			list_move_tail(&e->list, &a->mms);
			continue;
		}
		scan_leave_locked(a, e);
		scan_unhash(e);
		list_add(&e->list, &list);
	}
	spin_unlock(&a->lock);
	spin_unlock(&scan_lock);
	list_for_each_entry_safe(e, next, &list, list)
		scan_free(e);
	return n == SCAN_BATCH;
}

/**
 * scan_sweep - take address spaces off the account of a UID, and free them
 * @user: the UID
 * @all: all of them; otherwise those that are gone
 *
 * Sleeps.
 */
void scan_sweep(struct uid_mem_user *user, bool all)
{
	unsigned int left = READ_ONCE(user->account.nr);

	while (scan_sweep_batch(&user->account, all, &left))
		cond_resched();
}

static void verify(struct task_struct *p, struct mm_struct *mm, void *unused)
{
	bool pending;

	preempt_disable();
	/* Its end is reported by an event of its own. */
	if (atomic_read(&mm->mm_users))
		scan_place(p, mm, &pending);
	preempt_enable();
}

/** scan_verify - place every process by its credentials as they are now; sleeps */
void scan_verify(void)
{
	uid_mem_walk(verify, NULL);
}

/** scan_mms_stop - wait for what is being placed */
void scan_mms_stop(void)
{
	cancel_work_sync(&scan_place_work);
}

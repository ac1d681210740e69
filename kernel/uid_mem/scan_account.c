// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Engine "scan": the account of a UID
 *
 * Most changes of a counter are too small to matter (uid_mem_account::ignore)
 * and only compared; the others are charged exactly.
 *
 * How far an account may be behind: each address space by @ignore, which gets
 * smaller as the limit comes closer, and from 6.2 on by what CPUs that it has
 * left keep in their part of a counter.  When less is left than that may add
 * up to, the UID is looked at, which sums all its address spaces exactly.
 * Before a kernel 6.2 each thread keeps up to 64 page faults to itself, which
 * nobody can see.
 */

#include <linux/spinlock.h>

#include "compat.h"
#include "metric.h"
#include "scan.h"
#include "uid_mem.h"

/* Pages of one address space that are never worth to be charged by themselves. */
#define SCAN_IGNORE	64L

/*
 * Address spaces that are gone are given up when there may be so many, and as
 * many as were left the last time.  Most go with the timer.
 */
#define SCAN_GONE	32U

/*
 * All that is ignored together is at most half of what is left.  Returns
 * true when it has just become so little that all should be summed.
 */
static bool scan_set_ignore(struct uid_mem_account *a)
{
	long room = max(scan_room(a), 0L), each = 2 * SCAN_IGNORE;
	bool was_close = a->close;

	WRITE_ONCE(a->ignore, min(SCAN_IGNORE, room >> (fls(a->nr) + 1)));
	each += uid_mem_counter_slack();
	a->close = room < each * a->nr;
	return a->close && !was_close;
}

static bool scan_is_outside(const struct uid_mem_account *a)
{
	return a->charged[0] > a->upper || a->charged[0] < a->lower;
}

static bool scan_is_crowded(const struct uid_mem_account *a)
{
	return a->nr > 2 * a->nr_kept + SCAN_GONE;
}

/**
 * scan_check - is it time to look?
 * @a: the account; its lock is held
 *
 * Once is enough, unless another thread would come sooner.
 */
bool scan_check(struct uid_mem_account *a)
{
	bool look = scan_set_ignore(a);
	enum scan_called call;

	a->peak = max(a->peak, a->charged[0] + a->charged[1]);
	if (a->called == SCAN_CALLED_RESCUER ||
	    (!look && !scan_is_outside(a) && !scan_is_crowded(a)))
		return false;
	call = scan_whom_to_call(a);
	if (a->called >= call)
		return false;
	if (!a->called)
		a->called_at = jiffies;
	a->called = call;
	return true;
}

static void scan_add(struct uid_mem_account *a, bool dying, int member,
		     long pages)
{
	a->counts[dying][member] += pages;
	if (a->members & (1U << member))
		a->charged[dying] += pages;
}

/* Charge a counter of @e as it is now.  The lock of the account is held. */
static void scan_charge_locked(struct uid_mem_account *a, struct scan_mm *e,
			       int member)
{
	long now = uid_mem_mm_counter(e->mm, member);

	scan_add(a, e->dying, member, now - e->seen[member]);
	e->seen[member] = now;
	WRITE_ONCE(e->base[member], uid_mem_mm_counter_here(e->mm, member));
}

/**
 * scan_charge_all_locked - charge an address space as it is now
 * @a: its account; the lock is held
 * @e: the address space
 */
void scan_charge_all_locked(struct uid_mem_account *a, struct scan_mm *e)
{
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++)
		scan_charge_locked(a, e, i);
}

/*
 * Have @change change an address space under the lock of the account that it is
 * on, and say whether the UID has to be looked at.  The address space may move to
 * another account meanwhile.  Preemption is off, so that the account stays.
 */
static __always_inline void
scan_update(struct scan_mm *e, int member,
	    bool (*change)(struct uid_mem_account *a, struct scan_mm *e,
			   int member))
{
	struct uid_mem_user *user;
	bool mine, look = false;

	do {
		user = READ_ONCE(e->user);
		if (!user)
			return;
		spin_lock(&user->account.lock);
		mine = user == e->user;
		if (mine)
			look = change(&user->account, e, member);
		spin_unlock(&user->account.lock);
	} while (!mine);
	if (look)
		scan_notify(user);
	scan_arm(user);
}

static bool scan_charge_and_check(struct uid_mem_account *a, struct scan_mm *e,
				  int member)
{
	scan_charge_locked(a, e, member);
	return scan_check(a);
}

/**
 * scan_charge - charge a counter of an address space as it is now
 * @e: the address space
 * @member: the counter
 *
 * With preemption off.
 */
void scan_charge(struct scan_mm *e, int member)
{
	scan_update(e, member, scan_charge_and_check);
}

/**
 * scan_uncharge_locked - take an address space off its account
 * @a: the account; the lock is held
 * @e: the address space
 */
void scan_uncharge_locked(struct uid_mem_account *a, struct scan_mm *e)
{
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++) {
		scan_add(a, e->dying, i, -e->seen[i]);
		e->seen[i] = 0;
	}
}

static bool scan_set_dying_locked(struct uid_mem_account *a, struct scan_mm *e,
				  int unused)
{
	if (!e->dying) {
		scan_uncharge_locked(a, e);
		e->dying = true;
		scan_charge_all_locked(a, e);
	}
	return false;
}

/**
 * scan_set_dying - from now on an address space is on its way out
 * @e: the address space
 *
 * With preemption off.
 */
void scan_set_dying(struct scan_mm *e)
{
	scan_update(e, 0, scan_set_dying_locked);
}

/**
 * scan_is_gone - has everybody left an address space, with all its pages?
 * @e: the address space; the lock of its account is held
 *
 * How it ends may be too little to be charged, so there is no event to rely on.
 */
bool scan_is_gone(const struct scan_mm *e)
{
	int i;

	if (atomic_read(&e->mm->mm_users))
		return false;
	for (i = 0; i < NR_MM_COUNTERS; i++)
		if (e->seen[i])
			return false;
	return true;
}

/*
 * Charge all address spaces as they are now.  Each goes to the end of the list,
 * so that the lock can be given up: a pass is over when as many have been
 * charged as there were at its beginning.  Returns how many are gone.
 */
static unsigned int scan_charge_mms(struct uid_mem_account *a)
{
	unsigned int left, gone = 0;

	lockdep_assert_held(&a->lock);
	for (left = a->nr; left && !list_empty(&a->mms); left--) {
		struct scan_mm *e = list_first_entry(&a->mms, struct scan_mm,
						     list);

		list_move_tail(&e->list, &a->mms);
		scan_charge_all_locked(a, e);
		gone += scan_is_gone(e);
		if (left % SCAN_BATCH == 0) {
			spin_unlock(&a->lock);
			cond_resched();
			spin_lock(&a->lock);
		}
	}
	return gone;
}

/**
 * scan_read - sum all address spaces of a UID
 * @user: the UID
 * @usage: set to what it uses
 *
 * Sleeps.  Return: how many address spaces are gone.
 */
unsigned int scan_read(struct uid_mem_user *user, struct uid_mem_usage *usage)
{
	struct uid_mem_account *a = &user->account;
	unsigned int gone;
	int i;

	spin_lock(&a->lock);
	a->called = SCAN_NOT_CALLED;
	gone = scan_charge_mms(a);
	for (i = 0; i < NR_MM_COUNTERS; i++)
		usage->counts[i] = a->counts[0][i] + a->counts[1][i];
	usage->live = a->charged[0];
	usage->dying = a->charged[1];
	a->peak = max(a->peak, usage->live + usage->dying);
	if (user->limit.metric != UID_MEM_METRIC_FOOTPRINT)
		user->peak = max(user->peak, a->peak);
	/* The caller sweeps the others. */
	a->nr_kept = a->nr - min(gone, a->nr);
	spin_unlock(&a->lock);
	return gone;
}

/**
 * uid_mem_engine_add - get ready for the processes of a UID
 * @user: the UID, with its limit
 *
 * Return: 0.
 */
int uid_mem_engine_add(struct uid_mem_user *user)
{
	struct uid_mem_account *a = &user->account;

	atomic_set(&a->queued, 0);
	spin_lock_init(&a->lock);
	INIT_LIST_HEAD(&a->mms);
	a->members = uid_mem_metric_members(user->limit.metric);
	a->lower = LONG_MIN;
	a->upper = LONG_MAX;
	a->ignore = SCAN_IGNORE;
	return 0;
}

/**
 * uid_mem_engine_set_metric - count what the limit of a UID says
 * @user: the UID
 */
void uid_mem_engine_set_metric(struct uid_mem_user *user)
{
	struct uid_mem_account *a = &user->account;
	int dying, i;

	spin_lock(&a->lock);
	a->members = uid_mem_metric_members(user->limit.metric);
	for (dying = 0; dying < 2; dying++) {
		a->charged[dying] = 0;
		for (i = 0; i < NR_MM_COUNTERS; i++)
			if (a->members & (1U << i))
				a->charged[dying] += a->counts[dying][i];
	}
	spin_unlock(&a->lock);
}

/**
 * uid_mem_engine_set_levels - say when to look at a UID
 * @user: the UID
 * @lower: when it uses fewer pages, LONG_MIN for never
 * @upper: when it uses more pages, LONG_MAX for never
 *
 * Also the end of a look: another follows after a while if something was
 * charged since the one before.
 */
void uid_mem_engine_set_levels(struct uid_mem_user *user, long lower, long upper)
{
	struct uid_mem_account *a = &user->account;
	unsigned long interval;
	bool outside, active;

	spin_lock(&a->lock);
	if (a->dead) {
		spin_unlock(&a->lock);
		return;
	}
	a->lower = lower;
	a->upper = upper;
	scan_set_ignore(a);
	outside = scan_is_outside(a);
	a->called = outside ? SCAN_CALLED_LOOKER : SCAN_NOT_CALLED;
	a->called_at = jiffies;
	interval = scan_interval(a);
	active = a->active;
	WRITE_ONCE(a->active, false);
	spin_unlock(&a->lock);
	if (outside)
		scan_look_now(user);
	else if (active)
		queue_delayed_work(uid_mem_wq, &user->work, interval);
}

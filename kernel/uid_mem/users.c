// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * The UIDs that have a limit, and which limit counts for a process
 *
 * A UID that has a limit and a process gets a struct uid_mem_user, made when
 * the first process turns up and kept as long as there is a limit for it.
 *
 * A user is looked up without a lock, by the hooks of the engine, and is given up
 * when the engine says that no hook is left that may have found it.  Anything else
 * that looks at it takes a reference.
 */

#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "compat.h"
#include "dying.h"
#include "footprint.h"
#include "uid_mem.h"
#include "walk.h"

static const struct uid_mem_table no_limits;
static const struct uid_mem_table __rcu *limits = RCU_INITIALIZER(&no_limits);

static DEFINE_XARRAY(users);
static DEFINE_MUTEX(users_mutex);

/* Users that are out of use, until no hook can hold one any more. */
static LIST_HEAD(dead_users);
static DEFINE_SPINLOCK(dead_users_lock);
static void free_dead_users(struct work_struct *work);
static DECLARE_WORK(free_dead_users_work, free_dead_users);

/*
 * The limit of the budget that a UID uses; false when there is none.  *uid is
 * set to the UID whose budget it is.
 */
static bool find_limit(u32 *uid, struct uid_mem_limit *limit)
{
	const struct uid_mem_entry *entry;

	rcu_read_lock();
	entry = uid_mem_table_limit(rcu_dereference(limits), uid);
	if (entry)
		*limit = entry->limit;
	rcu_read_unlock();
	return entry;
}

/* The limit of a UID that pays for itself; false when there is none. */
static bool find_own_limit(u32 uid, struct uid_mem_limit *limit)
{
	u32 payer = uid;

	return find_limit(&payer, limit) && payer == uid;
}

static struct uid_mem_user *make_user(u32 uid, const struct uid_mem_limit *limit)
{
	struct uid_mem_user *user = kzalloc(sizeof(*user), GFP_KERNEL);

	if (!user)
		return NULL;
	user->uid = uid;
	refcount_set(&user->refs, 1);
	user->limit = *limit;
	user->dying_at = jiffies - UID_MEM_DYING_WAIT;
	user->grace_at = jiffies;
	rt_mutex_init(&user->mutex);
	INIT_LIST_HEAD(&user->dying);
	ratelimit_state_init(&user->log_rate, DEFAULT_RATELIMIT_INTERVAL,
			     DEFAULT_RATELIMIT_BURST);
	INIT_DELAYED_WORK(&user->work, uid_mem_enforce_fn);
	if (uid_mem_engine_add(user)) {
		kfree(user);
		return NULL;
	}
	return user;
}

static void free_user(struct uid_mem_user *user)
{
	cancel_delayed_work_sync(&user->work);
	uid_mem_dying_forget(user);
	uid_mem_footprint_forget(user);
	uid_mem_engine_free(user);
	kfree(user);
}

/* Make the user of a UID that has a limit; NULL where memory is short. */
static struct uid_mem_user *add_user(u32 uid, const struct uid_mem_limit *limit)
{
	struct uid_mem_user *user = make_user(uid, limit);

	if (user && xa_err(xa_store(&users, uid, user, GFP_KERNEL))) {
		free_user(user);
		user = NULL;
	}
	if (user)
		uid_mem_look(user);
	else
		pr_warn_ratelimited("uid_mem: no memory to account for uid %u; write its limit again\n",
				    uid);
	return user;
}

/* The user whose budget a UID uses; made if need be, NULL for no limit. */
static struct uid_mem_user *get_user_of(u32 uid)
{
	struct uid_mem_user *user = xa_load(&users, uid);
	struct uid_mem_limit limit;
	u32 payer = uid;

	if (user || !find_limit(&payer, &limit))
		return user;
	user = xa_load(&users, payer);
	if (user)
		return user;

	mutex_lock(&users_mutex);
	payer = uid;
	if (find_limit(&payer, &limit)) {
		user = xa_load(&users, payer);
		if (!user)
			user = add_user(payer, &limit);
	}
	mutex_unlock(&users_mutex);
	return user;
}

/* The creator of the outermost user namespace that the credentials are from. */
static u32 namespace_owner(const struct cred *cred)
{
	struct user_namespace *ns = cred->user_ns;

	while (ns->parent != &init_user_ns)
		ns = ns->parent;
	return from_kuid(&init_user_ns, ns->owner);
}

#define MAX_PAYERS	3

/*
 * The UIDs whose limit may count for some credentials; the first that has one
 * does.  The budget that the engine knows of comes first, then that of the UID
 * that created the outermost user namespace, or else anybody could leave their
 * limit behind by making one, and then that of the real UID.
 */
static unsigned int find_payers(const struct cred *cred, u32 uids[MAX_PAYERS])
{
	unsigned int nr = 0;

	uids[nr++] = from_kuid(&init_user_ns, uid_mem_engine_uid(cred));
	if (cred->user_ns != &init_user_ns)
		uids[nr++] = namespace_owner(cred);
	uids[nr++] = from_kuid(&init_user_ns, cred->uid);
	return nr;
}

/**
 * uid_mem_user_find - the user whose limit counts for some credentials
 * @cred: the credentials of a process
 *
 * Each UID that find_payers() names stands for the UID that it is charged to, if
 * the table says so.
 *
 * Sleeps.  Return: the user, or NULL where there is no limit.
 */
struct uid_mem_user *uid_mem_user_find(const struct cred *cred)
{
	struct uid_mem_user *user = NULL;
	u32 uids[MAX_PAYERS];
	unsigned int i, nr = find_payers(cred, uids);

	for (i = 0; i < nr && !user; i++)
		user = get_user_of(uids[i]);
	return user;
}

/* As get_user_of(), but @pending says that it has to be made yet. */
static struct uid_mem_user *peek_user_of(u32 uid, bool *pending)
{
	struct uid_mem_user *user = xa_load(&users, uid);
	struct uid_mem_limit limit;

	if (!user && find_limit(&uid, &limit)) {
		user = xa_load(&users, uid);
		*pending = !user;
	}
	return user;
}

/**
 * uid_mem_user_peek - uid_mem_user_find() without sleeping
 * @cred: the credentials of a process
 * @pending: set to whether there is a limit but no user yet, which
 *	     uid_mem_user_find() makes
 *
 * Return: the user, valid in this RCU read-side critical section, or NULL.
 */
struct uid_mem_user *uid_mem_user_peek(const struct cred *cred, bool *pending)
{
	struct uid_mem_user *user = NULL;
	u32 uids[MAX_PAYERS];
	unsigned int i, nr = find_payers(cred, uids);

	*pending = false;
	for (i = 0; i < nr && !user && !*pending; i++)
		user = peek_user_of(uids[i], pending);
	return user;
}

/**
 * uid_mem_user_get - a user, to look at it
 * @uid: its UID
 *
 * Takes no lock: a reader must not hold up processes that fork or change
 * their UID.
 *
 * Return: the user, for uid_mem_user_put(), or NULL.
 */
struct uid_mem_user *uid_mem_user_get(u32 uid)
{
	struct uid_mem_user *user;

	rcu_read_lock();
	user = xa_load(&users, uid);
	if (user && !refcount_inc_not_zero(&user->refs))
		user = NULL;
	rcu_read_unlock();
	return user;
}

/**
 * uid_mem_user_get_next - the next user, by UID
 * @uid: the UID to begin with; set to that of the user
 *
 * Return: the user, for uid_mem_user_put(), or NULL after the last.
 */
struct uid_mem_user *uid_mem_user_get_next(unsigned long *uid)
{
	struct uid_mem_user *user;

	rcu_read_lock();
	user = xa_find(&users, uid, U32_MAX, XA_PRESENT);
	while (user && !refcount_inc_not_zero(&user->refs))
		user = xa_find_after(&users, uid, U32_MAX, XA_PRESENT);
	rcu_read_unlock();
	return user;
}

/**
 * uid_mem_user_put - give up a reference
 * @user: the user
 *
 * Sleeps.
 */
void uid_mem_user_put(struct uid_mem_user *user)
{
	if (refcount_dec_and_test(&user->refs))
		free_user(user);
}

/* A child of vfork() runs on the address space of its parent. */
static void place(struct task_struct *p, struct mm_struct *mm, void *unused)
{
	if (!mmget_not_zero(mm))
		return;
	if (!in_vfork(p))
		uid_mem_engine_place(p, mm);
	mmput(mm);
}

/**
 * uid_mem_place_all - put every process where it belongs
 *
 * For the processes that ran before there was a limit for them: those that
 * are forked later, and those that change their credentials, place
 * themselves, and did so with the new limits if the walk does not see them.
 * Sleeps.
 */
void uid_mem_place_all(void)
{
	uid_mem_walk(place, NULL);
}

/**
 * uid_mem_scan - look at all users now
 * @policy: number of the policy that chooses the victims,
 *	    UID_MEM_POLICY_DEFAULT for those of the limits
 *
 * Sleeps.
 */
void uid_mem_scan(unsigned int policy)
{
	struct uid_mem_user *user;
	unsigned long uid;

	for (uid = 0; (user = uid_mem_user_get_next(&uid)); uid++) {
		uid_mem_enforce(user, policy);
		uid_mem_user_put(user);
	}
}

static void free_dead_users(struct work_struct *work)
{
	struct uid_mem_user *user, *next;
	LIST_HEAD(list);

	spin_lock(&dead_users_lock);
	list_splice_init(&dead_users, &list);
	spin_unlock(&dead_users_lock);
	if (list_empty(&list))
		return;

	uid_mem_engine_synchronize();
	list_for_each_entry_safe(user, next, &list, dead)
		uid_mem_user_put(user);
}

static void remove_user(struct uid_mem_user *user)
{
	xa_erase(&users, user->uid);
	uid_mem_engine_remove(user);
	spin_lock(&dead_users_lock);
	list_add(&user->dead, &dead_users);
	spin_unlock(&dead_users_lock);
}

static void set_user_limit(struct uid_mem_user *user,
			   const struct uid_mem_limit *limit)
{
	bool metric_changed;

	if (uid_mem_limits_equal(&user->limit, limit))
		return;
	rt_mutex_lock(&user->mutex);
	metric_changed = user->limit.metric != limit->metric;
	user->limit = *limit;
	/* New levels are new crossings. */
	user->high_told = false;
	user->term_due = false;
	user->max_told = false;
	user->unkillable_told = false;
	user->over = false;
	user->grace_spent = 0;
	if (metric_changed)
		uid_mem_engine_set_metric(user);
	rt_mutex_unlock(&user->mutex);
	uid_mem_look(user);
}

/**
 * uid_mem_users_set_limits - give each user the limit it has now
 * @table: the limits; the one given before is not read any more after an RCU
 *	   grace period
 *
 * One caller at a time.
 */
void uid_mem_users_set_limits(const struct uid_mem_table *table)
{
	struct uid_mem_limit limit;
	struct uid_mem_user *user;
	unsigned long uid;

	mutex_lock(&users_mutex);
	rcu_assign_pointer(limits, table);
	xa_for_each(&users, uid, user)
		if (!find_own_limit(user->uid, &limit))
			remove_user(user);
	mutex_unlock(&users_mutex);
	queue_work(uid_mem_wq, &free_dead_users_work);

	/*
	 * A user that is made from here on has its limit of this table.  To enforce
	 * one may take a while; a process that needs a user made does not wait for that.
	 */
	for (uid = 0; (user = uid_mem_user_get_next(&uid)); uid++) {
		if (find_own_limit(user->uid, &limit))
			set_user_limit(user, &limit);
		uid_mem_user_put(user);
	}
}

/** uid_mem_users_exit - wait until all users that were removed are gone */
void uid_mem_users_exit(void)
{
	flush_work(&free_dead_users_work);
}

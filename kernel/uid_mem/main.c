// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * uid_mem: a memory budget for every UID
 *
 * The table of limits (table.c) says what each UID may use.  A UID that has a
 * limit and a process gets a struct uid_mem_user, made when the first process
 * turns up and kept as long as there is a limit for it.  The engine
 * (engine_*.c) tells when usage leaves the range between two levels, and the
 * killer (killer.c) decides what follows.
 *
 * Locks, outermost first:
 *	limits_mutex	changes of the table, one at a time
 *	users_mutex	which users there are, and the limits they have
 *	uid_mem_user::mutex
 *			one look at a user at a time
 *
 * A user is looked up without a lock, by the hooks of the engine, and is
 * freed when the engine says that no hook is left that may have found it.
 */

#include <linux/init.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "compat.h"
#include "events.h"
#include "uid_mem.h"

static unsigned int max_entries;
module_param(max_entries, uint, 0644);
MODULE_PARM_DESC(max_entries, "largest number of limits, 0 for any (default 0)");

static bool evict = true;
module_param(evict, bool, 0644);
MODULE_PARM_DESC(evict, "at max_entries, drop the least recently set limit; otherwise refuse the new one (default Y)");

/*
 * A worker on the CPU of the task that went over a limit takes its turn as soon
 * as that task can be preempted, whatever the other CPUs do.
 */
#define UID_MEM_WQ_FLAGS	(WQ_PERCPU | WQ_HIGHPRI | WQ_CPU_INTENSIVE)

struct workqueue_struct *uid_mem_wq;

static const struct uid_mem_table no_limits;
static const struct uid_mem_table __rcu *limits = RCU_INITIALIZER(&no_limits);
static DEFINE_MUTEX(limits_mutex);
static u64 next_seq;		/* under limits_mutex */
static bool accounting;		/* under limits_mutex */

static DEFINE_XARRAY(users);
static DEFINE_MUTEX(users_mutex);

/* Users that are out of use, until no hook can hold one any more. */
static LIST_HEAD(dead_users);
static DEFINE_SPINLOCK(dead_users_lock);
static void free_dead_users(struct work_struct *work);
static DECLARE_WORK(free_dead_users_work, free_dead_users);

/* The limit of a UID; false when it has none. */
static bool find_limit(u32 uid, struct uid_mem_limit *limit)
{
	const struct uid_mem_entry *entry;

	rcu_read_lock();
	entry = uid_mem_table_find(rcu_dereference(limits), uid);
	if (entry)
		*limit = entry->limit;
	rcu_read_unlock();
	return entry;
}

static struct uid_mem_user *make_user(u32 uid, const struct uid_mem_limit *limit)
{
	struct uid_mem_user *user = kzalloc(sizeof(*user), GFP_KERNEL);

	if (!user)
		return NULL;
	user->uid = uid;
	user->limit = *limit;
	user->dying_at = jiffies - UID_MEM_DYING_WAIT;
	mutex_init(&user->mutex);
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
	uid_mem_engine_free(user);
	kfree(user);
}

/* The user of a UID that has a limit; made if need be, NULL for none. */
static struct uid_mem_user *get_user_of(u32 uid)
{
	struct uid_mem_user *user = xa_load(&users, uid);
	struct uid_mem_limit limit;

	if (user || !find_limit(uid, &limit))
		return user;

	mutex_lock(&users_mutex);
	user = xa_load(&users, uid);
	if (!user && find_limit(uid, &limit)) {
		user = make_user(uid, &limit);
		if (user && xa_err(xa_store(&users, uid, user, GFP_KERNEL))) {
			free_user(user);
			user = NULL;
		}
		if (user)
			uid_mem_enforce(user, UID_MEM_POLICY_DEFAULT);
		else
			pr_warn_ratelimited("uid_mem: no memory to account for uid %u; write its limit again\n",
					    uid);
	}
	mutex_unlock(&users_mutex);
	return user;
}

/* Who created the outermost user namespace that the credentials are from. */
static u32 namespace_owner(const struct cred *cred)
{
	struct user_namespace *ns = cred->user_ns;

	while (ns->parent != &init_user_ns)
		ns = ns->parent;
	return from_kuid(&init_user_ns, ns->owner);
}

/**
 * uid_mem_user_find - the user whose limit counts for some credentials
 * @cred: the credentials of a process
 *
 * That is its real UID.  In a user namespace, where that UID has no limit, it
 * is who created the outermost such namespace, or else anybody could leave
 * their limit behind by making one.
 *
 * Sleeps.  Return: the user, or NULL where there is no limit.
 */
struct uid_mem_user *uid_mem_user_find(const struct cred *cred)
{
	struct uid_mem_user *user;

	user = get_user_of(from_kuid(&init_user_ns, cred->uid));
	if (user || cred->user_ns == &init_user_ns)
		return user;
	return get_user_of(namespace_owner(cred));
}

/* As get_user_of(), but @pending says that it has to be made yet. */
static struct uid_mem_user *peek_user_of(u32 uid, bool *pending)
{
	struct uid_mem_user *user = xa_load(&users, uid);

	if (!user) {
		rcu_read_lock();
		*pending = uid_mem_table_find(rcu_dereference(limits), uid);
		rcu_read_unlock();
	}
	return user;
}

/**
 * uid_mem_user_peek - uid_mem_user_find() for who cannot sleep
 * @cred: the credentials of a process
 * @pending: set to whether there is a limit but no user yet, which
 *	     uid_mem_user_find() makes
 *
 * Return: the user, valid in this RCU read-side critical section, or NULL.
 */
struct uid_mem_user *uid_mem_user_peek(const struct cred *cred, bool *pending)
{
	struct uid_mem_user *user;

	*pending = false;
	user = peek_user_of(from_kuid(&init_user_ns, cred->uid), pending);
	if (user || *pending || cred->user_ns == &init_user_ns)
		return user;
	return peek_user_of(namespace_owner(cred), pending);
}

/** uid_mem_users_lock - let no user come, go or get another limit; sleeps */
void uid_mem_users_lock(void)
{
	mutex_lock(&users_mutex);
}

/** uid_mem_users_unlock - undo uid_mem_users_lock() */
void uid_mem_users_unlock(void)
{
	mutex_unlock(&users_mutex);
}

/**
 * uid_mem_users_next - the next user, by UID
 * @uid: the UID to begin with; set to that of the user
 *
 * Call with users locked.  Return: the user, or NULL after the last.
 */
struct uid_mem_user *uid_mem_users_next(unsigned long *uid)
{
	return xa_find(&users, uid, U32_MAX, XA_PRESENT);
}

/**
 * uid_mem_users_count_procs - set uid_mem_user::procs of all users
 *
 * Call with users locked.
 */
void uid_mem_users_count_procs(void)
{
	struct task_struct *p, *t;
	struct uid_mem_user *user;
	unsigned long uid;

	xa_for_each(&users, uid, user)
		user->procs = 0;
	rcu_read_lock();
	for_each_process(p) {
		if (uid_mem_is_kthread(p))
			continue;
		for_each_thread(p, t) {
			struct mm_struct *mm;

			task_lock(t);
			mm = t->mm;
			user = mm ? uid_mem_engine_owner(mm) : NULL;
			task_unlock(t);
			if (user)
				user->procs++;
			if (mm)
				break;
		}
	}
	rcu_read_unlock();
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

	uid_mem_users_lock();
	for (uid = 0; (user = uid_mem_users_next(&uid)); uid++)
		uid_mem_enforce(user, policy);
	uid_mem_users_unlock();
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
		free_user(user);
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

	if (!memcmp(&user->limit, limit, sizeof(*limit)))
		return;
	mutex_lock(&user->mutex);
	metric_changed = user->limit.metric != limit->metric;
	user->limit = *limit;
	/* New levels are new crossings. */
	user->high_told = false;
	user->max_told = false;
	user->unkillable_told = false;
	user->over = false;
	if (metric_changed)
		uid_mem_engine_set_metric(user);
	mutex_unlock(&user->mutex);
	uid_mem_enforce(user, UID_MEM_POLICY_DEFAULT);
}

/* Replace the table, and give each user the limit it has now. */
static void publish_limits(const struct uid_mem_table *table)
{
	const struct uid_mem_table *old;
	struct uid_mem_limit limit;
	struct uid_mem_user *user;
	unsigned long uid;

	mutex_lock(&users_mutex);
	old = rcu_dereference_protected(limits, lockdep_is_held(&limits_mutex));
	rcu_assign_pointer(limits, table);
	xa_for_each(&users, uid, user) {
		if (find_limit(user->uid, &limit))
			set_user_limit(user, &limit);
		else
			remove_user(user);
	}
	mutex_unlock(&users_mutex);

	if (old != &no_limits)
		kvfree_rcu((struct uid_mem_table *)old, rcu);
	queue_work(uid_mem_wq, &free_dead_users_work);
}

static void tell_table_event(enum uid_mem_event_type type,
			     const struct uid_mem_limit *limit)
{
	struct uid_mem_event event = {
		.type = type,
		.first = limit->first,
		.last = limit->last,
		.max = limit->max,
	};

	uid_mem_event_add(&event);
}

/* What @changes did to the table @old, and what had to go for it. */
static void tell_changes(const struct uid_mem_table *old,
			 const struct uid_mem_change *changes, unsigned int nr,
			 const struct uid_mem_table *evicted)
{
	const struct uid_mem_entry *was;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		const struct uid_mem_limit *limit = &changes[i].limit;

		if (!changes[i].remove) {
			tell_table_event(UID_MEM_LIMIT_SET, limit);
			continue;
		}
		was = uid_mem_table_get(old, limit->first, limit->last);
		tell_table_event(UID_MEM_LIMIT_REMOVED, was ? &was->limit : limit);
	}
	for (i = 0; evicted && i < evicted->nr; i++)
		tell_table_event(UID_MEM_EVICTED, &evicted->entries[i].limit);
}

static int start_accounting(void)
{
	int err = accounting ? 0 : uid_mem_engine_start();

	if (!err)
		accounting = true;
	return err;
}

static void stop_accounting(void)
{
	if (accounting)
		uid_mem_engine_stop();
	accounting = false;
}

/**
 * uid_mem_limits_change - change the table of limits
 * @changes: the changes, in order
 * @nr: how many
 *
 * All of them take effect, also for processes that run already, or none.
 *
 * Return: 0; 1 when entries were evicted for them; -ENOENT for a removal of
 * what is not there; -EINVAL for ranges that overlap; -ENOSPC where the table is
 * full; -ENOMEM; -EBUSY when somebody else uses the kernel's accounting.
 */
int uid_mem_limits_change(const struct uid_mem_change *changes, unsigned int nr)
{
	const struct uid_mem_rules rules = {
		.max_entries = READ_ONCE(max_entries),
		.evict = READ_ONCE(evict),
	};
	const struct uid_mem_table *old;
	struct uid_mem_table *new, *evicted;
	int err;

	if (!nr)
		return 0;
	mutex_lock(&limits_mutex);
	old = rcu_dereference_protected(limits, lockdep_is_held(&limits_mutex));
	new = uid_mem_table_apply(old, changes, nr, next_seq, &rules, &evicted,
				  &err);
	if (!new)
		goto out;
	uid_mem_engine_change_begin();
	if (new->nr)
		err = start_accounting();
	if (err) {
		uid_mem_table_free(new);
		goto end;
	}
	next_seq += nr;
	tell_changes(old, changes, nr, evicted);
	err = evicted && evicted->nr;
	publish_limits(new);
	if (new->nr)
		uid_mem_place_all();
	else
		stop_accounting();
end:
	uid_mem_engine_change_end();
out:
	mutex_unlock(&limits_mutex);
	uid_mem_table_free(evicted);
	return err;
}

/**
 * uid_mem_limits_copy - the table of limits as it is now
 *
 * Return: a copy, to be freed with uid_mem_table_free(), or NULL.
 */
struct uid_mem_table *uid_mem_limits_copy(void)
{
	const struct uid_mem_table *now;
	struct uid_mem_table *copy;
	size_t size;

	mutex_lock(&limits_mutex);
	now = rcu_dereference_protected(limits, lockdep_is_held(&limits_mutex));
	size = struct_size(now, entries, now->nr);
	copy = kvmalloc(size, GFP_KERNEL);
	if (copy)
		memcpy(copy, now, size);
	mutex_unlock(&limits_mutex);
	return copy;
}

static int __init uid_mem_init(void)
{
	int err;

	uid_mem_wq = alloc_workqueue("uid_mem", UID_MEM_WQ_FLAGS, 0);
	if (!uid_mem_wq)
		return -ENOMEM;
	err = uid_mem_proc_init();
	if (err)
		goto destroy_wq;
	err = uid_mem_syscalls_start();
	if (err)
		goto remove_proc;
	pr_info("uid_mem: engine %s\n", uid_mem_engine_name);
	return 0;

remove_proc:
	uid_mem_proc_exit();
	uid_mem_events_exit();
destroy_wq:
	destroy_workqueue(uid_mem_wq);
	return err;
}

static void __exit uid_mem_exit(void)
{
	uid_mem_syscalls_stop();
	uid_mem_proc_exit();
	mutex_lock(&limits_mutex);
	publish_limits(&no_limits);
	stop_accounting();
	mutex_unlock(&limits_mutex);
	flush_work(&free_dead_users_work);
	uid_mem_events_exit();
	destroy_workqueue(uid_mem_wq);
	uid_mem_engine_exit();
	/* Tables that are being freed need nothing of the module. */
}

module_init(uid_mem_init);
module_exit(uid_mem_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The uid_mem authors");
MODULE_DESCRIPTION("Memory budget for every UID, enforced by killing");
MODULE_VERSION("0.1.0");

// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Engine "hooks": a kernel with CONFIG_UID_MEM keeps the accounts
 *
 * A UID has two accounts: its address spaces are on @live, where they count
 * against the limit, until their processes are dying, and then on @dying,
 * until their pages are gone.
 */

#include <linux/jiffies.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "uid_mem.h"

const char *const uid_mem_engine_name = "hooks";

static const unsigned int metric_members[UID_MEM_NR_METRICS] = {
	[UID_MEM_METRIC_RSS] =
		BIT(MM_FILEPAGES) | BIT(MM_ANONPAGES) | BIT(MM_SHMEMPAGES),
	[UID_MEM_METRIC_ANON] = BIT(MM_ANONPAGES) | BIT(MM_SWAPENTS),
};

static struct uid_mem_acct *hooks_find(const struct cred *cred)
{
	struct uid_mem_user *user = uid_mem_user_find(cred);

	return user ? &user->live : NULL;
}

/* Atomic context, with page table locks held: only arrange for a look. */
static void hooks_notify(struct uid_mem_acct *acct)
{
	struct uid_mem_user *user;

	if (!acct->dying)
		return;
	user = container_of(acct, struct uid_mem_user, live);
	mod_delayed_work(uid_mem_wq, &user->work, 0);
}

/*
 * Is there reason to wait: somebody who has not looked yet, or victims that
 * have not given back what they had?
 */
static bool is_settled(struct uid_mem_user *user)
{
	long max = uid_mem_pages(READ_ONCE(user->limit.max));
	long live = uid_mem_acct_read(&user->live);
	long dying = uid_mem_acct_read(&user->dying);

	if (uid_mem_acct_is_above(&user->live))
		return false;
	return dying <= 0 || live + dying <= max ||
	       time_is_before_eq_jiffies(READ_ONCE(user->dying_at) +
					 UID_MEM_DYING_WAIT);
}

/*
 * Not for long: a victim may hang, and whoever waits may hold what the victim
 * needs.
 */
static void hooks_wait(struct uid_mem_acct *acct)
{
	struct uid_mem_user *user;
	int tries = UID_MEM_DYING_WAIT;

	if (!acct->dying)
		return;
	user = container_of(acct, struct uid_mem_user, live);
	while (tries-- && !fatal_signal_pending(current) && !is_settled(user))
		schedule_timeout_killable(1);
}

/*
 * The task that took its UID over the limit looks itself, rather than run on
 * until a worker gets to it.
 */
static void hooks_resume(struct uid_mem_acct *acct)
{
	struct uid_mem_user *user;

	if (!acct->dying)
		return;
	user = container_of(acct, struct uid_mem_user, live);
	uid_mem_enforce(user, UID_MEM_POLICY_DEFAULT);
	hooks_wait(acct);
}

static const struct uid_mem_ops hooks_ops = {
	.find = hooks_find,
	.notify = hooks_notify,
	.resume = hooks_resume,
	.wait = hooks_wait,
};

/**
 * uid_mem_engine_start - begin to account
 *
 * Return: 0 or -EBUSY.
 */
int uid_mem_engine_start(void)
{
	return uid_mem_start(&hooks_ops);
}

/** uid_mem_engine_stop - account no more; there are no users any more */
void uid_mem_engine_stop(void)
{
	uid_mem_stop(&hooks_ops);
}

/** uid_mem_engine_synchronize - wait until removed users are not in use */
void uid_mem_engine_synchronize(void)
{
	uid_mem_synchronize();
}

/** uid_mem_engine_change_begin - uid_mem_user_find() is about to change its mind */
void uid_mem_engine_change_begin(void)
{
	uid_mem_change_begin();
}

/** uid_mem_engine_change_end - it did so, and all processes are placed */
void uid_mem_engine_change_end(void)
{
	uid_mem_change_end();
}

/**
 * uid_mem_engine_add - get ready for the processes of a UID
 * @user: the UID, with its limit
 *
 * Return: 0 or -ENOMEM.
 */
int uid_mem_engine_add(struct uid_mem_user *user)
{
	int err = uid_mem_acct_init(&user->live, metric_members[user->limit.metric]);

	if (err)
		return err;
	err = uid_mem_acct_init(&user->dying, metric_members[user->limit.metric]);
	if (err)
		uid_mem_acct_destroy(&user->live);
	else
		user->live.dying = &user->dying;
	return err;
}

/**
 * uid_mem_engine_remove - forget the processes of a UID
 * @user: the UID, which uid_mem_user_find() does not return any more
 */
void uid_mem_engine_remove(struct uid_mem_user *user)
{
	uid_mem_acct_kill(&user->live);
	uid_mem_acct_kill(&user->dying);
}

/**
 * uid_mem_engine_free - free what belongs to a UID
 * @user: the UID, removed before the last uid_mem_engine_synchronize()
 */
void uid_mem_engine_free(struct uid_mem_user *user)
{
	uid_mem_acct_destroy(&user->live);
	uid_mem_acct_destroy(&user->dying);
}

/**
 * uid_mem_engine_set_metric - count what the limit of a UID says
 * @user: the UID
 */
void uid_mem_engine_set_metric(struct uid_mem_user *user)
{
	unsigned int members = metric_members[user->limit.metric];

	uid_mem_acct_set_members(&user->live, members);
	uid_mem_acct_set_members(&user->dying, members);
}

/**
 * uid_mem_engine_set_levels - say when to look at a UID
 * @user: the UID
 * @lower: when it uses fewer pages, LONG_MIN for never
 * @upper: when it uses more pages, LONG_MAX for never
 */
void uid_mem_engine_set_levels(struct uid_mem_user *user, long lower, long upper)
{
	uid_mem_acct_set_levels(&user->live, lower, upper);
}

/**
 * uid_mem_engine_read - what a UID uses, precisely
 * @user: the UID
 * @usage: set to it
 */
void uid_mem_engine_read(struct uid_mem_user *user, struct uid_mem_usage *usage)
{
	memset(usage, 0, sizeof(*usage));
	usage->live = uid_mem_acct_sum(&user->live, usage->counts);
	usage->dying = uid_mem_acct_sum(&user->dying, usage->counts);
	user->peak = max3(user->peak, READ_ONCE(user->live.peak),
			  usage->live + usage->dying);
}

/**
 * uid_mem_engine_owns - does an address space count against a UID's limit?
 * @user: the UID
 * @mm: the address space
 */
bool uid_mem_engine_owns(struct uid_mem_user *user, struct mm_struct *mm)
{
	return rcu_access_pointer(mm->uid_mem) == &user->live;
}

/**
 * uid_mem_engine_owner - the UID an address space belongs to
 * @mm: the address space
 *
 * Return: the UID or NULL.  Valid as long as users are locked.
 */
struct uid_mem_user *uid_mem_engine_owner(struct mm_struct *mm)
{
	struct uid_mem_acct *acct = rcu_access_pointer(mm->uid_mem);

	if (!acct)
		return NULL;
	return acct->dying ? container_of(acct, struct uid_mem_user, live) :
			     container_of(acct, struct uid_mem_user, dying);
}

/**
 * uid_mem_engine_set_dying - an address space is on its way out
 * @mm: the address space; the caller holds a reference
 */
void uid_mem_engine_set_dying(struct mm_struct *mm)
{
	uid_mem_set_dying(mm);
}

/* All processes there are, each with a reference; NULL where memory is short. */
static struct task_struct **get_processes(unsigned int *nr)
{
	struct task_struct **tasks = NULL, *p;
	unsigned int room = 256, n;

	do {
		kvfree(tasks);
		room *= 2;
		tasks = kvmalloc_array(room, sizeof(*tasks), GFP_KERNEL);
		if (!tasks)
			return NULL;
		n = 0;
		rcu_read_lock();
		for_each_process(p) {
			if (n == room)
				break;
			if (!uid_mem_is_kthread(p)) {
				get_task_struct(p);
				tasks[n++] = p;
			}
		}
		rcu_read_unlock();
		*nr = n;
		while (n == room && *nr)
			put_task_struct(tasks[--*nr]);
	} while (n == room);
	return tasks;
}

/* The address space of a process, also if its first thread is gone. */
static struct mm_struct *get_process_mm(struct task_struct *process)
{
	struct mm_struct *mm = NULL;
	struct task_struct *t;

	rcu_read_lock();
	for_each_thread(process, t) {
		mm = get_task_mm(t);
		if (mm)
			break;
	}
	rcu_read_unlock();
	return mm;
}

/**
 * uid_mem_engine_place_all - put every process where it belongs
 *
 * For the processes that ran before there was a limit for them: those that
 * are forked later, and those that change their credentials, place
 * themselves, and did so with the new limits if they are not in the list that
 * is walked here.
 */
void uid_mem_engine_place_all(void)
{
	unsigned int nr, i;
	struct task_struct **tasks = get_processes(&nr);

	if (!tasks) {
		pr_warn("uid_mem: no memory to find the processes that run already; write the limits again\n");
		return;
	}
	for (i = 0; i < nr; i++) {
		struct mm_struct *mm = get_process_mm(tasks[i]);

		if (mm) {
			if (!in_vfork(tasks[i]))
				uid_mem_place(tasks[i], mm);
			mmput(mm);
		}
		put_task_struct(tasks[i]);
		cond_resched();
	}
	kvfree(tasks);
}

// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Engine "hooks": a kernel with CONFIG_UID_MEM keeps the accounts
 *
 * A UID has two accounts: its address spaces are on @live, where they count
 * against the limit, until their processes are dying, and then on @dying,
 * until their pages are gone.
 */

#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "compat.h"
#include "metric.h"
#include "uid_mem.h"

/* How long a UID's tasks may sleep with locks that others want: so much in so much. */
#define HOLD_TIME	(4 * NSEC_PER_MSEC)
#define HOLD_EVERY	NSEC_PER_SEC

/* How long a task waits for victims on its way to user mode. */
#define RESUME_WAIT_MS	1000

const char *const uid_mem_engine_name = "hooks";

static const struct uid_mem_engine_client *hooks_client;

static struct uid_mem_acct *hooks_find(const struct cred *cred)
{
	struct uid_mem_user *user = hooks_client->find(cred);

	return user ? &user->account.live : NULL;
}

/* Atomic context, with page table locks held: only arrange for a look. */
static void hooks_notify(struct uid_mem_acct *acct)
{
	struct uid_mem_user *user;

	if (!acct->dying)
		return;
	user = container_of(acct, struct uid_mem_user, account.live);
	mod_delayed_work(uid_mem_wq, &user->work, 0);
}

/*
 * Has the UID been looked at, and have victims given back what they had?
 * Not that of one that hangs.
 */
static bool has_room(struct uid_mem_user *user)
{
	long max = uid_mem_max_charged(user);
	long live = uid_mem_acct_read(&user->account.live);
	long dying = uid_mem_acct_read(&user->account.dying);

	if (uid_mem_acct_is_above(&user->account.live))
		return false;
	return dying <= 0 || live + dying <= max ||
	       time_is_before_eq_jiffies(READ_ONCE(user->dying_at) +
					 UID_MEM_DYING_WAIT);
}

/* Sleep until there is room, but not beyond @end, and not when killed. */
static bool wait_for_room(struct uid_mem_user *user, ktime_t end)
{
	wait_queue_head_t *gone = &user->account.dying.gone;
	DEFINE_WAIT(wait);
	bool room;

	do {
		prepare_to_wait(gone, &wait, TASK_KILLABLE);
		room = has_room(user);
	} while (!room && !fatal_signal_pending(current) &&
		 schedule_hrtimeout(&end, HRTIMER_MODE_ABS));
	finish_wait(gone, &wait);
	return room;
}

/*
 * Until when tasks of a UID may sleep with locks that others want.  The time
 * is the UID's, not each task's: many tasks that take turns with a lock hold up
 * another task that wants it no longer than one does.
 */
static ktime_t hold_until(struct uid_mem_account *account)
{
	s64 now = ktime_get(), began = atomic64_read(&account->held_at);

	if (now - began > HOLD_EVERY &&
	    atomic64_try_cmpxchg(&account->held_at, &began, now))
		began = now;
	return began + HOLD_TIME;
}

static bool hooks_hold(struct uid_mem_acct *acct)
{
	struct uid_mem_user *user;

	if (!acct->dying)
		return true;
	user = container_of(acct, struct uid_mem_user, account.live);
	/* A fork() takes no memory that counts by share: it need not fail. */
	return has_room(user) || wait_for_room(user, hold_until(&user->account)) ||
	       READ_ONCE(user->limit.metric) == UID_MEM_METRIC_FOOTPRINT;
}

/*
 * The task that took its UID over the limit looks itself, rather than run on
 * until a worker gets to it.  No lock is held: it waits as long as it takes
 * victims that do not hang.
 */
static void hooks_resume(struct uid_mem_acct *acct)
{
	struct uid_mem_user *user;

	if (!acct->dying)
		return;
	user = container_of(acct, struct uid_mem_user, account.live);
	if (uid_mem_acct_is_above(acct))
		hooks_client->look(user);
	if (!has_room(user))
		wait_for_room(user, ktime_add_ms(ktime_get(), RESUME_WAIT_MS));
}

static const struct uid_mem_ops hooks_ops = {
	.find = hooks_find,
	.notify = hooks_notify,
	.resume = hooks_resume,
	.hold = hooks_hold,
};

/**
 * uid_mem_engine_start - begin to account
 * @client: those above
 *
 * Return: 0 or -EBUSY.
 */
int uid_mem_engine_start(const struct uid_mem_engine_client *client)
{
	hooks_client = client;
	return uid_mem_start(&hooks_ops);
}

/** uid_mem_engine_stop - account no more; there are no users any more */
void uid_mem_engine_stop(void)
{
	uid_mem_stop(&hooks_ops);
}

/** uid_mem_engine_exit - the module is about to go, after the last stop */
void uid_mem_engine_exit(void)
{
	uid_mem_reaper_exit();
}

/** uid_mem_engine_synchronize - wait until removed users are not in use */
void uid_mem_engine_synchronize(void)
{
	uid_mem_synchronize();
}

/** uid_mem_engine_change_begin - uid_mem_engine_client::find() is about to change its mind */
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
	unsigned int members = uid_mem_metric_members(user->limit.metric);
	int err = uid_mem_acct_init(&user->account.live, members);

	if (err)
		return err;
	err = uid_mem_acct_init(&user->account.dying, members);
	if (err)
		uid_mem_acct_destroy(&user->account.live);
	else
		user->account.live.dying = &user->account.dying;
	return err;
}

/**
 * uid_mem_engine_remove - forget the processes of a UID
 * @user: the UID, which is not found any more
 */
void uid_mem_engine_remove(struct uid_mem_user *user)
{
	uid_mem_acct_kill(&user->account.live);
	uid_mem_acct_kill(&user->account.dying);
}

/**
 * uid_mem_engine_free - free what belongs to a UID
 * @user: the UID, removed before the last uid_mem_engine_synchronize()
 */
void uid_mem_engine_free(struct uid_mem_user *user)
{
	uid_mem_acct_destroy(&user->account.live);
	uid_mem_acct_destroy(&user->account.dying);
}

/**
 * uid_mem_engine_set_metric - count what the limit of a UID says
 * @user: the UID
 */
void uid_mem_engine_set_metric(struct uid_mem_user *user)
{
	unsigned int members = uid_mem_metric_members(user->limit.metric);

	uid_mem_acct_set_members(&user->account.live, members);
	uid_mem_acct_set_members(&user->account.dying, members);
}

/**
 * uid_mem_engine_set_levels - say when to look at a UID
 * @user: the UID
 * @lower: when it uses fewer pages, LONG_MIN for never
 * @upper: when it uses more pages, LONG_MAX for never
 */
void uid_mem_engine_set_levels(struct uid_mem_user *user, long lower, long upper)
{
	uid_mem_acct_set_levels(&user->account.live, lower, upper);
	/* The tasks that wait for this look go on. */
	wake_up_all(&user->account.dying.gone);
}

/**
 * uid_mem_engine_read - what a UID uses, precisely
 * @user: the UID
 * @usage: set to it
 */
void uid_mem_engine_read(struct uid_mem_user *user, struct uid_mem_usage *usage)
{
	memset(usage, 0, sizeof(*usage));
	usage->live = uid_mem_acct_sum(&user->account.live, usage->counts);
	usage->dying = uid_mem_acct_sum(&user->account.dying, usage->counts);
	if (user->limit.metric != UID_MEM_METRIC_FOOTPRINT)
		user->peak = max3(user->peak, READ_ONCE(user->account.live.peak),
				  usage->live + usage->dying);
}

/**
 * uid_mem_engine_list - the address spaces that count against a UID's limit
 * @user: the UID
 * @mms: set to them, with references on the structures
 * @room: how many fit into it
 *
 * Return: how many there are; if that is more than @room, @mms is not set.
 */
unsigned int uid_mem_engine_list(struct uid_mem_user *user,
				 struct mm_struct **mms, unsigned int room)
{
	struct uid_mem_acct *acct = &user->account.live;
	struct mm_struct *mm;
	unsigned int nr = 0;

	spin_lock(&acct->lock);
	list_for_each_entry(mm, &acct->mms, uid_mem_node)
		nr++;
	if (nr <= room) {
		nr = 0;
		list_for_each_entry(mm, &acct->mms, uid_mem_node) {
			mmgrab(mm);
			mms[nr++] = mm;
		}
	}
	spin_unlock(&acct->lock);
	return nr;
}

/**
 * uid_mem_engine_frees - are pages of a UID being freed with their address space?
 * @user: the UID
 */
bool uid_mem_engine_frees(struct uid_mem_user *user)
{
	return uid_mem_acct_read(&user->account.dying) > 0;
}

static unsigned int hooks_count(struct uid_mem_acct *acct)
{
	struct mm_struct *mm;
	unsigned int nr = 0;

	spin_lock(&acct->lock);
	list_for_each_entry(mm, &acct->mms, uid_mem_node)
		nr += atomic_read(&mm->mm_users) > 0;
	spin_unlock(&acct->lock);
	return nr;
}

/**
 * uid_mem_engine_count - the address spaces of a UID that somebody runs on
 * @user: the UID
 */
unsigned int uid_mem_engine_count(struct uid_mem_user *user)
{
	return hooks_count(&user->account.live) + hooks_count(&user->account.dying);
}

/**
 * uid_mem_engine_owns - does an address space count against a UID's limit?
 * @user: the UID
 * @p: a process that runs on it
 * @mm: the address space
 */
bool uid_mem_engine_owns(struct uid_mem_user *user, struct task_struct *p,
			 struct mm_struct *mm)
{
	return rcu_access_pointer(mm->uid_mem) == &user->account.live;
}

/**
 * uid_mem_engine_owner - the UID an address space belongs to
 * @mm: the address space
 *
 * Return: the UID or NULL, to compare it with one that is known to be there.
 */
struct uid_mem_user *uid_mem_engine_owner(struct mm_struct *mm)
{
	struct uid_mem_acct *acct = rcu_access_pointer(mm->uid_mem);

	if (!acct)
		return NULL;
	return acct->dying ? container_of(acct, struct uid_mem_user, account.live) :
			     container_of(acct, struct uid_mem_user, account.dying);
}

/**
 * uid_mem_engine_set_dying - an address space is on its way out
 * @mm: the address space; the caller holds a reference
 */
void uid_mem_engine_set_dying(struct mm_struct *mm)
{
	uid_mem_set_dying(mm);
	uid_mem_reaper_add(mm);
}

/**
 * uid_mem_engine_hurry - a process has been killed
 * @p: the process
 */
void uid_mem_engine_hurry(struct task_struct *p)
{
	/* The tasks that need what it gives back wait for it. */
}

/**
 * uid_mem_engine_place - put an address space where its process belongs
 * @p: the process
 * @mm: what it runs on; the caller holds a reference on its users
 */
void uid_mem_engine_place(struct task_struct *p, struct mm_struct *mm)
{
	uid_mem_place(p, mm);
}

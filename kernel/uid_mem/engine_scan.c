// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Engine "scan": a kernel as it comes from its distributor
 *
 * A tracepoint tells of every change of an RSS counter (scan_event.c).  The
 * address space it belongs to is known with its UID (scan_mm.c), and charged to
 * the account of it (scan_account.c).  When that leaves the range between two
 * levels, or may have done so unseen, the UID is looked at (scan_look.c).
 *
 * What this engine cannot do is hold up a process until the memory of a
 * victim is free; fork() fails meanwhile.  See docs/engines.md, and
 * scan_probes.c for what else is in the way of a limit.
 */

#include <linux/cred.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "scan.h"
#include "uid_mem.h"

#ifdef CONFIG_PREEMPT_RT
#error "the engine scan takes sleeping locks in tracepoints: not for PREEMPT_RT"
#endif

const char *const uid_mem_engine_name = "scan";

/**
 * uid_mem_engine_start - begin to account
 * @client: those above
 *
 * Return: 0, -EOPNOTSUPP where the kernel lacks what it takes, or -ENOMEM.
 */
int uid_mem_engine_start(const struct uid_mem_engine_client *client)
{
	int err;

	scan_client = client;
	err = scan_start_lookers();
	if (!err)
		err = scan_events_start();
	if (!err)
		scan_probes_start();
	return err;
}

/** uid_mem_engine_stop - account no more; there are no users any more */
void uid_mem_engine_stop(void)
{
	scan_probes_stop();
	scan_events_stop();
}

/** uid_mem_engine_exit - the module is about to go, after the last stop */
void uid_mem_engine_exit(void)
{
	scan_probes_exit();
	scan_stop_lookers();
}

/** uid_mem_engine_synchronize - wait until removed users are not in use */
void uid_mem_engine_synchronize(void)
{
	synchronize_rcu();
	scan_flush_lookers();
}

/** uid_mem_engine_change_begin - uid_mem_engine_client::find() is about to change its mind */
void uid_mem_engine_change_begin(void)
{
}

/** uid_mem_engine_change_end - it did so, and all processes are placed */
void uid_mem_engine_change_end(void)
{
	atomic_long_inc(&scan_gen);
}

/**
 * uid_mem_engine_remove - forget the processes of a UID
 * @user: the UID, which is not found any more
 */
void uid_mem_engine_remove(struct uid_mem_user *user)
{
	spin_lock(&user->account.lock);
	user->account.dead = true;
	spin_unlock(&user->account.lock);
	scan_sweep(user, true);
}

/**
 * uid_mem_engine_free - free what belongs to a UID
 * @user: the UID, removed before the last uid_mem_engine_synchronize()
 */
void uid_mem_engine_free(struct uid_mem_user *user)
{
}

/**
 * uid_mem_engine_read - what a UID uses, precisely
 * @user: the UID
 * @usage: set to it
 *
 * Above the limit, every process is asked whose it is where the events may not
 * have told, so that nobody is killed for that.
 */
void uid_mem_engine_read(struct uid_mem_user *user, struct uid_mem_usage *usage)
{
	if (scan_read(user, usage))
		scan_sweep(user, false);
	if (usage->live > uid_mem_max_charged(user) &&
	    !scan_events_are_complete()) {
		scan_verify();
		scan_read(user, usage);
	}
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
	struct uid_mem_account *a = &user->account;
	unsigned int nr = 0;
	struct scan_mm *e;

	spin_lock(&a->lock);
	list_for_each_entry(e, &a->mms, list)
		nr += !e->dying;
	if (nr <= room) {
		nr = 0;
		list_for_each_entry(e, &a->mms, list) {
			if (!e->dying) {
				mmgrab(e->mm);
				mms[nr++] = e->mm;
			}
		}
	}
	spin_unlock(&a->lock);
	return nr;
}

/**
 * uid_mem_engine_frees - are pages of a UID being freed with their address space?
 * @user: the UID
 */
bool uid_mem_engine_frees(struct uid_mem_user *user)
{
	return READ_ONCE(user->account.charged[1]) > 0;
}

/**
 * uid_mem_engine_count - the address spaces of a UID that somebody runs on
 * @user: the UID
 */
unsigned int uid_mem_engine_count(struct uid_mem_user *user)
{
	struct uid_mem_account *a = &user->account;
	unsigned int nr = 0;
	struct scan_mm *e;

	spin_lock(&a->lock);
	list_for_each_entry(e, &a->mms, list)
		nr += atomic_read(&e->mm->mm_users) > 0;
	spin_unlock(&a->lock);
	return nr;
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
	const struct scan_mm *e;
	bool owns, pending;

	rcu_read_lock();
	e = scan_find(mm);
	owns = e && e->user == user && !e->dying &&
	       (in_vfork(p) || scan_user_of(p, &pending) == user);
	rcu_read_unlock();
	return owns;
}

/**
 * uid_mem_engine_owner - the UID an address space belongs to
 * @mm: the address space
 *
 * Return: the UID or NULL, to compare it with one that is known to be there.
 */
struct uid_mem_user *uid_mem_engine_owner(struct mm_struct *mm)
{
	struct uid_mem_user *user;

	rcu_read_lock();
	user = scan_find_user(mm);
	rcu_read_unlock();
	return user;
}

/**
 * uid_mem_engine_set_dying - an address space is on its way out
 * @mm: the address space; the caller holds a reference
 */
void uid_mem_engine_set_dying(struct mm_struct *mm)
{
	struct scan_mm *e;

	preempt_disable();
	e = scan_find(mm);
	if (e)
		scan_set_dying(e);
	preempt_enable();
}

/**
 * uid_mem_engine_hurry - a process has been killed
 * @p: the process; the caller is in an RCU read-side critical section
 *
 * Nobody waits for it here, so it had better be quick: the others of its
 * UID may go on using memory.
 */
void uid_mem_engine_hurry(struct task_struct *p)
{
	struct task_struct *t;

	for_each_thread(p, t)
		set_user_nice(t, MIN_NICE);
}

/**
 * uid_mem_engine_place - put an address space where its process belongs
 * @p: the process
 * @mm: what it runs on; the caller holds a reference on its users
 *
 * Sleeps, to make the user where there is none yet.
 */
void uid_mem_engine_place(struct task_struct *p, struct mm_struct *mm)
{
	const struct cred *cred = get_task_cred(p);
	bool pending;

	scan_client->find(cred);
	put_cred(cred);
	preempt_disable();
	scan_place(p, mm, &pending);
	preempt_enable();
}

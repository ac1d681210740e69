// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Engine "scan": when a UID is looked at, and by whom
 *
 * A look that is urgent has a thread with real-time priority on each CPU, which
 * comes in between as soon as no lock is held: the scheduler may give a worker
 * its turn some milliseconds later, and a thread on another CPU runs beside
 * what it is to stop.  fork() copies tens of MiB meanwhile.  The priority is the
 * lowest there is, so as not to delay real-time tasks that have nothing to do
 * with it.  Where one keeps a look from its CPU, or asks for it, a rescuer gives
 * those that look the highest priority until they are done.  A look that takes
 * long, because there are many address spaces, has no real-time priority.
 *
 * A task may leave the CPU where it has asked for a look before that begins, and
 * other CPUs go on anyway.  If usage gets above the level meanwhile, the thread of
 * the CPU that did so looks as well: the first that gets to it does the work, and
 * the other CPU is held up while it waits for the end.
 *
 * Any other look is the business of a timer, which runs while a UID is active.
 */

#include <linux/cpu.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>

#include "compat.h"
#include "scan.h"
#include "uid_mem.h"

/* A UID with more address spaces is looked at without real-time priority. */
#define SCAN_FEW	512U

/* How late a look may be before the rescuer is called, in jiffies. */
#define SCAN_PATIENCE	(HZ / 50 + 1)

/**
 * struct scan_looker - looks at UIDs before anybody else runs on a CPU
 * @worker: the thread; NULL where the CPU was not there when it was made
 * @work: looks at @users
 * @users: by uid_mem_account::look
 * @busy: @work runs, or is about to
 * @helps: @work also looks at those of other CPUs
 */
struct scan_looker {
	struct kthread_worker *worker;
	struct kthread_work work;
	struct llist_head users;
	bool busy;
	bool helps;
};

static DEFINE_PER_CPU(struct scan_looker, scan_lookers);

/* That of a CPU which had one from the beginning, for those that did not. */
static struct scan_looker *scan_first_looker;

/* Comes before real-time tasks, on whichever CPU has room for it. */
static struct kthread_worker *scan_rescuer;
static void scan_rescue_fn(struct kthread_work *work);
static DEFINE_KTHREAD_WORK(scan_rescue_work, scan_rescue_fn);

/* Those above the engine. */
const struct uid_mem_engine_client *scan_client;

static unsigned int scan_min_ms = 20;
module_param(scan_min_ms, uint, 0644);
MODULE_PARM_DESC(scan_min_ms, "engine scan: how often to look at a UID that is active and close to its limit (default 20)");

static unsigned int scan_max_ms = 1000;
module_param(scan_max_ms, uint, 0644);
MODULE_PARM_DESC(scan_max_ms, "engine scan: how often to look at a UID that is active (default 1000)");

/* @set_priority gives current the priority that it has otherwise. */
static void scan_look_at(struct llist_node *users,
			 void (*set_priority)(struct task_struct *p))
{
	struct uid_mem_user *user, *next;

	llist_for_each_entry_safe(user, next, users, account.look) {
		bool many = READ_ONCE(user->account.nr) > SCAN_FEW;

		/* From here on it may be in another list. */
		atomic_set_release(&user->account.queued, 0);
		if (many)
			sched_set_normal(current, MIN_NICE);
		scan_client->look(user);
		if (many)
			set_priority(current);
	}
}

/* Take over what no looker has begun. */
static void scan_look_at_all(void (*set_priority)(struct task_struct *p))
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		scan_look_at(llist_del_all(&per_cpu(scan_lookers, cpu).users),
			     set_priority);
}

static void scan_look_fn(struct kthread_work *work)
{
	struct scan_looker *l = container_of(work, struct scan_looker, work);

	scan_look_at(llist_del_all(&l->users), sched_set_fifo_low);
	if (xchg(&l->helps, false))
		scan_look_at_all(sched_set_fifo_low);
	WRITE_ONCE(l->busy, false);
	/* If the rescuer comes only now, the next look begins with its priority. */
	if (current->rt_priority > 1)
		sched_set_fifo_low(current);
}

/*
 * Real-time tasks are in the way of lookers.  Also take over what has not begun:
 * another CPU may be free.
 */
static void scan_rescue_fn(struct kthread_work *work)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct scan_looker *l = per_cpu_ptr(&scan_lookers, cpu);

		if (l->worker && READ_ONCE(l->busy))
			uid_mem_set_fifo_high(l->worker->task);
	}
	scan_look_at_all(uid_mem_set_fifo_high);
}

static bool scan_is_realtime(struct task_struct *p)
{
	return !uid_mem_is_kthread(p) && READ_ONCE(p->prio) < MAX_RT_PRIO;
}

/**
 * scan_whom_to_call - which thread looks at a UID
 * @a: the account of the UID that has to be looked at; its lock is held
 *
 * The rescuer where a real-time task keeps the looker from its CPU.
 */
enum scan_called scan_whom_to_call(const struct uid_mem_account *a)
{
	if (scan_is_realtime(current) ||
	    (a->called && time_after(jiffies, a->called_at + SCAN_PATIENCE)))
		return SCAN_CALLED_RESCUER;
	if (a->called && a->charged[0] > a->upper)
		return SCAN_CALLED_SECOND;
	return SCAN_CALLED_LOOKER;
}

/* The looker of this CPU; preemption is off. */
static struct scan_looker *scan_looker_here(void)
{
	struct scan_looker *l = this_cpu_ptr(&scan_lookers);

	return l->worker ? l : scan_first_looker;
}

static void scan_wake(struct scan_looker *l)
{
	WRITE_ONCE(l->busy, true);
	kthread_queue_work(l->worker, &l->work);
}

/**
 * scan_look_now - look at a UID as soon as this CPU is free for it
 * @user: the UID
 */
void scan_look_now(struct uid_mem_user *user)
{
	struct scan_looker *l;

	if (atomic_xchg(&user->account.queued, 1))
		return;
	preempt_disable_notrace();
	l = scan_looker_here();
	llist_add(&user->account.look, &l->users);
	scan_wake(l);
	preempt_enable_notrace();
}

/* Also have the looker of this CPU do what that of another has not begun. */
static void scan_help(void)
{
	struct scan_looker *l;

	preempt_disable_notrace();
	l = scan_looker_here();
	WRITE_ONCE(l->helps, true);
	scan_wake(l);
	preempt_enable_notrace();
}

/**
 * scan_notify - look at a UID before current goes on in user mode
 * @user: the UID; scan_check() has said so
 */
void scan_notify(struct uid_mem_user *user)
{
	enum scan_called called = READ_ONCE(user->account.called);

	scan_look_now(user);
	if (called == SCAN_CALLED_SECOND)
		scan_help();
	else if (called == SCAN_CALLED_RESCUER)
		kthread_queue_work(scan_rescuer, &scan_rescue_work);
	set_tsk_need_resched(current);
	set_preempt_need_resched();
}

/**
 * scan_interval - how long until the next look by the timer, in jiffies
 * @a: the account of the UID; its lock is held
 */
unsigned long scan_interval(const struct uid_mem_account *a)
{
	bool near = a->upper < LONG_MAX / 2 &&
		    a->charged[0] > a->upper - a->upper / 8;
	unsigned int ms = near ? READ_ONCE(scan_min_ms) : READ_ONCE(scan_max_ms);

	return max(msecs_to_jiffies(ms), 1UL);
}

/**
 * scan_arm - something happens: look some time, whatever the events say
 * @user: the UID
 */
void scan_arm(struct uid_mem_user *user)
{
	if (READ_ONCE(user->account.active))
		return;
	WRITE_ONCE(user->account.active, true);
	queue_delayed_work(uid_mem_wq, &user->work,
			   scan_interval(&user->account));
}

static int scan_start_looker(unsigned int cpu)
{
	struct scan_looker *l = per_cpu_ptr(&scan_lookers, cpu);
	struct kthread_worker *worker = uid_mem_run_worker_on_cpu(cpu);

	if (IS_ERR(worker))
		return PTR_ERR(worker);
	sched_set_fifo_low(worker->task);
	init_llist_head(&l->users);
	kthread_init_work(&l->work, scan_look_fn);
	l->worker = worker;
	if (!scan_first_looker)
		scan_first_looker = l;
	return 0;
}

static int scan_start_rescuer(void)
{
	struct kthread_worker *worker = uid_mem_run_worker("uid_mem/rescue");

	if (IS_ERR(worker))
		return PTR_ERR(worker);
	uid_mem_set_fifo_high(worker->task);
	scan_rescuer = worker;
	return 0;
}

/** scan_stop_lookers - undo scan_start_lookers(); sleeps */
void scan_stop_lookers(void)
{
	unsigned int cpu;

	if (scan_rescuer)
		kthread_destroy_worker(scan_rescuer);
	scan_rescuer = NULL;
	for_each_possible_cpu(cpu) {
		struct scan_looker *l = per_cpu_ptr(&scan_lookers, cpu);

		if (l->worker)
			kthread_destroy_worker(l->worker);
		l->worker = NULL;
	}
	scan_first_looker = NULL;
}

/**
 * scan_start_lookers - start the threads, unless they run
 *
 * They stay until the module goes: users are freed after the last limit is
 * gone.  That of a CPU which goes away runs on another one.
 *
 * Return: 0 or an error.
 */
int scan_start_lookers(void)
{
	unsigned int cpu;
	int err;

	if (scan_rescuer)
		return 0;
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		err = scan_start_looker(cpu);
		if (err)
			break;
	}
	cpus_read_unlock();
	if (scan_first_looker)
		err = scan_start_rescuer();
	if (err)
		scan_stop_lookers();
	return err;
}

static void scan_flush_each(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct scan_looker *l = per_cpu_ptr(&scan_lookers, cpu);

		if (l->worker)
			kthread_flush_work(&l->work);
	}
}

/**
 * scan_flush_lookers - wait for the looks that have been asked for
 *
 * After the first pass all of them have begun, but the looker of a CPU that was
 * waited for before may have taken them over from one that was waited for later.
 */
void scan_flush_lookers(void)
{
	scan_flush_each();
	scan_flush_each();
	kthread_flush_work(&scan_rescue_work);
}

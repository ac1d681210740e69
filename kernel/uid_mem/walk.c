// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * The walk over all processes
 *
 * By number, as a reader of /proc does it: that takes the RCU read lock for one
 * process at a time, so that neither RCU nor the scheduler waits for the end of
 * a long list.  A process that is there from the beginning to the end of the
 * walk is seen once; one that is forked meanwhile may be missed.
 */

#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "uid_mem.h"
#include "walk.h"

/*
 * The address space of a process, with a reference on the structure; NULL for
 * a kernel thread and where the last thread has given it up.  The first thread
 * may be gone before others.  Under rcu_read_lock().
 */
static struct mm_struct *grab_mm(struct task_struct *p)
{
	struct mm_struct *mm = NULL;
	struct task_struct *t;

	if (uid_mem_is_kthread(p))
		return NULL;
	for_each_thread(p, t) {
		task_lock(t);
		mm = t->mm;
		if (mm)
			mmgrab(mm);
		task_unlock(t);
		if (mm)
			break;
	}
	return mm;
}

/*
 * The next process number from *@nr on.  @p is set to the process and @mm to its
 * address space, with references, or to NULL where it has none.  False after
 * the last.
 */
static bool next_process(int *nr, struct task_struct **p, struct mm_struct **mm)
{
	struct pid *pid;

	*p = NULL;
	*mm = NULL;
	rcu_read_lock();
	pid = idr_get_next(&init_pid_ns.idr, nr);
	if (pid)
		*p = pid_task(pid, PIDTYPE_TGID);
	if (*p)
		*mm = grab_mm(*p);
	if (*mm)
		get_task_struct(*p);
	rcu_read_unlock();
	return pid;
}

/**
 * uid_mem_walk - do something with each process that has an address space
 * @fn: what to do
 * @data: handed on to @fn
 *
 * Sleeps.
 */
void uid_mem_walk(uid_mem_walk_fn fn, void *data)
{
	struct task_struct *p;
	struct mm_struct *mm;
	int nr;

	for (nr = 1; next_process(&nr, &p, &mm); nr++) {
		if (mm) {
			fn(p, mm, data);
			mmdrop(mm);
			put_task_struct(p);
		}
		cond_resched();
	}
}

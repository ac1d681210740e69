// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/* Finding the processes that ran before there was a limit for them */

#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "uid_mem.h"

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
 * uid_mem_place_all - put every process where it belongs
 *
 * For the processes that ran before there was a limit for them: those that
 * are forked later, and those that change their credentials, place
 * themselves, and did so with the new limits if they are not in the list that
 * is walked here.
 */
void uid_mem_place_all(void)
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
				uid_mem_engine_place(tasks[i], mm);
			mmput(mm);
		}
		put_task_struct(tasks[i]);
		cond_resched();
	}
	kvfree(tasks);
}

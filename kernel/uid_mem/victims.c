// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Choosing a victim among the processes of a UID, and killing it
 *
 * Never a victim: the global init, kernel threads, processes with
 * oom_score_adj -1000, and those that are dying already.
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/jiffies.h>
#include <linux/oom.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seqlock.h>
#include <linux/user_namespace.h>

#include "compat.h"
#include "metric.h"
#include "uid_mem.h"
#include "victims.h"
#include "walk.h"

/**
 * uid_mem_victim_put - give up the references on a victim
 * @v: the victim; nothing happens where there is none
 */
void uid_mem_victim_put(struct uid_mem_victim *v)
{
	if (!v->task)
		return;
	put_task_struct(v->task);
	mmdrop(v->mm);
	v->task = NULL;
}

static bool is_exempt(struct task_struct *p)
{
	return is_global_init(p) || uid_mem_is_kthread(p) ||
	       READ_ONCE(p->signal->oom_score_adj) == OOM_SCORE_ADJ_MIN;
}

/*
 * Killed or exiting, so that its memory is on its way out.  One that dumps
 * core is not: that may take long, and SIGKILL cuts it short.
 */
static bool is_dying(struct task_struct *p)
{
	if (uid_mem_dumps_core(p))
		return false;
	if (READ_ONCE(p->signal->flags) & SIGNAL_GROUP_EXIT)
		return true;
	return thread_group_empty(p) && (READ_ONCE(p->flags) & PF_EXITING);
}

static bool shares_mm(struct task_struct *p, struct mm_struct *mm)
{
	struct task_struct *t;

	for_each_thread(p, t) {
		struct mm_struct *tmm = READ_ONCE(t->mm);

		if (tmm)
			return tmm == mm;
	}
	return false;
}

/* Is every process that runs on @mm dying? */
static bool is_mm_dying(struct mm_struct *mm)
{
	struct task_struct *p;
	bool dying = true;

	rcu_read_lock();
	for_each_process(p) {
		if (!uid_mem_is_kthread(p) && shares_mm(p, mm) && !is_dying(p))
			dying = false;
	}
	rcu_read_unlock();
	return dying;
}

/*
 * CPU time of all threads, gone ones included.  One that goes meanwhile is seen
 * in both places or in neither: sum again, but not for ever where threads come
 * and go all the time.
 */
static u64 process_runtime_ns(struct task_struct *p)
{
	struct signal_struct *sig = p->signal;
	struct task_struct *t;
	unsigned int seq, tries = 4;
	u64 ns;

	do {
		seq = read_seqbegin(&sig->stats_lock);
		ns = sig->sum_sched_runtime;
		for_each_thread(p, t)
			ns += READ_ONCE(t->se.sum_exec_runtime);
	} while (read_seqretry(&sig->stats_lock, seq) && --tries);
	return ns;
}

/* Under rcu_read_lock(), which keeps the credentials. */
static bool is_admin(struct task_struct *p)
{
	const struct cred *cred = __task_cred(p);

	return cred->user_ns == &init_user_ns &&
	       cap_raised(cred->cap_effective, CAP_SYS_ADMIN);
}

/* Whatever a policy may ask for. */
static void fill_candidate(struct uid_mem_candidate *c, struct task_struct *p,
			   struct mm_struct *mm)
{
	*c = (struct uid_mem_candidate) {
		.rss = uid_mem_metric_pages(UID_MEM_METRIC_RSS, mm),
		.swap = uid_mem_mm_counter(mm, MM_SWAPENTS),
		.page_tables = mm_pgtables_bytes(mm) / PAGE_SIZE,
		.ram = totalram_pages(),
		.runtime_ns = process_runtime_ns(p),
		.start_ns = p->start_boottime,
		.oom_score_adj = READ_ONCE(p->signal->oom_score_adj),
		.is_admin = is_admin(p),
	};
}

/**
 * struct choice - the search for a victim
 * @user: among whose processes
 * @policy: judges them
 * @worst: the one to kill, so far
 * @found_dying: there was one whose memory is on its way out
 */
struct choice {
	struct uid_mem_user *user;
	const struct uid_mem_policy *policy;
	struct uid_mem_victim *worst;
	bool found_dying;
};

static void rate(struct choice *choice, struct task_struct *p,
		 struct mm_struct *mm)
{
	struct uid_mem_victim *worst = choice->worst;
	struct uid_mem_candidate c;

	rcu_read_lock();
	fill_candidate(&c, p, mm);
	rcu_read_unlock();
	uid_mem_policy_rate(choice->policy, &c);
	if (!c.badness ||
	    (worst->task && !uid_mem_candidate_is_worse(&c, &worst->candidate)))
		return;
	uid_mem_victim_put(worst);
	worst->task = get_task_struct(p);
	mmgrab(mm);
	worst->mm = mm;
	worst->candidate = c;
}

/* The pages of @mm are on their way out, from now on. */
static void set_dying(struct uid_mem_user *user, struct mm_struct *mm)
{
	uid_mem_engine_set_dying(mm);
	WRITE_ONCE(user->dying_at, jiffies);
}

/* Look at a process of any UID. */
static void consider(struct task_struct *p, struct mm_struct *mm, void *data)
{
	struct choice *choice = data;

	if (!uid_mem_engine_owns(choice->user, p, mm))
		return;
	if (!is_dying(p)) {
		if (!is_exempt(p))
			rate(choice, p, mm);
	} else if (is_mm_dying(mm)) {
		set_dying(choice->user, mm);
		choice->found_dying = true;
	}
}

/**
 * uid_mem_victim_choose - choose a victim among the processes of a UID
 * @user: the UID
 * @policy: chooses
 * @victim: set to the victim, with references, or to none
 *
 * On the way, processes that turn out to be dying leave the account that
 * counts.
 *
 * Return: true when there were any, so that usage has to be read again.
 */
bool uid_mem_victim_choose(struct uid_mem_user *user,
			   const struct uid_mem_policy *policy,
			   struct uid_mem_victim *victim)
{
	struct choice choice = {
		.user = user,
		.policy = policy,
		.worst = victim,
	};

	*victim = (struct uid_mem_victim) { };
	uid_mem_walk(consider, &choice);
	return choice.found_dying;
}

/**
 * struct killing - the end of an address space
 * @mm: the address space
 * @killed: somebody was killed for it
 * @survivor: somebody on it was not, for they are exempt
 */
struct killing {
	struct mm_struct *mm;
	bool killed;
	bool survivor;
};

/* Kill @p if it runs on the address space of the victim. */
static void kill_sharer(struct task_struct *p, struct mm_struct *mm, void *data)
{
	struct killing *killing = data;

	if (mm != killing->mm)
		return;
	rcu_read_lock();
	if (is_exempt(p)) {
		killing->survivor = true;
	} else if (!is_dying(p) && !kill_pid(task_tgid(p), SIGKILL, 1)) {
		uid_mem_engine_hurry(p);
		killing->killed = true;
	}
	rcu_read_unlock();
}

/**
 * uid_mem_victim_kill - kill a victim and all that share its address space
 * @user: the UID
 * @v: the victim
 *
 * But for those that are exempt.  Where there are none of them, the address
 * space counts as on its way out from here.
 *
 * Return: false when nobody was left to kill, or the victim has another UID by
 * now.
 */
bool uid_mem_victim_kill(struct uid_mem_user *user,
			 const struct uid_mem_victim *v)
{
	struct killing killing = { .mm = v->mm };

	if (!uid_mem_engine_owns(user, v->task, v->mm))
		return false;
	uid_mem_walk(kill_sharer, &killing);
	if (!killing.survivor)
		set_dying(user, v->mm);
	return killing.killed;
}

// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Choosing victims among the processes of a UID, and killing them, or asking one
 * to end
 *
 * One walk finds all processes that run on an address space of the UID; what
 * follows rests on that list, however many of them are dying or have to be
 * killed.  What is killed is an address space: all processes that share it.
 *
 * Never a victim: the global init, kernel threads, processes with
 * oom_score_adj -1000, those that share their address space, and those that
 * are dying already.
 */

#include <linux/bsearch.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/oom.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/user_namespace.h>

#include "compat.h"
#include "dying.h"
#include "metric.h"
#include "uid_mem.h"
#include "victims.h"
#include "walk.h"

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

/*
 * Whatever a policy may ask for.  By share, a process is as large as what its death
 * gives back, whatever it has mapped.
 */
static void fill_candidate(struct uid_mem_candidate *c, struct task_struct *p,
			   struct mm_struct *mm, unsigned int metric, long pages)
{
	bool by_share = metric == UID_MEM_METRIC_FOOTPRINT;

	/* A share has swap and page tables in it. */
	*c = (struct uid_mem_candidate) {
		.rss = by_share ? pages : uid_mem_metric_pages(UID_MEM_METRIC_RSS, mm),
		.swap = by_share ? 0 : uid_mem_mm_counter(mm, MM_SWAPENTS),
		.page_tables = by_share ? 0 : uid_mem_page_tables(mm),
		.ram = totalram_pages(),
		.runtime_ns = process_runtime_ns(p),
		.start_ns = p->start_boottime,
		.oom_score_adj = READ_ONCE(p->signal->oom_score_adj),
		.is_admin = is_admin(p),
	};
}

/* Processes a list begins with room for. */
#define ROOM	64U

static int make_room(struct uid_mem_victims *v)
{
	unsigned int room = max(ROOM, 2 * v->room);
	struct uid_mem_process *processes;

	processes = kvmalloc_array(room, sizeof(*processes), GFP_KERNEL);
	if (!processes)
		return -ENOMEM;
	if (v->nr)
		memcpy(processes, v->processes, v->nr * sizeof(*processes));
	kvfree(v->processes);
	v->processes = processes;
	v->room = room;
	return 0;
}

/* Does a thread of it run, or wait for nothing but a CPU? */
static bool gets_on(struct task_struct *p)
{
	struct task_struct *t;
	bool found = false;

	rcu_read_lock();
	for_each_thread(p, t) {
		found = READ_ONCE(t->mm) && uid_mem_is_runnable(t);
		if (found)
			break;
	}
	rcu_read_unlock();
	return found;
}

/* Put a process on the list if it runs on an address space of the UID. */
static void gather(struct task_struct *p, struct mm_struct *mm, void *data)
{
	struct uid_mem_victims *v = data;
	struct uid_mem_process *process;

	if (v->err || uid_mem_engine_owner(mm) != v->user)
		return;
	if (v->nr == v->room) {
		v->err = make_room(v);
		if (v->err)
			return;
	}
	process = &v->processes[v->nr++];
	*process = (struct uid_mem_process) {
		.task = get_task_struct(p),
		.mm = mm,
		.pages = uid_mem_metric_pages(v->user->limit.metric, mm),
		.is_owned = uid_mem_engine_owns(v->user, p, mm),
		.is_dying = is_dying(p),
		.is_exempt = is_exempt(p),
	};
	mmgrab(mm);
	process->gets_on = process->is_dying && gets_on(p);
	if (!process->is_owned || process->is_dying || process->is_exempt)
		return;
	rcu_read_lock();
	fill_candidate(&process->candidate, p, mm, v->user->limit.metric,
		       process->pages);
	rcu_read_unlock();
	uid_mem_policy_rate(v->policy, &process->candidate);
}

static int compare_candidates(const struct uid_mem_candidate *a,
			      const struct uid_mem_candidate *b)
{
	if (uid_mem_candidate_is_worse(a, b))
		return -1;
	return uid_mem_candidate_is_worse(b, a);
}

/* By address space, and the worst of each first. */
static int compare_processes(const void *pa, const void *pb)
{
	const struct uid_mem_process *a = pa, *b = pb;

	if (a->mm != b->mm)
		return a->mm < b->mm ? -1 : 1;
	return compare_candidates(&a->candidate, &b->candidate);
}

static int compare_victims(const void *pa, const void *pb)
{
	const struct uid_mem_victim *a = pa, *b = pb;

	return compare_candidates(&a->worst->candidate, &b->worst->candidate);
}

/* An address space that a kill does not free: @p runs on it. */
static void take_blocker(struct uid_mem_victims *v,
			 const struct uid_mem_process *p, long pages)
{
	bool better = !v->blocker || pages > v->blocker_pages;

	if (v->blocker && p->is_dying != v->blocker->is_dying)
		better = v->blocker->is_dying;
	if (!better)
		return;
	v->blocker = p;
	v->blocker_pages = pages;
}

/* The @n processes from @first on, the worst, share an address space. */
static void take_mm(struct uid_mem_victims *v, struct uid_mem_process *first,
		    unsigned int n)
{
	const struct uid_mem_process *exempt = NULL;
	bool owned = false, dying = true;
	long pages = first->pages;
	unsigned int i;

	for (i = 0; i < n; i++) {
		owned |= first[i].is_owned;
		dying &= first[i].is_dying;
		if (first[i].is_exempt && !first[i].is_dying)
			exempt = &first[i];
	}
	if (!owned) {
		if (dying)
			take_blocker(v, first, pages);
	} else if (dying) {
		uid_mem_dying_add(v->user, first->mm);
		v->found_dying = true;
	} else if (exempt) {
		v->exempt_pages += pages;
		take_blocker(v, exempt, pages);
	} else if (first->candidate.badness) {
		v->victims[v->nr_victims++] = (struct uid_mem_victim) {
			.worst = first,
			.nr = n,
			.pages = pages,
		};
	}
}

/* From processes to address spaces. */
static int group(struct uid_mem_victims *v)
{
	unsigned int i, n;

	v->victims = kvmalloc_array(v->nr, sizeof(*v->victims), GFP_KERNEL);
	if (v->nr && !v->victims)
		return -ENOMEM;
	sort(v->processes, v->nr, sizeof(*v->processes), compare_processes, NULL);
	for (i = 0; i < v->nr; i += n) {
		n = 1;
		while (i + n < v->nr && v->processes[i + n].mm == v->processes[i].mm)
			n++;
		take_mm(v, &v->processes[i], n);
	}
	sort(v->victims, v->nr_victims, sizeof(*v->victims), compare_victims, NULL);
	return 0;
}

static bool kill_process(struct task_struct *p)
{
	bool killed;

	rcu_read_lock();
	killed = !is_dying(p) && !kill_pid(task_tgid(p), SIGKILL, 1);
	if (killed)
		uid_mem_engine_hurry(p);
	rcu_read_unlock();
	return killed;
}

static int compare_mm(const void *mm, const void *process)
{
	const struct mm_struct *other = ((const struct uid_mem_process *)process)->mm;

	if (mm == other)
		return 0;
	return (const struct mm_struct *)mm < other ? -1 : 1;
}

/*
 * Does a dying address space get on?  A process that was forked onto it after the
 * others had been listed to be killed follows them here.
 */
static bool mm_gets_on(struct mm_struct *mm, void *data)
{
	struct uid_mem_victims *v = data;
	struct uid_mem_process *p, *end = v->processes + v->nr;

	p = bsearch(mm, v->processes, v->nr, sizeof(*p), compare_mm);
	while (p && p > v->processes && p[-1].mm == mm)
		p--;
	for (; p && p < end && p->mm == mm; p++) {
		if (p->gets_on)
			return true;
		if (!p->is_dying && !p->is_exempt && kill_process(p->task))
			return true;
	}
	return false;
}

/**
 * uid_mem_victims_find - find the processes of a UID that can be killed
 * @v: set to it; uid_mem_victims_put() follows
 * @user: the UID
 * @policy: ranks the victims
 *
 * One walk, and memory for each process of the UID.  On the way, address spaces
 * that turn out to be dying leave the account that counts, and those that are
 * overdue but get on are given more time.
 *
 * Return: 0 or -ENOMEM.
 */
int uid_mem_victims_find(struct uid_mem_victims *v, struct uid_mem_user *user,
			 const struct uid_mem_policy *policy)
{
	*v = (struct uid_mem_victims) { .user = user, .policy = policy };
	uid_mem_walk(gather, v);
	if (!v->err)
		v->err = group(v);
	if (!v->err && uid_mem_dying_excuse(user, mm_gets_on, v))
		v->found_dying = true;
	return v->err;
}

/**
 * uid_mem_victims_put - give up what uid_mem_victims_find() took
 * @v: what was found
 */
void uid_mem_victims_put(struct uid_mem_victims *v)
{
	unsigned int i;

	for (i = 0; i < v->nr; i++) {
		mmdrop(v->processes[i].mm);
		put_task_struct(v->processes[i].task);
		cond_resched();
	}
	kvfree(v->processes);
	kvfree(v->victims);
}

/* It has another UID by now, or became exempt. */
static bool is_spared(struct uid_mem_user *user,
		      const struct uid_mem_victim *victim)
{
	const struct uid_mem_process *worst = victim->worst;
	unsigned int i;

	if (!uid_mem_engine_owns(user, worst->task, worst->mm))
		return true;
	for (i = 0; i < victim->nr; i++)
		if (is_exempt(worst[i].task))
			return true;
	return false;
}

/**
 * uid_mem_victim_kill - kill a victim and all that share its address space
 * @user: the UID
 * @victim: the victim
 *
 * The address space counts as on its way out from here.
 *
 * Return: false when nobody was left to kill, or the victim has another UID by
 * now, or became exempt.
 */
bool uid_mem_victim_kill(struct uid_mem_user *user,
			 const struct uid_mem_victim *victim)
{
	const struct uid_mem_process *worst = victim->worst;
	bool killed = false;
	unsigned int i;

	if (is_spared(user, victim))
		return false;
	for (i = 0; i < victim->nr; i++)
		killed |= kill_process(worst[i].task);
	uid_mem_dying_add(user, worst->mm);
	return killed;
}

/**
 * uid_mem_victim_term - ask the worst process of a victim to end, by SIGTERM
 * @user: the UID
 * @victim: the victim
 *
 * What the process has goes on counting: it may ignore the signal, or handle it
 * and live.
 *
 * Return: false when the process is dying by now, or the victim has another UID or
 * became exempt.
 */
bool uid_mem_victim_term(struct uid_mem_user *user,
			 const struct uid_mem_victim *victim)
{
	struct task_struct *p = victim->worst->task;
	bool sent;

	if (is_spared(user, victim))
		return false;
	rcu_read_lock();
	sent = !is_dying(p) && !kill_pid(task_tgid(p), SIGTERM, 1);
	rcu_read_unlock();
	return sent;
}

// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * What happens when a UID uses more than its limit
 *
 * The decision rests on the precise sum over the address spaces of the UID,
 * not on the account that called for it, so that nobody is killed because of
 * drift.  Victims are killed one after the other until what is left, without
 * those that are dying, is within the limit.
 *
 * Never a victim: the global init, kernel threads, processes with
 * oom_score_adj -1000, and those that are dying already.
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/oom.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "compat.h"
#include "events.h"
#include "policy.h"
#include "uid_mem.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* An event comes once per crossing: until usage fell this far below a level. */
static long rearm_level(long level)
{
	return level - level / 32;
}

/* While there is nobody to kill: how often to look, and to say so. */
#define UNKILLABLE_LOOK		HZ
#define UNKILLABLE_SAY		(10 * HZ)

/**
 * struct victim - a process that was chosen
 * @task: the process, with a reference, or NULL
 * @mm: its address space, with a reference
 * @candidate: what the policy knew of it, and made of it
 */
struct victim {
	struct task_struct *task;
	struct mm_struct *mm;
	struct uid_mem_candidate candidate;
};

static void put_victim(struct victim *v)
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

/* Is every process that runs on @mm dying?  Under rcu_read_lock(). */
static bool is_mm_dying(struct mm_struct *mm)
{
	struct task_struct *p;

	for_each_process(p) {
		if (!uid_mem_is_kthread(p) && shares_mm(p, mm) && !is_dying(p))
			return false;
	}
	return true;
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
		.rss = uid_mem_mm_counter(mm, MM_FILEPAGES) +
		       uid_mem_mm_counter(mm, MM_ANONPAGES) +
		       uid_mem_mm_counter(mm, MM_SHMEMPAGES),
		.swap = uid_mem_mm_counter(mm, MM_SWAPENTS),
		.page_tables = mm_pgtables_bytes(mm) / PAGE_SIZE,
		.ram = totalram_pages(),
		.runtime_ns = process_runtime_ns(p),
		.start_ns = p->start_boottime,
		.oom_score_adj = READ_ONCE(p->signal->oom_score_adj),
		.is_admin = is_admin(p),
	};
}

static void rate(struct task_struct *p, struct mm_struct *mm,
		 const struct uid_mem_policy *policy, struct victim *worst)
{
	struct uid_mem_candidate c;

	fill_candidate(&c, p, mm);
	uid_mem_policy_rate(policy, &c);
	if (!c.badness ||
	    (worst->task && !uid_mem_candidate_is_worse(&c, &worst->candidate)))
		return;
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

/* Look at a process of any UID, with the task lock of a thread that has @mm. */
static void consider(struct uid_mem_user *user,
		     const struct uid_mem_policy *policy, struct task_struct *p,
		     struct mm_struct *mm, struct victim *worst,
		     bool *found_dying)
{
	if (!uid_mem_engine_owns(user, p, mm))
		return;
	if (!is_dying(p)) {
		if (!is_exempt(p))
			rate(p, mm, policy, worst);
	} else if (is_mm_dying(mm)) {
		set_dying(user, mm);
		*found_dying = true;
	}
}

/*
 * Choose the victim among the processes of @user.  On the way, those that
 * turn out to be dying leave the account that counts; @found_dying says that
 * there were any.
 *
 * The references of a candidate are taken under its task lock, which keeps
 * its address space, and given up when a worse one is found.
 */
static void choose_victim(struct uid_mem_user *user,
			  const struct uid_mem_policy *policy,
			  struct victim *worst, bool *found_dying)
{
	struct task_struct *p, *t;

	*found_dying = false;
	*worst = (struct victim) { };

	rcu_read_lock();
	for_each_process(p) {
		struct victim last = *worst;

		if (uid_mem_is_kthread(p))
			continue;
		for_each_thread(p, t) {
			struct mm_struct *mm;

			task_lock(t);
			mm = t->mm;
			if (mm)
				consider(user, policy, p, mm, worst, found_dying);
			task_unlock(t);
			if (mm)
				break;
		}
		if (worst->task != last.task)
			put_victim(&last);
	}
	rcu_read_unlock();
}

static void fill_event(struct uid_mem_event *e, struct uid_mem_user *user,
		       enum uid_mem_event_type type, long usage)
{
	memset(e, 0, sizeof(*e));
	e->type = type;
	e->first = user->uid;
	e->last = user->uid;
	e->max = user->limit.max;
	e->high = user->limit.high;
	e->usage = uid_mem_bytes(usage);
}

static void tell(struct uid_mem_user *user, enum uid_mem_event_type type,
		 long usage)
{
	struct uid_mem_event e;

	fill_event(&e, user, type, usage);
	if (type == UID_MEM_MAX_EVENT)
		trace_uid_mem_max(&e);
	uid_mem_event_add(&e);
}

static void tell_victim(struct uid_mem_user *user, enum uid_mem_event_type type,
			long usage, const struct victim *v, unsigned int policy)
{
	struct uid_mem_event e;
	char line[512];

	fill_event(&e, user, type, usage);
	e.pid = task_tgid_nr(v->task);
	get_task_comm(e.comm, v->task);
	e.policy = policy;
	e.victim_rss = uid_mem_bytes(v->candidate.rss);
	e.runtime_ms = div_u64(v->candidate.runtime_ns, NSEC_PER_MSEC);
	e.badness = v->candidate.badness;
	if (type == UID_MEM_KILL)
		trace_uid_mem_kill(&e);
	uid_mem_event_add(&e);
	uid_mem_event_print(line, sizeof(line), &e);
	pr_info_ratelimited("uid_mem: %s\n", line);
}

/*
 * Kill the victim and whoever shares its address space, except who is exempt.
 * Unless somebody is, the address space counts as on its way out from here.
 *
 * Returns false when nobody was left to kill, or the victim has another UID by
 * now.
 */
static bool kill_victim(struct uid_mem_user *user, const struct victim *v)
{
	bool killed = false, survivor = false;
	struct task_struct *p;

	if (!uid_mem_engine_owns(user, v->task, v->mm))
		return false;
	rcu_read_lock();
	for_each_process(p) {
		if (uid_mem_is_kthread(p) || !shares_mm(p, v->mm))
			continue;
		if (is_exempt(p)) {
			survivor = true;
		} else if (!is_dying(p) &&
			   !kill_pid(task_tgid(p), SIGKILL, 1)) {
			uid_mem_engine_hurry(p);
			killed = true;
		}
	}
	rcu_read_unlock();
	if (!survivor)
		set_dying(user, v->mm);
	return killed;
}

static void look_again(struct uid_mem_user *user, unsigned long delay)
{
	mod_delayed_work(uid_mem_wq, &user->work, delay);
}

/* Nobody can be killed: say so, now and then, and look again later. */
static void tell_unkillable(struct uid_mem_user *user, long usage)
{
	if (!user->unkillable_told ||
	    time_after(jiffies, user->unkillable_at + UNKILLABLE_SAY)) {
		user->unkillable_told = true;
		user->unkillable_at = jiffies;
		tell(user, UID_MEM_UNKILLABLE, usage);
	}
	look_again(user, UNKILLABLE_LOOK);
}

/* Usage is above max: tell once per crossing. */
static void tell_max(struct uid_mem_user *user, long usage)
{
	if (!user->over) {
		user->over = true;
		user->over_since = jiffies;
	}
	if (!user->max_told) {
		user->max_told = true;
		user->max_events++;
		tell(user, UID_MEM_MAX_EVENT, usage);
	}
}

/*
 * Usage is above max.  Returns true when something was done about it, so that
 * it has to be read again.
 */
static bool enforce_max(struct uid_mem_user *user, unsigned int policy,
			long usage)
{
	const struct uid_mem_limit *limit = &user->limit;
	unsigned long grace = msecs_to_jiffies(limit->grace_ms);
	bool audit = limit->mode == UID_MEM_MODE_AUDIT;
	bool found_dying, again = false;
	struct victim v;

	if (audit && user->max_told)
		return false;
	if (policy == UID_MEM_POLICY_DEFAULT)
		policy = limit->policy;
	policy = uid_mem_policy_resolve(policy);
	choose_victim(user, uid_mem_policy_get(policy), &v, &found_dying);
	if (found_dying) {
		put_victim(&v);
		return true;
	}
	tell_max(user, usage);
	if (!audit && time_before(jiffies, user->over_since + grace)) {
		look_again(user, user->over_since + grace - jiffies);
	} else if (!v.task) {
		tell_unkillable(user, usage);
	} else if (audit) {
		tell_victim(user, UID_MEM_WOULD_KILL, usage, &v, policy);
	} else {
		again = true;
		if (kill_victim(user, &v)) {
			user->kills++;
			tell_victim(user, UID_MEM_KILL, usage, &v, policy);
		}
	}
	put_victim(&v);
	return again;
}

static void check_high(struct uid_mem_user *user, long usage)
{
	long high = uid_mem_pages(user->limit.high);

	if (usage <= rearm_level(high)) {
		user->high_told = false;
	} else if (usage > high && !user->high_told) {
		user->high_told = true;
		user->high_events++;
		tell(user, UID_MEM_HIGH_EVENT, usage);
	}
}

/**
 * uid_mem_enforce - look at a UID, and do what its limit asks for
 * @user: the UID
 * @policy: number of the policy, UID_MEM_POLICY_DEFAULT for that of the limit
 */
void uid_mem_enforce(struct uid_mem_user *user, unsigned int policy)
{
	long max, high, upper, lower = LONG_MIN;
	struct uid_mem_usage usage;

	mutex_lock(&user->mutex);
	max = uid_mem_pages(user->limit.max);
	high = uid_mem_pages(user->limit.high);
	do {
		uid_mem_engine_read(user, &usage);
		check_high(user, usage.live);
	} while (usage.live > max && enforce_max(user, policy, usage.live));

	user->over = usage.live > max;
	if (usage.live <= rearm_level(max))
		user->max_told = false;
	/*
	 * What to be notified of: the next level above, and the next one
	 * below where something ends that was begun.
	 */
	if (user->over)
		upper = LONG_MAX;
	else
		upper = user->high_told ? max : min(max, high);
	if (user->high_told)
		lower = rearm_level(high);
	if (user->max_told)
		lower = max(lower, user->over ? max : rearm_level(max));
	uid_mem_engine_set_levels(user, lower, upper);
	mutex_unlock(&user->mutex);
}

/**
 * uid_mem_enforce_fn - look at a UID from a worker
 * @work: struct uid_mem_user::work
 */
void uid_mem_enforce_fn(struct work_struct *work)
{
	struct uid_mem_user *user =
		container_of(to_delayed_work(work), struct uid_mem_user, work);

	uid_mem_enforce(user, UID_MEM_POLICY_DEFAULT);
}

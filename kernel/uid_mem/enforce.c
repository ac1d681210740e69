// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * What happens when a UID uses more than its limit
 *
 * The decision rests on the precise sum over the address spaces of the UID,
 * not on the account that called for it, so that nobody is killed because of
 * drift.  Victims are killed one after the other until what is left, without
 * those that are dying and have not had their time, is within the limit.
 *
 * Nobody is killed in vain: what the processes hold that must not be killed is
 * summed before the first kill.
 *
 * At high one process may be asked to end, by SIGTERM, once per crossing.  It is
 * chosen like a victim, and not asked if its end would not help.  It need not end:
 * what it has keeps counting.
 */

#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/ratelimit.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "dying.h"
#include "events.h"
#include "footprint.h"
#include "metric.h"
#include "uid_mem.h"
#include "victims.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/*
 * A worker on the CPU of the task that went over a limit takes its turn as soon
 * as that task can be preempted, whatever the other CPUs do.
 */
#define UID_MEM_WQ_FLAGS	(WQ_PERCPU | WQ_HIGHPRI | WQ_CPU_INTENSIVE)

struct workqueue_struct *uid_mem_wq;

/* An event comes once per crossing: until usage fell this far below a level. */
static long rearm_level(long level)
{
	return level - level / 32;
}

/* While no kill would help: how often to look, and to say so. */
#define UNKILLABLE_LOOK		HZ
#define UNKILLABLE_SAY		(10 * HZ)
/* How much longer it takes to earn the grace than to spend it. */
#define GRACE_WINDOW		8
/* What a UID may grow, in pages, while all it has is overdue already. */
#define OVERDUE_GROWTH		((1L << 20) >> PAGE_SHIFT)
/* When to look again if there is no memory to list the processes. */
#define NO_MEMORY_LOOK		(HZ / 10)
/* When to look again if an address space was locked, as during a fork(). */
#define GUESS_LOOK		msecs_to_jiffies(10)
/* For how long processes may come and go. */
#define CHANGE_PATIENCE		HZ
/* Where pages are shared: the part of max that a UID may grow by unseen. */
#define SHARED_STEP		64
/* How often shares are read at most and at least, where no charge asks for it. */
#define SHARE_LOOK		msecs_to_jiffies(20)
#define SHARE_LOOK_IDLE		msecs_to_jiffies(250)
/* Usage by share has to be below a level for so long. */
#define SHARE_LATELY		msecs_to_jiffies(100)

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
			long usage, const struct uid_mem_victim *victim,
			unsigned int policy)
{
	const struct uid_mem_candidate *candidate = &victim->worst->candidate;
	struct uid_mem_event e;
	char line[512];

	fill_event(&e, user, type, usage);
	e.pid = task_tgid_nr(victim->worst->task);
	get_task_comm(e.comm, victim->worst->task);
	e.policy = policy;
	e.victim_rss = uid_mem_bytes(candidate->rss);
	e.runtime_ms = div_u64(candidate->runtime_ns, NSEC_PER_MSEC);
	e.badness = candidate->badness;
	if (type == UID_MEM_KILL)
		trace_uid_mem_kill(&e);
	else if (type == UID_MEM_TERM)
		trace_uid_mem_term(&e);
	uid_mem_event_add(&e);
	uid_mem_event_print(line, sizeof(line), &e);
	if (__ratelimit(&user->log_rate))
		pr_info("uid_mem: %s\n", line);
}

/* Look again in so many jiffies, or before. */
static void look_again(struct uid_mem_user *user, unsigned long delay)
{
	if (!user->look_in || delay < user->look_in)
		user->look_in = max(delay, 1UL);
}

/* Name the process in the way, if there is one. */
static void add_blocker(struct uid_mem_event *e, const struct uid_mem_victims *v)
{
	if (!v->blocker)
		return;
	e->pid = task_tgid_nr(v->blocker->task);
	get_task_comm(e->comm, v->blocker->task);
	e->held = uid_mem_bytes(v->blocker_pages);
}

/* No kill would help: say so, now and then, and look again later. */
static void tell_unkillable(const struct uid_mem_victims *v, long usage)
{
	struct uid_mem_user *user = v->user;
	struct uid_mem_event e;

	if (!user->unkillable_told ||
	    time_after(jiffies, user->unkillable_at + UNKILLABLE_SAY)) {
		user->unkillable_told = true;
		user->unkillable_at = jiffies;
		fill_event(&e, user, UID_MEM_UNKILLABLE, usage);
		add_blocker(&e, v);
		uid_mem_event_add(&e);
	}
	look_again(user, UNKILLABLE_LOOK);
}

/*
 * The time above max adds up; time at or below it pays that back, but takes
 * GRACE_WINDOW times as long.  So a dip does not begin the grace anew.  @user->over
 * is as it was since the last look: each crossing brings one.
 */
static void spend_grace(struct uid_mem_user *user)
{
	unsigned long grace = msecs_to_jiffies(user->limit.grace_ms);
	unsigned long now = jiffies, time = now - user->grace_at;

	if (user->over) {
		user->grace_spent = min(user->grace_spent + time, grace);
		user->grace_at = now;
	} else if (time >= GRACE_WINDOW) {
		time /= GRACE_WINDOW;
		user->grace_spent -= min(user->grace_spent, time);
		user->grace_at = now;
	}
}

/* What is left of it, in jiffies. */
static unsigned long grace_left(const struct uid_mem_user *user)
{
	return msecs_to_jiffies(user->limit.grace_ms) - user->grace_spent;
}

/* Usage is above max: tell once per crossing. */
static void tell_max(struct uid_mem_user *user, long usage)
{
	if (!user->max_told) {
		user->max_told = true;
		user->max_events++;
		tell(user, UID_MEM_MAX_EVENT, usage);
	}
}

/*
 * Kill one victim after the other until what they held makes up for the excess.
 * A victim may have grown since usage was read; then too few die, and usage is
 * read again.
 */
static void kill_victims(struct uid_mem_victims *v, unsigned int policy,
			 long usage)
{
	struct uid_mem_user *user = v->user;
	long max = uid_mem_pages(user->limit.max);
	unsigned int i;

	for (i = 0; i < v->nr_victims && usage > max; i++) {
		const struct uid_mem_victim *victim = &v->victims[i];
		long pages = uid_mem_metric_pages(user->limit.metric,
						  victim->worst->mm);

		if (uid_mem_victim_kill(user, victim)) {
			user->kills++;
			tell_victim(user, UID_MEM_KILL, usage, victim, policy);
		}
		usage -= max(pages, victim->pages);
		cond_resched();
	}
}

/* No victim helps if what no kill frees is above the level by itself. */
static bool would_help(const struct uid_mem_victims *v, long level)
{
	return v->exempt_pages <= level;
}

/* Returns true when something was done, so that usage has to be read again. */
static bool act_on_max(struct uid_mem_victims *v, unsigned int policy, long usage)
{
	struct uid_mem_user *user = v->user;
	unsigned long grace = grace_left(user);
	bool audit = user->limit.mode == UID_MEM_MODE_AUDIT;

	tell_max(user, usage);
	if (!audit && grace) {
		look_again(user, grace);
		return false;
	}
	if (!v->nr_victims || !would_help(v, uid_mem_pages(user->limit.max))) {
		tell_unkillable(v, usage);
		return false;
	}
	if (audit) {
		tell_victim(user, UID_MEM_WOULD_KILL, usage, &v->victims[0],
			    policy);
		return false;
	}
	kill_victims(v, policy, usage);
	user->grace_spent = 0;
	return true;
}

/*
 * Usage is above max.  Returns true when something was done about it, so that
 * it has to be read again.
 */
static bool enforce_max(struct uid_mem_user *user, unsigned int policy,
			long usage)
{
	const struct uid_mem_limit *limit = &user->limit;
	struct uid_mem_victims v;
	bool again;

	if (limit->mode == UID_MEM_MODE_AUDIT && user->max_told)
		return false;
	if (policy == UID_MEM_POLICY_DEFAULT)
		policy = limit->policy;
	policy = uid_mem_policy_resolve(policy);
	if (uid_mem_victims_find(&v, user, uid_mem_policy_get(policy))) {
		look_again(user, NO_MEMORY_LOOK);
		again = false;
	} else {
		again = v.found_dying || act_on_max(&v, policy, usage);
	}
	uid_mem_victims_put(&v);
	return again;
}

/* Ask the worst victim to end; the next one if that is dying by now. */
static void term_victim(const struct uid_mem_victims *v, unsigned int policy,
			long usage)
{
	struct uid_mem_user *user = v->user;
	unsigned int i;

	for (i = 0; i < v->nr_victims; i++) {
		const struct uid_mem_victim *victim = &v->victims[i];

		if (user->limit.mode == UID_MEM_MODE_AUDIT) {
			tell_victim(user, UID_MEM_WOULD_TERM, usage, victim, policy);
			return;
		}
		if (uid_mem_victim_term(user, victim)) {
			user->terms++;
			tell_victim(user, UID_MEM_TERM, usage, victim, policy);
			return;
		}
	}
}

/*
 * Usage is above high, and somebody is to be asked to end for it.  Returns true
 * when less counts than did before, so that usage has to be read again.
 */
static bool act_on_high(struct uid_mem_user *user, long usage)
{
	unsigned int policy = uid_mem_policy_resolve(user->limit.policy);
	struct uid_mem_victims v;
	bool again = false;

	if (uid_mem_victims_find(&v, user, uid_mem_policy_get(policy))) {
		look_again(user, NO_MEMORY_LOOK);
	} else if (v.found_dying) {
		again = true;
	} else {
		user->term_due = false;
		if (would_help(&v, uid_mem_pages(user->limit.high)))
			term_victim(&v, policy, usage);
	}
	uid_mem_victims_put(&v);
	return again;
}

/*
 * Returns true when usage has to be read again.  @most is what it was lately.
 */
static bool check_high(struct uid_mem_user *user, long usage, long most)
{
	long high = uid_mem_pages(user->limit.high);

	if (most <= rearm_level(high)) {
		user->high_told = false;
		user->term_due = false;
	} else if (usage > high && !user->high_told) {
		user->high_told = true;
		user->term_due = user->limit.on_high == UID_MEM_ON_HIGH_TERM;
		user->high_events++;
		tell(user, UID_MEM_HIGH_EVENT, usage);
	}
	return user->term_due && usage > high && act_on_high(user, usage);
}

/*
 * Is there anything to do when usage rises above high?  While somebody is to be
 * asked to end and there is no memory to choose, a timer brings the next look.
 */
static bool waits_for_high(const struct uid_mem_user *user, long usage)
{
	if (user->term_due)
		return usage <= uid_mem_pages(user->limit.high);
	return !user->high_told;
}

/*
 * A level of what counts, as one of the account, which lacks what is overdue, and
 * has what is shared more than once.
 */
static long charged_level(const struct uid_mem_user *user, long level, long overdue)
{
	if (level == LONG_MIN || level == LONG_MAX)
		return level;
	return max(level - overdue + user->shared, 0L);
}

/* What a UID may use before there is something to do. */
static long next_level(const struct uid_mem_user *user)
{
	return uid_mem_pages(min(user->limit.max, user->limit.high));
}

/* Is something so, and has it been so at the last looks for a short time only? */
static bool is_new(bool now, bool *was, unsigned long *since)
{
	if (now && !*was)
		*since = jiffies;
	*was = now;
	return now && time_before_eq(jiffies, *since + CHANGE_PATIENCE);
}

/*
 * What counts, in pages.  Where processes come and go, what they share may have been
 * missed: then usage has not fallen, for a while.
 */
static long judge(struct uid_mem_user *user, const struct uid_mem_footprint *f,
		  long overdue)
{
	long room = uid_mem_pages(user->limit.max) - overdue, pages = f->pages;
	/* Not for ever: a victim may hang. */
	bool unsettled = is_new(f->changed, &user->changing, &user->changing_at);

	/* What a fork() has locked would tell. */
	if (is_new(f->forking, &user->forking, &user->forking_at))
		unsettled = true;
	else
		pages += f->forking;
	if (unsettled && pages <= room)
		return max(pages, min(user->share, room));
	return pages;
}

/* What a UID that shares pages may grow by between two walks, at least. */
static long shared_step(const struct uid_mem_user *user)
{
	return uid_mem_pages(user->limit.max) / SHARED_STEP;
}

/*
 * What is shared changes without a charge: where a process writes to a page that it
 * shares with others, and where others go.  So look again, less often while nothing
 * changes, and never for more than a part of the time.
 */
static void look_at_shares(struct uid_mem_user *user,
			   const struct uid_mem_footprint *f)
{
	unsigned long least = max(SHARE_LOOK, uid_mem_footprint_pause(f));

	WRITE_ONCE(user->copies_room,
		   max(next_level(user) - f->pages, shared_step(user)));
	if (f->pages == user->share)
		user->share_look = min(2 * user->share_look, SHARE_LOOK_IDLE);
	else
		user->share_look = 0;
	user->share_look = max(user->share_look, least);
	look_again(user, user->share_look);
}

/*
 * The footprint, where shares have been read.  Copies on write begin anew, unless they
 * may be in what could not be walked.
 */
static int take_footprint(struct uid_mem_user *user, long charged, long level,
			  struct uid_mem_footprint *f)
{
	long copies = atomic_long_xchg(&user->copies, 0);
	int err = uid_mem_footprint(user, charged, level, f);

	if (err || f->guessed)
		copies = atomic_long_add_return(copies, &user->copies);
	if (!err && f->guessed)
		f->pages += copies;
	return err;
}

/* What counts of what is charged, in pages. */
static long weigh(struct uid_mem_user *user, long charged, long overdue)
{
	struct uid_mem_footprint f;
	long pages = charged;

	if (user->limit.metric != UID_MEM_METRIC_FOOTPRINT) {
		user->walked = false;
		uid_mem_footprint_forget(user);
	} else if (take_footprint(user, charged, next_level(user) - overdue, &f)) {
		look_again(user, NO_MEMORY_LOOK);
		pages -= user->shared;
	} else {
		pages = judge(user, &f, overdue);
		user->walked = f.walked;
		if (f.walked)
			look_at_shares(user, &f);
		if (f.guessed)
			look_again(user, GUESS_LOOK);
		else if (!f.changed)
			user->share = f.pages;
	}
	WRITE_ONCE(user->shared, charged - pages);
	return pages;
}

/*
 * Usage by share has fallen when it stays there: what those share that come and go is
 * missed now and then.  Returns the most of the last moments, in pages.
 */
static long lately(struct uid_mem_user *user, long usage)
{
	if (user->limit.metric != UID_MEM_METRIC_FOOTPRINT || usage >= user->lately ||
	    time_after(jiffies, user->lately_at + SHARE_LATELY)) {
		user->lately = usage;
		user->lately_at = jiffies;
	} else if (user->high_told || user->max_told) {
		look_again(user, SHARE_LOOK);
	}
	return user->lately;
}

/*
 * What to be notified of: the next level above, and the next one below where
 * something ends that was begun.
 */
static void set_levels(struct uid_mem_user *user, long live, long overdue)
{
	long max = uid_mem_pages(user->limit.max);
	long high = uid_mem_pages(user->limit.high);
	long upper, lower = LONG_MIN;

	/* @live is what counts; what is charged is that and @user->shared. */

	if (user->over)
		/* All others are gone; a newcomer has to go as well. */
		upper = overdue ? live + overdue + OVERDUE_GROWTH : LONG_MAX;
	else
		upper = waits_for_high(user, live + overdue) ? min(max, high) : max;
	if (user->high_told)
		lower = rearm_level(high);
	if (user->max_told)
		lower = max(lower, user->over ? max : rearm_level(max));
	upper = charged_level(user, upper, overdue);
	if (user->walked && user->shared > 0 && !user->over)
		upper = max(upper, live + user->shared + shared_step(user));
	uid_mem_engine_set_levels(user, charged_level(user, lower, overdue), upper);
}

/*
 * Before the levels are set: a notification that follows is not to be put off.
 */
static void schedule_next_look(struct uid_mem_user *user)
{
	unsigned long dying = uid_mem_dying_next_look(user);

	if (dying)
		look_again(user, dying);
	if (user->look_in)
		mod_delayed_work(uid_mem_wq, &user->work, user->look_in);
}

static void look(struct uid_mem_user *user, unsigned int policy)
{
	struct uid_mem_usage usage;
	long max, live, counted, overdue, most;
	bool again;

	lockdep_assert_held(&user->mutex);
	user->look_in = 0;
	spend_grace(user);
	max = uid_mem_pages(user->limit.max);
	do {
		/* Before the sum: what was charged for these is in it. */
		user->answered = atomic_read_acquire(&user->asked);
		uid_mem_engine_read(user, &usage);
		overdue = uid_mem_dying_overdue(user);
		live = weigh(user, usage.live, overdue);
		counted = live + overdue;
		most = lately(user, counted);
		again = check_high(user, counted, most) ||
			(counted > max && enforce_max(user, policy, counted));
	} while (again);

	if (user->limit.metric == UID_MEM_METRIC_FOOTPRINT)
		user->peak = max(user->peak, counted);
	if (counted > max && !user->over)
		user->grace_at = jiffies;
	user->over = counted > max;
	if (most <= rearm_level(max))
		user->max_told = false;
	schedule_next_look(user);
	set_levels(user, live, overdue);
}

/**
 * uid_mem_enforce - look at a UID, and do what its limit asks for
 * @user: the UID
 * @policy: number of the policy, UID_MEM_POLICY_DEFAULT for that of the limit
 *
 * Many tasks may find their UID above its limit at once.  One sums and kills;
 * what it found by then is the answer for those that have waited for it.  A task
 * that is killed does not wait: somebody else looks in its stead.
 */
void uid_mem_enforce(struct uid_mem_user *user, unsigned int policy)
{
	int asked = atomic_inc_return(&user->asked);

	if (uid_mem_lock_killable(&user->mutex)) {
		mod_delayed_work(uid_mem_wq, &user->work, 0);
		return;
	}
	/* A look that began after we asked has seen what we have. */
	if (policy != UID_MEM_POLICY_DEFAULT || user->answered - asked < 0)
		look(user, policy);
	rt_mutex_unlock(&user->mutex);
}

/**
 * uid_mem_look - look at a UID, with the policy of its limit
 * @user: the UID
 */
void uid_mem_look(struct uid_mem_user *user)
{
	uid_mem_enforce(user, UID_MEM_POLICY_DEFAULT);
}

/**
 * uid_mem_enforce_fn - look at a UID from a worker
 * @work: struct uid_mem_user::work
 */
void uid_mem_enforce_fn(struct work_struct *work)
{
	struct uid_mem_user *user =
		container_of(to_delayed_work(work), struct uid_mem_user, work);

	uid_mem_look(user);
}

/**
 * uid_mem_enforce_init - get ready to look at UIDs
 *
 * Return: 0 or -ENOMEM.
 */
int uid_mem_enforce_init(void)
{
	uid_mem_wq = alloc_workqueue("uid_mem", UID_MEM_WQ_FLAGS, 0);
	return uid_mem_wq ? 0 : -ENOMEM;
}

/** uid_mem_enforce_exit - undo uid_mem_enforce_init(); there are no users */
void uid_mem_enforce_exit(void)
{
	destroy_workqueue(uid_mem_wq);
}

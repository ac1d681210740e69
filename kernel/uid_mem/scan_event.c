// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Engine "scan": what the kernel tells of
 *
 * The tracepoint kmem:rss_stat tells of every change of an RSS counter.  Each
 * CPU remembers the address space it saw last, so that nothing has to be
 * searched for.
 *
 * An address space becomes known with its first event: on fork, while its
 * pages are copied, or when the process touches memory after it has changed its
 * UID.  sched:sched_process_fork and sched:sched_process_exec settle whose it
 * is, and a return probe on commit_creds() tells of changes of the UID at once;
 * a kernel without kprobes learns of them with the next event.  An address
 * space that is not that of current says nothing of whose it is, unless current
 * makes it.
 *
 * Events come with preemption off, which synchronize_rcu() waits for.
 */

#include <linux/cred.h>
#include <linux/kprobes.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/tracepoint.h>

#include "compat.h"
#include "scan.h"
#include "uid_mem.h"

/**
 * struct scan_cpu - what a CPU saw last
 * @gen: valid while this is scan_gen
 * @mm: the address space
 * @cred: the real credentials of the task; a reference
 * @entry: what there is for @mm, NULL where the UID has no limit
 */
struct scan_cpu {
	unsigned long gen;
	struct mm_struct *mm;
	const struct cred *cred;
	struct scan_mm *entry;
};

static DEFINE_PER_CPU(struct scan_cpu, scan_cpus);

static void scan_remember(struct scan_cpu *c, struct mm_struct *mm,
			  struct scan_mm *e, unsigned long gen)
{
	const struct cred *old = c->cred;

	c->cred = get_cred(current_real_cred());
	c->mm = mm;
	c->entry = e;
	c->gen = gen;
	put_cred(old);
}

/*
 * Is @mm the child of a fork() of current?  dup_mmap() holds its lock for
 * writing, and nobody runs on it.  Anything else that changes the address
 * space of another process (truncate(), reclaim, uprobes) does not hold the
 * lock, or holds a reference on the users.  What execve() prepares counts to
 * the old address space until it is used; see acct_arg_size().
 */
static bool scan_is_forked_here(struct mm_struct *mm)
{
	return atomic_read(&mm->mm_users) == 1 &&
	       atomic_long_read(&mm->mmap_lock.owner) == (long)current;
}

/*
 * Not what runs here, or not as it was.  A child is put on the account of its
 * parent while its pages are copied.  Any other address space that is not that
 * of current is charged to its own UID, if that is known.
 */
static noinline struct scan_mm *scan_look_up(struct scan_cpu *c,
					     struct mm_struct *mm)
{
	unsigned long gen = atomic_long_read(&scan_gen);
	struct scan_mm *e;
	bool pending;

	if (uid_mem_is_kthread(current))
		return scan_find(mm);
	if (current->mm == mm) {
		e = scan_place(current, mm, &pending);
		if (!pending && !in_vfork(current))
			scan_remember(c, mm, e, gen);
		return e;
	}
	e = scan_find(mm);
	if (!e && current->mm && scan_is_forked_here(mm)) {
		struct uid_mem_user *user = scan_user_of(current, &pending);

		if (user)
			e = scan_assign(mm, user);
	}
	return e;
}

static bool scan_is_ignored(const struct scan_mm *e, int member)
{
	long change = uid_mem_mm_counter_here(e->mm, member) -
		      READ_ONCE(e->base[member]);
	const struct uid_mem_user *user = READ_ONCE(e->user);
	unsigned long ignore = user ? READ_ONCE(user->account.ignore) : 0;

	return (unsigned long)change + ignore <= 2 * ignore;
}

static __always_inline void scan_event(struct mm_struct *mm, int member)
{
	struct scan_cpu *c;
	struct scan_mm *e;

	preempt_disable_notrace();
	c = this_cpu_ptr(&scan_cpus);
	if (likely(c->mm == mm && c->cred == current_real_cred() &&
		   c->gen == atomic_long_read(&scan_gen)))
		e = c->entry;
	else
		e = scan_look_up(c, mm);
	if (e && !scan_is_ignored(e, member))
		scan_charge(e, member);
	preempt_enable_notrace();
}

static void probe_rss_stat(void *data, struct mm_struct *mm,
			   UID_MEM_RSS_STAT_ARGS)
{
	scan_event(mm, member);
}

/* The child does not run yet. */
static void probe_fork(void *data, struct task_struct *parent,
		       struct task_struct *child)
{
	struct mm_struct *mm = child->mm;
	bool pending;

	if (!mm || mm == parent->mm)
		return;
	preempt_disable_notrace();
	scan_place(child, mm, &pending);
	preempt_enable_notrace();
}

/* A small program may end before its first event. */
static void probe_exec(void *data, struct task_struct *p, pid_t old_pid,
		       struct linux_binprm *bprm)
{
	bool pending;

	preempt_disable_notrace();
	scan_place(p, p->mm, &pending);
	preempt_enable_notrace();
}

/*
 * The last pages of a small process are not worth an event: have the timer give
 * up what is left of it.  current is about to leave its address space, or has
 * just done so.
 */
static void probe_exit(void *data, UID_MEM_PROCESS_EXIT_ARGS)
{
	struct uid_mem_user *user;

	if (atomic_read(&p->signal->live) || uid_mem_is_kthread(p))
		return;
	preempt_disable_notrace();
	user = scan_find_user(p->mm ? : p->active_mm);
	if (user)
		scan_arm(user);
	preempt_enable_notrace();
}

static int scan_creds_changed(struct kretprobe_instance *instance,
			      struct pt_regs *regs)
{
	struct mm_struct *mm = current->mm;
	bool pending;

	preempt_disable_notrace();
	if (mm && !uid_mem_is_kthread(current) && thread_group_leader(current))
		scan_place(current, mm, &pending);
	preempt_enable_notrace();
	return 0;
}

static struct kretprobe scan_commit_creds = {
	.handler = scan_creds_changed,
	.kp.symbol_name = "commit_creds",
};

static bool scan_has_kretprobe;

/**
 * struct scan_tracepoint - a tracepoint that is used
 * @name: its name
 * @probe: what it calls
 * @tp: where it is
 */
struct scan_tracepoint {
	const char *name;
	void *probe;
	struct tracepoint *tp;
};

static struct scan_tracepoint scan_tracepoints[] = {
	{ "rss_stat", probe_rss_stat },
	{ "sched_process_fork", probe_fork },
	{ "sched_process_exec", probe_exec },
	{ "sched_process_exit", probe_exit },
};

static void scan_find_tracepoint(struct tracepoint *tp, void *unused)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(scan_tracepoints); i++)
		if (!strcmp(tp->name, scan_tracepoints[i].name))
			scan_tracepoints[i].tp = tp;
}

static void scan_unregister(int nr)
{
	while (nr--)
		tracepoint_probe_unregister(scan_tracepoints[nr].tp,
					    scan_tracepoints[nr].probe, NULL);
	tracepoint_synchronize_unregister();
}

static int scan_register(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(scan_tracepoints); i++) {
		struct scan_tracepoint *t = &scan_tracepoints[i];

		err = t->tp ? tracepoint_probe_register(t->tp, t->probe, NULL) :
			      -EOPNOTSUPP;
		if (err) {
			pr_err("uid_mem: tracepoint %s cannot be used (error %d): the kernel needs CONFIG_TRACEPOINTS\n",
			       t->name, err);
			scan_unregister(i);
			return err;
		}
	}
	return 0;
}

static void scan_forget_cpus(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct scan_cpu *c = per_cpu_ptr(&scan_cpus, cpu);

		put_cred(c->cred);
		memset(c, 0, sizeof(*c));
	}
}

/**
 * scan_events_start - listen
 *
 * Return: 0, or -EOPNOTSUPP where the kernel lacks what it takes.
 */
int scan_events_start(void)
{
	int err;

	for_each_kernel_tracepoint(scan_find_tracepoint, NULL);
	err = scan_register();
	if (err)
		return err;
	/* It can be registered again after it was removed only when it is as new. */
	scan_commit_creds.kp.addr = NULL;
	scan_commit_creds.kp.flags = 0;
	scan_commit_creds.kp.nmissed = 0;
	err = register_kretprobe(&scan_commit_creds);
	scan_has_kretprobe = !err;
	if (err)
		pr_notice_once("uid_mem: no return probe on commit_creds() (error %d): a changed UID counts from the next page fault on\n",
			       err);
	return 0;
}

/**
 * scan_events_are_complete - has every change of a UID been told of?
 *
 * Not where there is no return probe, or it was missed.
 */
bool scan_events_are_complete(void)
{
	return scan_has_kretprobe && !scan_commit_creds.nmissed &&
	       !scan_commit_creds.kp.nmissed;
}

/** scan_events_stop - undo scan_events_start(); sleeps */
void scan_events_stop(void)
{
	if (scan_has_kretprobe)
		unregister_kretprobe(&scan_commit_creds);
	scan_unregister(ARRAY_SIZE(scan_tracepoints));
	scan_mms_stop();
	scan_forget_cpus();
}

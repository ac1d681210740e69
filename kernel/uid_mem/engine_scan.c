// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Engine "scan": a kernel as it comes from its distributor
 *
 * The tracepoint kmem:rss_stat tells of every change of an RSS counter.  For
 * each address space of a UID that has a limit there is a struct scan_mm,
 * found by its address, with the counters as they were last charged to the
 * account of the UID.  Most changes are too small to matter (uid_mem_account::
 * ignore) and only compared; the others are charged exactly.  Each CPU
 * remembers the address space it saw last, so that nothing has to be searched
 * for.
 *
 * An address space becomes known with its first event: on fork, while its
 * pages are copied, or when the process touches memory after execve() or
 * after it has changed its UID.  sched:sched_process_fork settles whose it is,
 * and a return probe on commit_creds() tells of changes of the UID at once; a
 * kernel without kprobes learns of them with the next event.
 *
 * How far an account may be behind: each address space by @ignore, which gets
 * smaller as the limit comes closer, and from 6.2 on by what CPUs that it has
 * left keep in their part of a counter.  When less is left than that may add
 * up to, the UID is looked at, which sums all its address spaces exactly.
 * Before a kernel 6.2 each thread keeps up to 64 page faults to itself, which
 * nobody can see.
 *
 * A look that is urgent has a thread with real-time priority on each CPU, which
 * comes in between as soon as no lock is held: the scheduler may give a worker
 * its turn some milliseconds later, and a thread on another CPU runs beside
 * what it is to stop.  fork() copies tens of MiB meanwhile.
 *
 * What this engine cannot do is hold up a process until the memory of a
 * victim is free; fork() fails meanwhile.  See docs/engines.md, and
 * scan_probes.c for what else is in the way of a limit.
 *
 * Locks: scan_lock, then uid_mem_account::lock.  Both are taken with page table
 * locks held.  Events come with preemption off, which synchronize_rcu() waits
 * for.
 */

#include <linux/cpu.h>
#include <linux/cred.h>
#include <linux/hash.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>

#include "compat.h"
#include "scan_probes.h"
#include "uid_mem.h"

#ifdef CONFIG_PREEMPT_RT
#error "the engine scan takes sleeping locks in tracepoints: not for PREEMPT_RT"
#endif

const char *const uid_mem_engine_name = "scan";

/* Pages of one address space that are never worth to be charged by themselves. */
#define SCAN_IGNORE	64L

/* Address spaces that are gone are given up when there are so many. */
#define SCAN_GONE	32U

#define SCAN_HASH_BITS	12

/**
 * struct scan_mm - an address space of a UID
 * @node: in scan_mms
 * @list: in uid_mem_account::mms
 * @rcu: to free it
 * @mm: the address space; a reference on the structure
 * @user: the UID
 * @seen: its counters as they have been charged
 * @base: its counters as the CPU saw them that did so, without what others keep
 * @dying: its processes have been killed or exit
 * @gone: nobody runs on it any more
 */
struct scan_mm {
	struct hlist_node node;
	struct list_head list;
	struct rcu_head rcu;
	struct mm_struct *mm;
	struct uid_mem_user *user;
	long seen[NR_MM_COUNTERS];
	long base[NR_MM_COUNTERS];
	bool dying;
	bool gone;
};

static struct hlist_head scan_mms[1 << SCAN_HASH_BITS];
static DEFINE_SPINLOCK(scan_lock);

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

/* Changes when what CPUs remember may be wrong. */
static atomic_long_t scan_gen = ATOMIC_LONG_INIT(1);

/**
 * struct scan_looker - looks at UIDs before anybody else runs on a CPU
 * @worker: the thread; NULL where the CPU was not there when it was made
 * @work: looks at @users
 * @users: by uid_mem_account::look
 */
struct scan_looker {
	struct kthread_worker *worker;
	struct kthread_work work;
	struct llist_head users;
};

static DEFINE_PER_CPU(struct scan_looker, scan_lookers);

/* That of a CPU which had one from the beginning, for those that did not. */
static struct scan_looker *scan_first_looker;

static void scan_place_work_fn(struct work_struct *work);
static DECLARE_WORK(scan_place_work, scan_place_work_fn);

static unsigned int scan_min_ms = 20;
module_param(scan_min_ms, uint, 0644);
MODULE_PARM_DESC(scan_min_ms, "engine scan: how often to look at a UID that is active and close to its limit (default 20)");

static unsigned int scan_max_ms = 1000;
module_param(scan_max_ms, uint, 0644);
MODULE_PARM_DESC(scan_max_ms, "engine scan: how often to look at a UID that is active (default 1000)");

static const unsigned int metric_members[UID_MEM_NR_METRICS] = {
	[UID_MEM_METRIC_RSS] =
		BIT(MM_FILEPAGES) | BIT(MM_ANONPAGES) | BIT(MM_SHMEMPAGES),
	[UID_MEM_METRIC_ANON] = BIT(MM_ANONPAGES) | BIT(MM_SWAPENTS),
};

static struct hlist_head *scan_bucket(struct mm_struct *mm)
{
	return &scan_mms[hash_ptr(mm, SCAN_HASH_BITS)];
}

/* Under rcu_read_lock(), or with preemption off. */
static struct scan_mm *scan_find(struct mm_struct *mm)
{
	struct scan_mm *e;

	hlist_for_each_entry_rcu(e, scan_bucket(mm), node,
				 lockdep_is_held(&scan_lock)) {
		if (e->mm == mm)
			return e;
	}
	return NULL;
}

/* The UID that an address space is charged to.  Under rcu_read_lock(). */
static struct uid_mem_user *scan_find_user(struct mm_struct *mm)
{
	const struct scan_mm *e = scan_find(mm);

	return e ? READ_ONCE(e->user) : NULL;
}

/* ---- charging ---------------------------------------------------------- */

static unsigned long scan_interval(const struct uid_mem_account *a)
{
	bool near = a->upper < LONG_MAX / 2 &&
		    a->charged[0] > a->upper - a->upper / 8;
	unsigned int ms = near ? READ_ONCE(scan_min_ms) : READ_ONCE(scan_max_ms);

	return max(msecs_to_jiffies(ms), 1UL);
}

/* Something happens: look some time, whatever the events say. */
static void scan_arm(struct uid_mem_user *user)
{
	if (READ_ONCE(user->account.active))
		return;
	WRITE_ONCE(user->account.active, true);
	queue_delayed_work(uid_mem_wq, &user->work,
			   scan_interval(&user->account));
}

static void scan_look_fn(struct kthread_work *work)
{
	struct scan_looker *l = container_of(work, struct scan_looker, work);
	struct llist_node *users = llist_del_all(&l->users);
	struct uid_mem_user *user, *next;

	llist_for_each_entry_safe(user, next, users, account.look) {
		/* From here on it may be in another list. */
		atomic_set_release(&user->account.queued, 0);
		uid_mem_enforce(user, UID_MEM_POLICY_DEFAULT);
	}
}

static void scan_look_now(struct uid_mem_user *user)
{
	struct scan_looker *l;

	if (atomic_xchg(&user->account.queued, 1))
		return;
	preempt_disable_notrace();
	l = this_cpu_ptr(&scan_lookers);
	if (!l->worker)
		l = scan_first_looker;
	llist_add(&user->account.look, &l->users);
	kthread_queue_work(l->worker, &l->work);
	preempt_enable_notrace();
}

/* As soon as no lock is held, and before current goes on in user mode. */
static void scan_notify(struct uid_mem_user *user)
{
	scan_look_now(user);
	set_tsk_need_resched(current);
	set_preempt_need_resched();
}

static long scan_room(const struct uid_mem_account *a)
{
	return min(a->upper, LONG_MAX / 2) - a->charged[0];
}

/*
 * All that is ignored together is at most half of what is left.  Returns
 * true when it has just become so little that all should be summed.
 */
static bool scan_set_ignore(struct uid_mem_account *a)
{
	long room = max(scan_room(a), 0L), each = 2 * SCAN_IGNORE;
	bool was_close = a->close;

	WRITE_ONCE(a->ignore, min(SCAN_IGNORE, room >> (fls(a->nr) + 1)));
	each += uid_mem_counter_slack();
	a->close = room < each * a->nr;
	return a->close && !was_close;
}

static bool scan_is_outside(const struct uid_mem_account *a)
{
	return a->charged[0] > a->upper || a->charged[0] < a->lower;
}

/*
 * Is it time to look?  Once is enough: a second CPU that asks for it would take
 * the work away from the first.  The lock of the account is held.
 */
static bool scan_check(struct uid_mem_account *a)
{
	bool look = scan_set_ignore(a);

	a->peak = max(a->peak, a->charged[0] + a->charged[1]);
	if (a->called ||
	    (!look && !scan_is_outside(a) && a->nr_gone < SCAN_GONE))
		return false;
	a->called = true;
	return true;
}

/* Charge a counter of @e as it is now.  The lock of the account is held. */
static void scan_charge_locked(struct uid_mem_account *a, struct scan_mm *e,
			       int member)
{
	long now = uid_mem_mm_counter(e->mm, member);

	if (a->members & (1U << member))
		a->charged[e->dying] += now - e->seen[member];
	e->seen[member] = now;
	WRITE_ONCE(e->base[member], uid_mem_mm_counter_here(e->mm, member));
}

static void scan_charge_all_locked(struct uid_mem_account *a, struct scan_mm *e)
{
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++)
		scan_charge_locked(a, e, i);
}

/* Returns whether the UID has to be looked at. */
static bool scan_charge_mm_locked(struct uid_mem_account *a, struct scan_mm *e,
				  int member)
{
	scan_charge_locked(a, e, member);
	if (!e->gone && !atomic_read(&e->mm->mm_users)) {
		e->gone = true;
		a->nr_gone++;
	}
	return scan_check(a);
}

/* With preemption off, so that the account stays; @e may change to another. */
static noinline void scan_charge(struct scan_mm *e, int member)
{
	struct uid_mem_user *user;
	bool mine, look = false;

	do {
		user = READ_ONCE(e->user);
		if (!user)
			return;
		spin_lock(&user->account.lock);
		mine = user == e->user;
		if (mine)
			look = scan_charge_mm_locked(&user->account, e, member);
		spin_unlock(&user->account.lock);
	} while (!mine);
	if (look)
		scan_notify(user);
	scan_arm(user);
}

/* ---- which address space is whose -------------------------------------- */

static long scan_pages(const struct uid_mem_account *a, const struct scan_mm *e)
{
	long pages = 0;
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++)
		if (a->members & (1U << i))
			pages += e->seen[i];
	return pages;
}

static void scan_leave(struct scan_mm *e)
{
	struct uid_mem_account *a = &e->user->account;

	lockdep_assert_held(&scan_lock);
	spin_lock(&a->lock);
	a->charged[e->dying] -= scan_pages(a, e);
	a->nr_gone -= e->gone;
	a->nr--;
	list_del(&e->list);
	WRITE_ONCE(e->user, NULL);
	spin_unlock(&a->lock);
}

/* Everything that is mapped is new to the account.  False if that is dead. */
static bool scan_join(struct scan_mm *e, struct uid_mem_user *user)
{
	struct uid_mem_account *a = &user->account;
	bool look = false, joined = false;

	lockdep_assert_held(&scan_lock);
	spin_lock(&a->lock);
	if (!a->dead) {
		memset(e->seen, 0, sizeof(e->seen));
		e->dying = false;
		e->gone = false;
		list_add_tail(&e->list, &a->mms);
		a->nr++;
		WRITE_ONCE(e->user, user);
		scan_charge_all_locked(a, e);
		look = scan_check(a);
		joined = true;
	}
	spin_unlock(&a->lock);
	if (look)
		scan_notify(user);
	if (joined)
		scan_arm(user);
	return joined;
}

/* Forget @e, which is on no account; scan_free() follows. */
static void scan_unhash(struct scan_mm *e)
{
	lockdep_assert_held(&scan_lock);
	hlist_del_rcu(&e->node);
	atomic_long_inc(&scan_gen);
}

static void scan_free(struct scan_mm *e)
{
	mmdrop(e->mm);
	kfree_rcu(e, rcu);
}

static struct scan_mm *scan_alloc(struct mm_struct *mm)
{
	struct scan_mm *e = kzalloc(sizeof(*e), GFP_ATOMIC | __GFP_NOWARN);

	if (e) {
		mmgrab(mm);
		e->mm = mm;
	}
	return e;
}

static struct scan_mm *scan_insert(struct mm_struct *mm,
				   struct uid_mem_user *user)
{
	struct scan_mm *e = scan_alloc(mm);

	if (e && scan_join(e, user)) {
		hlist_add_head_rcu(&e->node, scan_bucket(mm));
		return e;
	}
	if (e)
		scan_free(e);
	return NULL;
}

/*
 * Put @mm on the account of @user, NULL for none.  Somebody runs on it, so
 * that giving up the reference frees nothing here.
 *
 * Return: what there is for it now.
 */
static struct scan_mm *scan_assign(struct mm_struct *mm,
				   struct uid_mem_user *user)
{
	struct scan_mm *e, *old = NULL;

	spin_lock(&scan_lock);
	e = scan_find(mm);
	if (e && e->user != user) {
		scan_leave(e);
		if (!user || !scan_join(e, user)) {
			scan_unhash(e);
			old = e;
			e = NULL;
		}
	} else if (!e && user) {
		e = scan_insert(mm, user);
	}
	spin_unlock(&scan_lock);
	if (old)
		scan_free(old);
	return e;
}

/*
 * Whose limit counts for a process.  Where there is one, but nobody has made
 * the user yet, somebody who may sleep does so.
 */
static struct uid_mem_user *scan_user_of(struct task_struct *p, bool *pending)
{
	struct uid_mem_user *user;

	rcu_read_lock();
	user = uid_mem_user_peek(__task_cred(READ_ONCE(p->group_leader)),
				 pending);
	rcu_read_unlock();
	if (*pending)
		queue_work(uid_mem_wq, &scan_place_work);
	return user;
}

/* Preemption is off.  @p does not go away. */
static struct scan_mm *scan_place(struct task_struct *p, struct mm_struct *mm,
				  bool *pending)
{
	struct uid_mem_user *user;
	struct scan_mm *e;

	*pending = false;
	e = scan_find(mm);
	/* The address space is that of its parent. */
	if (in_vfork(p))
		return e;
	user = scan_user_of(p, pending);
	if (*pending || (e ? e->user == user : !user))
		return e;
	e = scan_assign(mm, user);
	/* No memory: again with the next event. */
	*pending = user && !e;
	return e;
}

static void scan_place_work_fn(struct work_struct *work)
{
	uid_mem_place_all();
}

/**
 * uid_mem_scan_is_near - may so much more be too much for a UID?
 * @mm: the address space of current
 * @pages: what each of its tasks may be about to add
 *
 * Return: true when it may, also for what is dying of it.
 */
bool uid_mem_scan_is_near(struct mm_struct *mm, long pages)
{
	const struct uid_mem_user *user;
	bool near = false;

	rcu_read_lock();
	user = scan_find_user(mm);
	if (user) {
		const struct uid_mem_account *a = &user->account;
		long room = scan_room(a) - READ_ONCE(a->charged[1]);
		long tasks = READ_ONCE(a->nr) + get_nr_threads(current);

		near = room < pages * tasks;
	}
	rcu_read_unlock();
	return near;
}

/**
 * uid_mem_scan_has_to_wait - does a UID use more than its limit with its victims?
 * @mm: an address space that is being made
 *
 * Return: true while victims have not given back what they had, for a second
 * at most: one may hang.
 */
bool uid_mem_scan_has_to_wait(struct mm_struct *mm)
{
	const struct uid_mem_user *user;
	bool wait = false;

	rcu_read_lock();
	user = scan_find_user(mm);
	if (user) {
		long dying = READ_ONCE(user->account.charged[1]);
		long live = READ_ONCE(user->account.charged[0]);

		wait = dying > 0 &&
		       live + dying > uid_mem_pages(READ_ONCE(user->limit.max)) &&
		       time_is_after_jiffies(READ_ONCE(user->dying_at) +
					     UID_MEM_DYING_WAIT);
	}
	rcu_read_unlock();
	return wait;
}

/* ---- events ------------------------------------------------------------ */

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
 * Not what runs here, or not as it was.  An address space that nobody runs on
 * yet belongs to who makes it: fork(), execve().  Any other that is not that of
 * current is somebody else's business, who has told of it: ptrace(), khugepaged.
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
	if (!e && current->mm && atomic_read(&mm->mm_users) == 1) {
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

/* ---- start and stop ---------------------------------------------------- */

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

/*
 * They stay until the module goes: users are freed after the last limit is
 * gone.  That of a CPU which goes away runs on another one.
 */
static int scan_start_lookers(void)
{
	unsigned int cpu;
	int err = 0;

	if (scan_first_looker)
		return 0;
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		err = scan_start_looker(cpu);
		if (err)
			break;
	}
	cpus_read_unlock();
	return scan_first_looker ? 0 : err;
}

static void scan_stop_lookers(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct scan_looker *l = per_cpu_ptr(&scan_lookers, cpu);

		if (l->worker)
			kthread_destroy_worker(l->worker);
		l->worker = NULL;
	}
	scan_first_looker = NULL;
}

/* Wait for the looks that have been asked for. */
static void scan_flush_lookers(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct scan_looker *l = per_cpu_ptr(&scan_lookers, cpu);

		if (l->worker)
			kthread_flush_work(&l->work);
	}
}

/**
 * uid_mem_engine_start - begin to account
 *
 * Return: 0, -EOPNOTSUPP where the kernel lacks what it takes, or -ENOMEM.
 */
int uid_mem_engine_start(void)
{
	int err = scan_start_lookers();

	if (err)
		return err;
	for_each_kernel_tracepoint(scan_find_tracepoint, NULL);
	err = scan_register();
	if (err)
		return err;
	/* It can be registered again after it was removed only when it is as new. */
	scan_commit_creds.kp.addr = NULL;
	scan_commit_creds.kp.flags = 0;
	err = register_kretprobe(&scan_commit_creds);
	scan_has_kretprobe = !err;
	if (err)
		pr_notice_once("uid_mem: no return probe on commit_creds() (error %d): a changed UID counts from the next page fault on\n",
			       err);
	uid_mem_scan_probes_start();
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

/** uid_mem_engine_stop - account no more; there are no users any more */
void uid_mem_engine_stop(void)
{
	uid_mem_scan_probes_stop();
	if (scan_has_kretprobe)
		unregister_kretprobe(&scan_commit_creds);
	scan_unregister(ARRAY_SIZE(scan_tracepoints));
	cancel_work_sync(&scan_place_work);
	scan_forget_cpus();
}

/** uid_mem_engine_exit - the module is about to go, after the last stop */
void uid_mem_engine_exit(void)
{
	uid_mem_scan_probes_exit();
	scan_stop_lookers();
}

/** uid_mem_engine_synchronize - wait until removed users are not in use */
void uid_mem_engine_synchronize(void)
{
	synchronize_rcu();
	scan_flush_lookers();
}

/** uid_mem_engine_change_begin - uid_mem_user_find() is about to change its mind */
void uid_mem_engine_change_begin(void)
{
}

/** uid_mem_engine_change_end - it did so, and all processes are placed */
void uid_mem_engine_change_end(void)
{
	atomic_long_inc(&scan_gen);
}

/* ---- accounts ---------------------------------------------------------- */

/**
 * uid_mem_engine_add - get ready for the processes of a UID
 * @user: the UID, with its limit
 *
 * Return: 0.
 */
int uid_mem_engine_add(struct uid_mem_user *user)
{
	struct uid_mem_account *a = &user->account;

	atomic_set(&a->queued, 0);
	spin_lock_init(&a->lock);
	INIT_LIST_HEAD(&a->mms);
	a->members = metric_members[user->limit.metric];
	a->lower = LONG_MIN;
	a->upper = LONG_MAX;
	a->ignore = SCAN_IGNORE;
	return 0;
}

/* Take those off the account that @all or their end call for; frees them. */
static void scan_sweep(struct uid_mem_user *user, bool all)
{
	struct uid_mem_account *a = &user->account;
	struct scan_mm *e, *next;
	LIST_HEAD(list);

	spin_lock(&scan_lock);
	list_for_each_entry_safe(e, next, &a->mms, list) {
		/* The reference is the last: even its page tables are gone. */
		if (!all && (atomic_read(&e->mm->mm_users) || scan_pages(a, e)))
			continue;
		scan_leave(e);
		scan_unhash(e);
		list_add(&e->list, &list);
	}
	spin_unlock(&scan_lock);
	list_for_each_entry_safe(e, next, &list, list)
		scan_free(e);
}

/**
 * uid_mem_engine_remove - forget the processes of a UID
 * @user: the UID, which uid_mem_user_find() does not return any more
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
 * uid_mem_engine_set_metric - count what the limit of a UID says
 * @user: the UID
 */
void uid_mem_engine_set_metric(struct uid_mem_user *user)
{
	struct uid_mem_account *a = &user->account;
	struct scan_mm *e;

	spin_lock(&a->lock);
	a->members = metric_members[user->limit.metric];
	a->charged[0] = 0;
	a->charged[1] = 0;
	list_for_each_entry(e, &a->mms, list)
		a->charged[e->dying] += scan_pages(a, e);
	spin_unlock(&a->lock);
}

/**
 * uid_mem_engine_set_levels - say when to look at a UID
 * @user: the UID
 * @lower: when it uses fewer pages, LONG_MIN for never
 * @upper: when it uses more pages, LONG_MAX for never
 *
 * Also the end of a look: another follows after a while if something was
 * charged since the one before.
 */
void uid_mem_engine_set_levels(struct uid_mem_user *user, long lower, long upper)
{
	struct uid_mem_account *a = &user->account;
	unsigned long interval;
	bool outside, active;

	spin_lock(&a->lock);
	if (a->dead) {
		spin_unlock(&a->lock);
		return;
	}
	a->lower = lower;
	a->upper = upper;
	scan_set_ignore(a);
	outside = scan_is_outside(a);
	a->called = outside;
	interval = scan_interval(a);
	active = a->active;
	WRITE_ONCE(a->active, false);
	spin_unlock(&a->lock);
	if (outside)
		scan_look_now(user);
	else if (active)
		queue_delayed_work(uid_mem_wq, &user->work, interval);
}

static void scan_read(struct uid_mem_user *user, struct uid_mem_usage *usage)
{
	struct uid_mem_account *a = &user->account;
	struct scan_mm *e;
	int i;

	memset(usage, 0, sizeof(*usage));
	spin_lock(&a->lock);
	a->called = false;
	list_for_each_entry(e, &a->mms, list) {
		scan_charge_all_locked(a, e);
		for (i = 0; i < NR_MM_COUNTERS; i++)
			usage->counts[i] += e->seen[i];
	}
	usage->live = a->charged[0];
	usage->dying = a->charged[1];
	a->peak = max(a->peak, usage->live + usage->dying);
	user->peak = max(user->peak, a->peak);
	spin_unlock(&a->lock);
}

/* Every process, by its credentials as they are now. */
static void scan_verify(void)
{
	struct task_struct *p, *t;
	bool pending;

	rcu_read_lock();
	for_each_process(p) {
		if (uid_mem_is_kthread(p))
			continue;
		for_each_thread(p, t) {
			struct mm_struct *mm;

			task_lock(t);
			mm = t->mm;
			preempt_disable();
			if (mm)
				scan_place(p, mm, &pending);
			preempt_enable();
			task_unlock(t);
			if (mm)
				break;
		}
	}
	rcu_read_unlock();
}

/**
 * uid_mem_engine_read - what a UID uses, precisely
 * @user: the UID
 * @usage: set to it
 *
 * Above the limit, every process is asked whose it is, so that nobody is
 * killed for what the events did not tell.
 */
void uid_mem_engine_read(struct uid_mem_user *user, struct uid_mem_usage *usage)
{
	scan_read(user, usage);
	if (READ_ONCE(user->account.nr_gone))
		scan_sweep(user, false);
	if (usage->live > uid_mem_pages(READ_ONCE(user->limit.max))) {
		scan_verify();
		scan_read(user, usage);
	}
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

static void scan_set_dying_locked(struct uid_mem_account *a, struct scan_mm *e)
{
	if (e->dying)
		return;
	a->charged[0] -= scan_pages(a, e);
	a->charged[1] += scan_pages(a, e);
	e->dying = true;
}

/**
 * uid_mem_engine_set_dying - an address space is on its way out
 * @mm: the address space; the caller holds a reference
 */
void uid_mem_engine_set_dying(struct mm_struct *mm)
{
	struct uid_mem_user *user;
	bool mine = false;
	struct scan_mm *e;

	preempt_disable();
	e = scan_find(mm);
	while (e && !mine) {
		user = READ_ONCE(e->user);
		if (!user)
			break;
		spin_lock(&user->account.lock);
		mine = user == e->user;
		if (mine)
			scan_set_dying_locked(&user->account, e);
		spin_unlock(&user->account.lock);
	}
	preempt_enable();
}

/**
 * uid_mem_engine_hurry - a process has been killed
 * @p: the process; the caller is in an RCU read-side critical section
 *
 * Nobody waits for it here, so it had better be quick: whoever else is of its
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

	uid_mem_user_find(cred);
	put_cred(cred);
	preempt_disable();
	scan_place(p, mm, &pending);
	preempt_enable();
}

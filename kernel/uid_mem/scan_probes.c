// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Engine "scan": where the kernel takes much at once
 *
 * fork() copies a whole mapping and does not look for signals meanwhile, and a
 * huge page is 512 pages in one step.  These functions are made to fail, as they
 * may for lack of memory, where going on would take a UID far above its limit:
 *
 * pte_alloc_one(), __pte_alloc()
 *				no page table for the child of a task that has
 *				been killed, or whose UID is above its limit
 *				until others that have been are gone; the
 *				compiler may have made the latter a part of its
 *				callers, and not every architecture has the
 *				former as a function
 * do_huge_pmd_anonymous_page()	VM_FAULT_FALLBACK, that is small pages, where
 *				the limit is close
 *
 * They are called for everybody, so what stands at their beginning has to be
 * cheap.  ftrace calls us there as it does a live patch, without a trap.  In a
 * kernel that has no function tracer it is a kprobe, which may have another
 * function run instead, too (Documentation/trace/kprobes.rst, "Changing
 * Execution Path"), but costs a breakpoint each time.  If there is neither,
 * a UID may get that far above its limit.
 */

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "scan.h"
#include "uid_mem.h"

/* What runs in the place of the functions; called as they are. */
static pgtable_t no_page_table(struct mm_struct *mm)
{
	return NULL;
}

static int pte_alloc_fails(struct mm_struct *mm, pmd_t *pmd)
{
	return -ENOMEM;
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
static vm_fault_t no_huge_page(struct vm_fault *vmf)
{
	return VM_FAULT_FALLBACK;
}
#endif

/*
 * Does the UID of @mm, which is being made, use more than its limit with its
 * victims?  True while these have not given back what they had, for a second at
 * most: one may hang.
 */
static bool has_to_wait(struct mm_struct *mm)
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

/* @argument is the address space that gets the page table. */
static bool is_page_table_refused(void *argument)
{
	struct mm_struct *mm = argument;

	if (!current->mm || mm == current->mm)
		return false;
	return fatal_signal_pending(current) || has_to_wait(mm);
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/*
 * May so much more be too much for the UID that @mm, that of current, belongs
 * to?  @pages is what each of its tasks may be about to add.  What is dying of
 * it counts as well.
 */
static bool is_near(struct mm_struct *mm, long pages)
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

static bool is_huge_page_refused(void *argument)
{
	return current->mm && is_near(current->mm, HPAGE_PMD_NR);
}
#endif

/**
 * struct scan_probe - a function that may be made to fail
 * @name: the function
 * @instead: runs in its place
 * @is_refused: decides, by the first argument
 * @kp: where it is a kprobe
 * @has_kprobe: @kp is in place
 * @ops: where it is ftrace
 * @has_ops: @ops is in place
 */
struct scan_probe {
	char name[32];
	void *instead;
	bool (*is_refused)(void *argument);
#ifdef CONFIG_KPROBES
	struct kprobe kp;
#endif
	bool has_kprobe;
#ifdef UID_MEM_FTRACE_REDIRECTS
	struct ftrace_ops ops;
#endif
	bool has_ops;
};

static struct scan_probe probes[] = {
	{ "pte_alloc_one", no_page_table, is_page_table_refused },
	{ "__pte_alloc", pte_alloc_fails, is_page_table_refused },
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	{ "do_huge_pmd_anonymous_page", no_huge_page, is_huge_page_refused },
#endif
};

#ifdef UID_MEM_FTRACE_REDIRECTS

static void notrace ftrace_hit(unsigned long ip, unsigned long parent_ip,
			       struct ftrace_ops *ops,
			       struct uid_mem_ftrace_regs *regs)
{
	struct scan_probe *probe = container_of(ops, struct scan_probe, ops);

	if (probe->is_refused(uid_mem_ftrace_argument(regs)))
		uid_mem_ftrace_redirect(regs, probe->instead);
}

static int set_ftrace(struct scan_probe *probe)
{
	int err;

	probe->ops.func = ftrace_hit;
	probe->ops.flags = UID_MEM_FTRACE_FLAGS;
	err = ftrace_set_filter(&probe->ops, probe->name, strlen(probe->name), 1);
	if (!err)
		err = register_ftrace_function(&probe->ops);
	probe->has_ops = !err;
	if (err)
		uid_mem_ftrace_free_filter(&probe->ops);
	return err;
}

static void unset_ftrace(struct scan_probe *probe)
{
	if (!probe->has_ops)
		return;
	unregister_ftrace_function(&probe->ops);
	uid_mem_ftrace_free_filter(&probe->ops);
	probe->has_ops = false;
}

#else

static int set_ftrace(struct scan_probe *probe)
{
	return -EOPNOTSUPP;
}

static void unset_ftrace(struct scan_probe *probe)
{
}

#endif

#ifdef CONFIG_KPROBES

static int kprobe_hit(struct kprobe *p, struct pt_regs *regs)
{
	struct scan_probe *probe = container_of(p, struct scan_probe, kp);

	if (!probe->is_refused((void *)regs_get_kernel_argument(regs, 0)))
		return 0;
	instruction_pointer_set(regs, (unsigned long)probe->instead);
	return 1;
}

/* A probe that has one is not optimized, which would ignore where to go on. */
static void kprobe_post(struct kprobe *p, struct pt_regs *regs,
			unsigned long flags)
{
}

static int set_kprobe(struct scan_probe *probe)
{
	int err;

	/* As new: what is left of the last time is refused. */
	probe->kp = (struct kprobe) {
		.symbol_name = probe->name,
		.pre_handler = kprobe_hit,
		.post_handler = kprobe_post,
	};
	err = register_kprobe(&probe->kp);
	probe->has_kprobe = !err;
	return err;
}

static void unset_kprobe(struct scan_probe *probe)
{
	if (probe->has_kprobe)
		unregister_kprobe(&probe->kp);
	probe->has_kprobe = false;
}

#else

static int set_kprobe(struct scan_probe *probe)
{
	return -EOPNOTSUPP;
}

static void unset_kprobe(struct scan_probe *probe)
{
}

#endif

/** scan_probes_start - set the probes, as far as the kernel has them */
void scan_probes_start(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		err = set_ftrace(&probes[i]);
		if (err)
			err = set_kprobe(&probes[i]);
		if (err)
			pr_notice_once("uid_mem: no probe on %s() (error %d): fork() or a huge page may exceed a limit by more\n",
				       probes[i].name, err);
	}
}

/** scan_probes_stop - undo scan_probes_start(); sleeps */
void scan_probes_stop(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		unset_ftrace(&probes[i]);
		unset_kprobe(&probes[i]);
	}
}

/**
 * scan_probes_exit - wait until nobody runs in the place of a function
 *
 * After scan_probes_stop(), before the module is gone.  Sleeps.
 */
void scan_probes_exit(void)
{
	synchronize_rcu_tasks();
}

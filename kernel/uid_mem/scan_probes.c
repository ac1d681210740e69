// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Engine "scan": where the kernel takes much at once
 *
 * fork() copies a whole mapping and does not look for signals meanwhile, and a
 * huge page is 512 pages in one step.  Two probes make these functions fail,
 * as they may for lack of memory, where going on would take a UID far above
 * its limit:
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
 * That a probe may have another function run instead is documented
 * (Documentation/trace/kprobes.rst, "Changing Execution Path").  Where probes
 * are not available, a UID may get that far above its limit.
 */

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include "scan.h"
#include "uid_mem.h"

#ifdef CONFIG_KPROBES

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

/* At the first instruction of a function: go on with another one. */
static int run_instead(struct pt_regs *regs, void *function)
{
	instruction_pointer_set(regs, (unsigned long)function);
	return 1;
}

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
		       live + dying > uid_mem_max_charged(user) &&
		       time_is_after_jiffies(READ_ONCE(user->dying_at) +
					     UID_MEM_DYING_WAIT);
	}
	rcu_read_unlock();
	return wait;
}

/* The first argument is the address space that gets the page table. */
static bool has_to_fail(struct pt_regs *regs)
{
	struct mm_struct *mm = (void *)regs_get_kernel_argument(regs, 0);

	if (!current->mm || mm == current->mm)
		return false;
	return fatal_signal_pending(current) || has_to_wait(mm);
}

static int probe_pte_alloc_one(struct kprobe *p, struct pt_regs *regs)
{
	return has_to_fail(regs) ? run_instead(regs, no_page_table) : 0;
}

static int probe_pte_alloc(struct kprobe *p, struct pt_regs *regs)
{
	return has_to_fail(regs) ? run_instead(regs, pte_alloc_fails) : 0;
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

static int probe_huge_page(struct kprobe *p, struct pt_regs *regs)
{
	if (!current->mm || !is_near(current->mm, HPAGE_PMD_NR))
		return 0;
	return run_instead(regs, no_huge_page);
}
#endif

/*
 * A probe that has one is not optimized, which would ignore where to go on.  Where
 * kprobes use ftrace, it also says that the probe redirects the function.
 */
static void probe_post(struct kprobe *p, struct pt_regs *regs,
		       unsigned long flags)
{
}

/**
 * struct scan_probe - a probe that may have another function run instead
 * @kp: the probe
 * @name: the function
 * @handler: decides
 * @registered: it is in place
 */
struct scan_probe {
	struct kprobe kp;
	const char *name;
	kprobe_pre_handler_t handler;
	bool registered;
};

static struct scan_probe probes[] = {
	{ .name = "pte_alloc_one", .handler = probe_pte_alloc_one },
	{ .name = "__pte_alloc", .handler = probe_pte_alloc },
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	{ .name = "do_huge_pmd_anonymous_page", .handler = probe_huge_page },
#endif
};

/** scan_probes_start - set the probes, as far as the kernel has them */
void scan_probes_start(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		/* As new: what is left of the last time is refused. */
		probes[i].kp = (struct kprobe) {
			.symbol_name = probes[i].name,
			.pre_handler = probes[i].handler,
			.post_handler = probe_post,
		};
		err = register_kprobe(&probes[i].kp);
		probes[i].registered = !err;
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
		if (probes[i].registered)
			unregister_kprobe(&probes[i].kp);
		probes[i].registered = false;
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

#else

void scan_probes_start(void)
{
	pr_notice_once("uid_mem: this kernel has no probes: fork() or a huge page may exceed a limit by more\n");
}

void scan_probes_stop(void)
{
}

void scan_probes_exit(void)
{
}

#endif

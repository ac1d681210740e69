// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Copies on write
 *
 * A write to a page that a process shares with others takes a page more, but no
 * counter of the kernel changes: what was shared before is the process's own now.
 * Where shares count, a probe on the page fault counts them, and has the UID looked
 * at once there are as many as it has room for.  Without probes the timer does.
 */

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>

#include "compat.h"
#include "copies.h"
#include "uid_mem.h"

#if defined(CONFIG_KPROBES) && defined(CONFIG_HAVE_FUNCTION_ARG_ACCESS_API)

/* Is the page that is written to an anonymous one that others map as well? */
static bool is_shared(const struct vm_fault *vmf)
{
	pte_t pte = vmf->orig_pte;

	return pte_present(pte) && !pte_special(pte) && pfn_valid(pte_pfn(pte)) &&
	       PageAnon(pte_page(pte)) && uid_mem_page_sharers(pte_page(pte)) > 1;
}

static void count_copy(struct uid_mem_user *user)
{
	if (!READ_ONCE(user->walked) ||
	    atomic_long_inc_return(&user->copies) <= READ_ONCE(user->copies_room))
		return;
	mod_delayed_work(uid_mem_wq, &user->work, 0);
	/* That runs here as soon as no lock is held. */
	set_tsk_need_resched(current);
	set_preempt_need_resched();
}

/* At the first instruction of do_wp_page(), with the page table locked. */
static int probe_write(struct kprobe *p, struct pt_regs *regs)
{
	const struct vm_fault *vmf = (void *)regs_get_kernel_argument(regs, 0);
	struct uid_mem_user *user;

	if (!is_shared(vmf))
		return 0;
	rcu_read_lock();
	user = uid_mem_engine_owner(vmf->vma->vm_mm);
	if (user)
		count_copy(user);
	rcu_read_unlock();
	return 0;
}

static struct kprobe write_probe;
static bool is_watched;

/**
 * uid_mem_copies_watch - count copies on write, or count them no more
 * @on: whether to
 *
 * One caller at a time.  Sleeps.
 */
void uid_mem_copies_watch(bool on)
{
	int err;

	if (on == is_watched)
		return;
	if (!on) {
		unregister_kprobe(&write_probe);
		is_watched = false;
		return;
	}
	/* As new: what is left of the last time is refused. */
	write_probe = (struct kprobe) {
		.symbol_name = "do_wp_page",
		.pre_handler = probe_write,
	};
	err = register_kprobe(&write_probe);
	if (err)
		pr_notice_once("uid_mem: no probe on do_wp_page() (error %d): writes to shared pages are noticed late\n",
			       err);
	is_watched = !err;
}

#else

void uid_mem_copies_watch(bool on)
{
}

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls of per-UID memory limits
 *
 * set_mm_limits() sets the limit of one UID and uid_oom_killer() looks at all
 * UIDs that have a limit, at once and with a given policy.  The work is done by
 * the module that keeps the limits; without it the calls don't exist.
 */

#include <linux/capability.h>
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/srcu.h>
#include <linux/syscalls.h>
#include <linux/uid_mem_syscalls.h>

static const struct uid_mem_syscalls __rcu *uid_mem_syscalls;
static DEFINE_MUTEX(uid_mem_syscalls_mutex);
DEFINE_STATIC_SRCU(uid_mem_syscalls_srcu);

/**
 * uid_mem_syscalls_register - have the system calls do something
 * @calls: the functions that do it
 *
 * Return: 0, or -EBUSY when others are registered.
 */
int uid_mem_syscalls_register(const struct uid_mem_syscalls *calls)
{
	int ret = -EBUSY;

	mutex_lock(&uid_mem_syscalls_mutex);
	if (!rcu_access_pointer(uid_mem_syscalls)) {
		rcu_assign_pointer(uid_mem_syscalls, calls);
		ret = 0;
	}
	mutex_unlock(&uid_mem_syscalls_mutex);
	return ret;
}
EXPORT_SYMBOL_GPL(uid_mem_syscalls_register);

/**
 * uid_mem_syscalls_unregister - undo uid_mem_syscalls_register()
 * @calls: what was given to it; otherwise nothing happens
 *
 * None of the functions runs any more when this returns.  Sleeps.
 */
void uid_mem_syscalls_unregister(const struct uid_mem_syscalls *calls)
{
	mutex_lock(&uid_mem_syscalls_mutex);
	if (rcu_access_pointer(uid_mem_syscalls) == calls) {
		RCU_INIT_POINTER(uid_mem_syscalls, NULL);
		synchronize_srcu(&uid_mem_syscalls_srcu);
	}
	mutex_unlock(&uid_mem_syscalls_mutex);
}
EXPORT_SYMBOL_GPL(uid_mem_syscalls_unregister);

/**
 * sys_set_mm_limits - set the memory limit of a UID
 * @uid: the UID, in the initial user namespace
 * @max: bytes its processes may use; all bits set for no limit
 *
 * Return: 0; 1 when the limit set least recently had to go for it; -EPERM;
 * -ERANGE for a UID or size that can't be; -ENOSPC when the table is full and
 * nothing may go; -ENOMEM; -ENODEV without the module that keeps limits.
 */
SYSCALL_DEFINE2(set_mm_limits, uid_t, uid, __u64, max)
{
	const struct uid_mem_syscalls *calls;
	int idx, ret = -ENODEV;

	idx = srcu_read_lock(&uid_mem_syscalls_srcu);
	calls = srcu_dereference(uid_mem_syscalls, &uid_mem_syscalls_srcu);
	if (calls)
		ret = capable(CAP_SYS_RESOURCE) ? calls->set_limit(uid, max) :
						  -EPERM;
	srcu_read_unlock(&uid_mem_syscalls_srcu, idx);
	return ret;
}

/**
 * sys_uid_oom_killer - make all UIDs keep to their limits now
 * @policy: kill the process with most memory (0), with the longest run time (1)
 *	    or with the highest badness (2)
 *
 * Return: 0; -EPERM; -EINVAL for a policy that does not exist; -ENODEV without
 * the module that keeps limits.
 */
SYSCALL_DEFINE1(uid_oom_killer, int, policy)
{
	const struct uid_mem_syscalls *calls;
	int idx, ret = -ENODEV;

	idx = srcu_read_lock(&uid_mem_syscalls_srcu);
	calls = srcu_dereference(uid_mem_syscalls, &uid_mem_syscalls_srcu);
	if (calls)
		ret = capable(CAP_SYS_RESOURCE) ? calls->scan(policy) : -EPERM;
	srcu_read_unlock(&uid_mem_syscalls_srcu, idx);
	return ret;
}

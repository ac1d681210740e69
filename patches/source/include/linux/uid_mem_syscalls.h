/* SPDX-License-Identifier: GPL-2.0-only */
/* The owner of the limits does the work of mm/uid_mem_syscalls.c */
#ifndef _LINUX_UID_MEM_SYSCALLS_H
#define _LINUX_UID_MEM_SYSCALLS_H

#include <linux/types.h>

/**
 * struct uid_mem_syscalls - what the system calls do, once they are allowed
 * @set_limit: set_mm_limits(); sleeps
 * @scan: uid_oom_killer(); sleeps
 */
struct uid_mem_syscalls {
	int (*set_limit)(uid_t uid, u64 max);
	int (*scan)(int policy);
};

int uid_mem_syscalls_register(const struct uid_mem_syscalls *calls);
void uid_mem_syscalls_unregister(const struct uid_mem_syscalls *calls);

#endif /* _LINUX_UID_MEM_SYSCALLS_H */

// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/* What set_mm_limits() and uid_oom_killer() do, on kernels that have them */

#include <linux/seq_file.h>

#include "policy.h"
#include "uid_mem.h"

#if IS_ENABLED(CONFIG_UID_MEM_SYSCALLS)

#include <linux/uid_mem_syscalls.h>
#include <asm/unistd.h>

/* Through the grammar, so that the same values are refused. */
static int syscall_set_limit(uid_t uid, u64 max)
{
	struct uid_mem_change change;
	char line[64];
	int len, ret;

	if (max == UID_MEM_MAX)
		len = scnprintf(line, sizeof(line), "%u max=max", uid);
	else
		len = scnprintf(line, sizeof(line), "%u max=%llu", uid, max);
	ret = uid_mem_parse_line(line, len, &change);
	return ret < 0 ? ret : uid_mem_limits_change(&change, 1);
}

/* The original's order. */
static int syscall_scan(int policy)
{
	static const char *const names[] = {
		"highest_rss", "longest_run_time", "worst",
	};

	if (policy < 0 || policy >= ARRAY_SIZE(names))
		return -EINVAL;
	uid_mem_scan(uid_mem_policy_number(names[policy], strlen(names[policy])));
	return 0;
}

static const struct uid_mem_syscalls syscalls = {
	.set_limit = syscall_set_limit,
	.scan = syscall_scan,
};

/**
 * uid_mem_syscalls_start - do the work of the system calls
 *
 * Return: 0 or -EBUSY.
 */
int uid_mem_syscalls_start(void)
{
	return uid_mem_syscalls_register(&syscalls);
}

/** uid_mem_syscalls_stop - undo uid_mem_syscalls_start(); sleeps */
void uid_mem_syscalls_stop(void)
{
	uid_mem_syscalls_unregister(&syscalls);
}

/**
 * uid_mem_syscalls_show - print their numbers, for the file features
 * @seq: where to
 */
void uid_mem_syscalls_show(struct seq_file *seq)
{
	seq_printf(seq, " nr_set_mm_limits=%d nr_uid_oom_killer=%d",
		   __NR_set_mm_limits, __NR_uid_oom_killer);
}

#else

int uid_mem_syscalls_start(void)
{
	return 0;
}

void uid_mem_syscalls_stop(void)
{
}

void uid_mem_syscalls_show(struct seq_file *seq)
{
}

#endif

// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/* The module parameter policy=: what limits that name no policy get */

#include <linux/moduleparam.h>

#include "grammar.h"
#include "policy.h"

static int policy_set(const char *name, const struct kernel_param *kp)
{
	return uid_mem_policy_set_default(name, strcspn(name, "\n"));
}

static int policy_get(char *buf, const struct kernel_param *kp)
{
	unsigned int number = uid_mem_policy_resolve(UID_MEM_POLICY_DEFAULT);

	return scnprintf(buf, PAGE_SIZE, "%s\n", uid_mem_policy_name(number));
}

static const struct kernel_param_ops policy_ops = {
	.set = policy_set,
	.get = policy_get,
};

module_param_cb(policy, &policy_ops, NULL, 0644);
MODULE_PARM_DESC(policy, "policy of limits that name none (default highest_rss)");

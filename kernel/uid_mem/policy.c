// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * The policies there are, by number.  Number 0 is "default": what the module
 * parameter policy= says, at the time a victim is chosen.
 */

#include <linux/moduleparam.h>

#include "grammar.h"
#include "policy.h"

static const struct uid_mem_policy *const policies[] = {
	&uid_mem_policy_highest_rss,
};

static unsigned int default_policy = 1;

static int default_policy_set(const char *name, const struct kernel_param *kp)
{
	int number = uid_mem_policy_number(name, strcspn(name, "\n"));

	if (number <= UID_MEM_POLICY_DEFAULT)
		return -EINVAL;
	WRITE_ONCE(default_policy, number);
	return 0;
}

static int default_policy_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s\n",
			 uid_mem_policy_name(READ_ONCE(default_policy)));
}

static const struct kernel_param_ops default_policy_ops = {
	.set = default_policy_set,
	.get = default_policy_get,
};

module_param_cb(policy, &default_policy_ops, NULL, 0644);
MODULE_PARM_DESC(policy, "policy of limits that name none (default highest_rss)");

/**
 * uid_mem_policy_number - the number of a policy
 * @name: its name, or "default"; not NUL-terminated
 * @len: length of the name
 *
 * Return: the number, or -EINVAL for an unknown name.
 */
int uid_mem_policy_number(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i <= ARRAY_SIZE(policies); i++) {
		const char *known = uid_mem_policy_name(i);

		if (strlen(known) == len && !memcmp(known, name, len))
			return i;
	}
	return -EINVAL;
}

/**
 * uid_mem_policy_name - the name of a policy
 * @number: its number, as given by uid_mem_policy_number()
 */
const char *uid_mem_policy_name(unsigned int number)
{
	return number == UID_MEM_POLICY_DEFAULT ? "default" :
						  policies[number - 1]->name;
}

/**
 * uid_mem_policy_resolve - the number of the policy that is meant
 * @number: its number, or UID_MEM_POLICY_DEFAULT for that of the module
 *	    parameter
 */
unsigned int uid_mem_policy_resolve(unsigned int number)
{
	return number == UID_MEM_POLICY_DEFAULT ? READ_ONCE(default_policy) :
						  number;
}

/**
 * uid_mem_policy_get - a policy
 * @number: its number, not UID_MEM_POLICY_DEFAULT
 */
const struct uid_mem_policy *uid_mem_policy_get(unsigned int number)
{
	return policies[number - 1];
}

/**
 * uid_mem_policy_print_all - print the names of all, separated by commas
 * @buf: where to
 * @size: room there, in bytes
 *
 * Return: bytes printed.
 */
int uid_mem_policy_print_all(char *buf, size_t size)
{
	unsigned int i;
	int n = 0;

	for (i = 0; i < ARRAY_SIZE(policies); i++)
		n += scnprintf(buf + n, size - n, "%s%s", i ? "," : "",
			       policies[i]->name);
	return n;
}

// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * The policies there are, by number.  Number 0 is "default": what the module
 * parameter policy= says, at the time a victim is chosen.
 */

#include "grammar.h"
#include "policy.h"

static const struct uid_mem_policy *const policies[] = {
#define POLICY(name) &uid_mem_policy_##name,
#include "policies.h"
#undef POLICY
};

static unsigned int default_policy = 1;

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
EXPORT_SYMBOL_FOR_TEST(uid_mem_policy_number);

/**
 * uid_mem_policy_name - the name of a policy
 * @number: its number, as given by uid_mem_policy_number()
 */
const char *uid_mem_policy_name(unsigned int number)
{
	return number == UID_MEM_POLICY_DEFAULT ? "default" :
						  policies[number - 1]->name;
}
EXPORT_SYMBOL_FOR_TEST(uid_mem_policy_name);

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
 * uid_mem_policy_set_default - say what "default" means from now on
 * @name: name of a policy; not NUL-terminated
 * @len: length of the name
 *
 * Return: 0, or -EINVAL for an unknown name and for "default".
 */
int uid_mem_policy_set_default(const char *name, size_t len)
{
	int number = uid_mem_policy_number(name, len);

	if (number <= UID_MEM_POLICY_DEFAULT)
		return -EINVAL;
	WRITE_ONCE(default_policy, number);
	return 0;
}

/**
 * uid_mem_policy_get - a policy
 * @number: its number, not UID_MEM_POLICY_DEFAULT
 */
const struct uid_mem_policy *uid_mem_policy_get(unsigned int number)
{
	return policies[number - 1];
}
EXPORT_SYMBOL_FOR_TEST(uid_mem_policy_get);

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

/**
 * uid_mem_policy_rate - have a policy judge a candidate
 * @policy: the policy
 * @candidate: the candidate; its badness is set
 */
void uid_mem_policy_rate(const struct uid_mem_policy *policy,
			 struct uid_mem_candidate *candidate)
{
	candidate->badness = policy->badness(candidate);
}
EXPORT_SYMBOL_FOR_TEST(uid_mem_policy_rate);

/**
 * uid_mem_candidate_is_worse - is a candidate to be killed before another?
 * @candidate: the candidate, rated
 * @than: the other, rated by the same policy
 *
 * The one with the higher badness is; of equals the one with the larger RSS,
 * so that as few as possible have to die, and then the one started later,
 * which loses less work.
 */
bool uid_mem_candidate_is_worse(const struct uid_mem_candidate *candidate,
				const struct uid_mem_candidate *than)
{
	if (candidate->badness != than->badness)
		return candidate->badness > than->badness;
	if (candidate->rss != than->rss)
		return candidate->rss > than->rss;
	return candidate->start_ns > than->start_ns;
}
EXPORT_SYMBOL_FOR_TEST(uid_mem_candidate_is_worse);

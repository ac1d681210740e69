// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Kill the process that has used the most CPU time, user and system, in ns.
 * Under a limit that may have been broken by somebody else, that ends what has
 * run away.
 */

#include "policy.h"

static u64 longest_run_time_badness(const struct uid_mem_candidate *candidate)
{
	return candidate->runtime_ns ? candidate->runtime_ns : 1;
}

const struct uid_mem_policy uid_mem_policy_longest_run_time = {
	.name = "longest_run_time",
	.badness = longest_run_time_badness,
};

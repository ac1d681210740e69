// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Kill the process that has the most memory mapped.  One that is swapped out
 * as a whole is still better than none.
 */

#include "policy.h"

static u64 highest_rss_badness(const struct uid_mem_candidate *candidate)
{
	return candidate->rss ? candidate->rss : 1;
}

const struct uid_mem_policy uid_mem_policy_highest_rss = {
	.name = "highest_rss",
	.badness = highest_rss_badness,
};

// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Kill the process with the highest badness, as Linux 3.4 gave it when memory
 * ran out: thousandths of RAM that its RSS, page tables and swap take, 30 less
 * for CAP_SYS_ADMIN, plus oom_score_adj, and at least 1.  There is no upper
 * bound as there was, so that those above it are still told apart.
 */

#include "policy.h"

/* What an administrator's processes are spared, in thousandths of RAM. */
#define ADMIN_BONUS	30

static u64 worst_badness(const struct uid_mem_candidate *candidate)
{
	u64 pages = (u64)candidate->rss + candidate->page_tables + candidate->swap;
	s64 points = div64_u64(pages * 1000, candidate->ram);

	if (candidate->is_admin)
		points -= ADMIN_BONUS;
	points += candidate->oom_score_adj;
	return points > 0 ? points : 1;
}

const struct uid_mem_policy uid_mem_policy_worst = {
	.name = "worst",
	.badness = worst_badness,
};

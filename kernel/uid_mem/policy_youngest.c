// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/* Kill the process that was started last: it loses the least work. */

#include "policy.h"

static u64 youngest_badness(const struct uid_mem_candidate *candidate)
{
	return candidate->start_ns ? candidate->start_ns : 1;
}

const struct uid_mem_policy uid_mem_policy_youngest = {
	.name = "youngest",
	.badness = youngest_badness,
};

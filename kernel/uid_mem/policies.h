/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/*
 * The policies there are; POLICY(NAME) is in policy_NAME.c.  Their order gives
 * them their numbers, and uid_oom_killer() takes those of the first three as
 * 0, 1 and 2: a new one goes to the end.
 */
POLICY(highest_rss)
POLICY(longest_run_time)
POLICY(worst)
POLICY(youngest)

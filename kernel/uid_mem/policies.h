/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/* The policies there are; POLICY(NAME) is in policy_NAME.c. */
POLICY(highest_rss)
POLICY(longest_run_time)
POLICY(worst)
POLICY(youngest)

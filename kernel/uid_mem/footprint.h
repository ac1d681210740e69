/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
#ifndef UID_MEM_FOOTPRINT_H
#define UID_MEM_FOOTPRINT_H

#include <linux/jiffies.h>
#include <linux/types.h>

struct uid_mem_user;

/**
 * struct uid_mem_footprint - what the live processes of a UID take
 * @pages: by share, page tables included
 * @walked: shares have been read
 * @guessed: not all of them: an address space was locked
 * @forking: what those may have besides that a fork() has locked, in pages
 * @changed: address spaces came or went meanwhile, so that @pages may be too little
 * @took_ns: how long that took
 */
struct uid_mem_footprint {
	long pages;
	bool walked;
	bool guessed;
	long forking;
	bool changed;
	u64 took_ns;
};

/* Reading shares may take one part in so many of the time. */
#define UID_MEM_SHARE_TIME	20

/* How long to do without after that, in jiffies. */
static inline unsigned long
uid_mem_footprint_pause(const struct uid_mem_footprint *f)
{
	return nsecs_to_jiffies(f->took_ns * UID_MEM_SHARE_TIME);
}

int uid_mem_footprint(struct uid_mem_user *user, long charged, long level,
		      struct uid_mem_footprint *f);
void uid_mem_footprint_forget(struct uid_mem_user *user);

#endif

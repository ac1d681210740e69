/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
#ifndef UID_MEM_FOOTPRINT_H
#define UID_MEM_FOOTPRINT_H

#include <linux/types.h>

struct uid_mem_user;

/**
 * struct uid_mem_footprint - what the live processes of a UID take
 * @pages: by share, page tables included; what is not known counts as not shared
 * @least: the same without what is not known
 * @walked: shares have been read
 * @took_ns: how long that took
 */
struct uid_mem_footprint {
	long pages;
	long least;
	bool walked;
	u64 took_ns;
};

int uid_mem_footprint(struct uid_mem_user *user, long charged, long level,
		      struct uid_mem_footprint *f);

#endif

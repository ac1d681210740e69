/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/*
 * The table of limits: a sorted, immutable array.  A write makes a new one.
 * Pure C: also built for user space, see tests/.
 */
#ifndef UID_MEM_TABLE_H
#define UID_MEM_TABLE_H

#include "grammar.h"

/**
 * struct uid_mem_entry - a limit in the table
 * @limit: the limit
 * @seq: when it was set: larger is later
 * @parent: index of the smallest range around this one, -1 for none
 */
struct uid_mem_entry {
	struct uid_mem_limit limit;
	u64 seq;
	int parent;
};

/**
 * struct uid_mem_table - the limits, by first UID, wider ranges first
 * @rcu: to free a table that others may be reading
 * @nr: how many
 * @entries: the limits
 */
struct uid_mem_table {
	struct rcu_head rcu;
	unsigned int nr;
	struct uid_mem_entry entries[];
};

/**
 * struct uid_mem_rules - what a table may hold
 * @max_entries: how many entries; 0 for any number
 * @evict: drop the least recently set entry where there is no room
 */
struct uid_mem_rules {
	unsigned int max_entries;
	bool evict;
};

struct uid_mem_table *
uid_mem_table_apply(const struct uid_mem_table *old,
		    const struct uid_mem_change *changes, unsigned int nr,
		    u64 seq, const struct uid_mem_rules *rules,
		    struct uid_mem_table **evicted, int *err);
const struct uid_mem_entry *
uid_mem_table_find(const struct uid_mem_table *t, u32 uid);
const struct uid_mem_entry *
uid_mem_table_limit(const struct uid_mem_table *t, u32 *uid);
const struct uid_mem_entry *
uid_mem_table_get(const struct uid_mem_table *t, u32 first, u32 last);
void uid_mem_table_free(const struct uid_mem_table *t);

#endif

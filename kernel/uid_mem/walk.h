/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
#ifndef UID_MEM_WALK_H
#define UID_MEM_WALK_H

struct mm_struct;
struct task_struct;

/**
 * typedef uid_mem_walk_fn - what is done with a process
 * @p: the process
 * @mm: the address space it runs on; its users may be gone by now
 * @data: as given to uid_mem_walk()
 *
 * May sleep.  Both are referenced until it returns.
 */
typedef void (*uid_mem_walk_fn)(struct task_struct *p, struct mm_struct *mm,
				void *data);

void uid_mem_walk(uid_mem_walk_fn fn, void *data);

#endif

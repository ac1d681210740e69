/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
#ifndef UID_MEM_METRIC_H
#define UID_MEM_METRIC_H

struct mm_struct;

unsigned int uid_mem_metric_members(unsigned int metric);
long uid_mem_metric_bound(unsigned int metric, struct mm_struct *mm);
long uid_mem_metric_pages(unsigned int metric, struct mm_struct *mm);
long uid_mem_page_tables(struct mm_struct *mm);

#endif

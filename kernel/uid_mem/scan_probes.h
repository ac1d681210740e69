/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/* What engine_scan.c and scan_probes.c know of each other. */
#ifndef UID_MEM_SCAN_PROBES_H
#define UID_MEM_SCAN_PROBES_H

#include <linux/types.h>

struct mm_struct;

bool uid_mem_scan_is_near(struct mm_struct *mm, long pages);
bool uid_mem_scan_has_to_wait(struct mm_struct *mm);
void uid_mem_scan_probes_start(void);
void uid_mem_scan_probes_stop(void);
void uid_mem_scan_probes_exit(void);

#endif

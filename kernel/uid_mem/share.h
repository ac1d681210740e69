/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
#ifndef UID_MEM_SHARE_H
#define UID_MEM_SHARE_H

#include <linux/types.h>

struct mm_struct;

void uid_mem_share_init(void);
bool uid_mem_share_is_known(void);
long uid_mem_share(struct mm_struct *mm, unsigned int *patience_us);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
#ifndef UID_MEM_DYING_H
#define UID_MEM_DYING_H

#include <linux/types.h>

struct mm_struct;
struct uid_mem_user;

void uid_mem_dying_add(struct uid_mem_user *user, struct mm_struct *mm);
long uid_mem_dying_overdue(struct uid_mem_user *user);
bool uid_mem_dying_excuse(struct uid_mem_user *user,
			  bool (*gets_on)(struct mm_struct *mm, void *data),
			  void *data);
unsigned long uid_mem_dying_next_look(const struct uid_mem_user *user);
void uid_mem_dying_forget(struct uid_mem_user *user);

#endif

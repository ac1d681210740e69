/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
#ifndef UID_MEM_COPIES_H
#define UID_MEM_COPIES_H

#include <linux/types.h>

void uid_mem_copies_watch(bool on);

#endif

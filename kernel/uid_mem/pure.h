/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/*
 * What the pure parts (grammar.c, table.c) need of their surroundings: the
 * kernel, or user space for the tests.
 */
#ifndef UID_MEM_PURE_H
#define UID_MEM_PURE_H

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include "user_space.h"
#endif

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/*
 * What differs between kernel versions.  The rest of the module reads as if
 * written for the newest one.
 */
#ifndef UID_MEM_COMPAT_H
#define UID_MEM_COMPAT_H

#include <linux/kconfig.h>

#if !IS_ENABLED(CONFIG_UID_MEM)
#error "this kernel lacks CONFIG_UID_MEM: apply the patches of its series and enable it"
#endif

#endif

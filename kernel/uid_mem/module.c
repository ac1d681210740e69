// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * uid_mem: a memory budget for every UID
 *
 * Calls go down:
 *
 *	module.c			loading and unloading
 *	proc.c, syscalls.c, param.c	what user space reads and writes
 *	limits.c			the table of limits, and its changes
 *	users.c				the UIDs that have a limit
 *	enforce.c			a look at a UID, and what its limit asks for
 *	victims.c			which processes are killed
 *	dying.c				what is on its way out
 *	footprint.c, metric.c, share.c, copies.c
 *					what they take
 *	policy*.c, walk.c, events.c, table.c, grammar.c
 *	engine_*.c			how much a UID uses, and when to look
 *
 * The engine is called by tasks that use memory.  It finds their user and has it
 * looked at through struct uid_mem_engine_client.
 *
 * Locks, outermost first:
 *	limits_mutex	changes of the table, one at a time
 *	users_mutex	which users there are, and the limits they have
 *	uid_mem_user::mutex
 *			one look at a user at a time
 */

#include <linux/init.h>
#include <linux/module.h>

#include "events.h"
#include "share.h"
#include "uid_mem.h"

/* Limits may have been written from the moment that there are files. */
static void stop(void)
{
	uid_mem_proc_exit();
	uid_mem_limits_exit();
	uid_mem_events_exit();
	uid_mem_enforce_exit();
	uid_mem_engine_exit();
	/* Tables that are being freed need nothing of the module. */
}

static int __init uid_mem_init(void)
{
	int err;

	uid_mem_share_init();
	err = uid_mem_enforce_init();
	if (err)
		return err;
	err = uid_mem_proc_init();
	if (err) {
		uid_mem_enforce_exit();
		return err;
	}
	err = uid_mem_syscalls_start();
	if (err) {
		stop();
		return err;
	}
	pr_info("uid_mem: engine %s\n", uid_mem_engine_name);
	return 0;
}

static void __exit uid_mem_exit(void)
{
	uid_mem_syscalls_stop();
	stop();
}

module_init(uid_mem_init);
module_exit(uid_mem_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The uid_mem authors");
MODULE_DESCRIPTION("Memory budget for every UID, enforced by killing");
MODULE_VERSION("0.1.0");

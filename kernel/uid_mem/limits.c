// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * The limits in force, and how they change
 *
 * A change makes a new table (table.c), gives it to the users (users.c), and
 * places the processes that run already.  The engine runs while there is a
 * limit.
 */

#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "copies.h"
#include "events.h"
#include "share.h"
#include "uid_mem.h"

static unsigned int max_entries;
module_param(max_entries, uint, 0644);
MODULE_PARM_DESC(max_entries, "largest number of limits, 0 for any (default 0)");

static bool evict = true;
module_param(evict, bool, 0644);
MODULE_PARM_DESC(evict, "at max_entries, drop the least recently set limit; otherwise refuse the new one (default Y)");

static const struct uid_mem_table no_limits;

static DEFINE_MUTEX(limits_mutex);
/* Under limits_mutex. */
static const struct uid_mem_table *limits = &no_limits;
static u64 next_seq;
static bool accounting;

static void tell_table_event(enum uid_mem_event_type type,
			     const struct uid_mem_limit *limit)
{
	struct uid_mem_event event = {
		.type = type,
		.first = limit->first,
		.last = limit->last,
		.charge_to = limit->charge_to,
		.max = limit->max,
	};

	uid_mem_event_add(&event);
}

/* What @changes did to the table @old, and what had to go for it. */
static void tell_changes(const struct uid_mem_table *old,
			 const struct uid_mem_change *changes, unsigned int nr,
			 const struct uid_mem_table *evicted)
{
	const struct uid_mem_entry *was;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		const struct uid_mem_limit *limit = &changes[i].limit;

		if (!changes[i].remove) {
			tell_table_event(UID_MEM_LIMIT_SET, limit);
			continue;
		}
		was = uid_mem_table_get(old, limit->first, limit->last);
		tell_table_event(UID_MEM_LIMIT_REMOVED, was ? &was->limit : limit);
	}
	for (i = 0; evicted && i < evicted->nr; i++)
		tell_table_event(UID_MEM_EVICTED, &evicted->entries[i].limit);
}

static const struct uid_mem_engine_client engine_client = {
	.find = uid_mem_user_find,
	.peek = uid_mem_user_peek,
	.place_all = uid_mem_place_all,
	.look = uid_mem_look,
};

/* Can this kernel count what the limits ask for? */
static bool are_known(const struct uid_mem_change *changes, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!changes[i].remove &&
		    changes[i].limit.metric == UID_MEM_METRIC_FOOTPRINT)
			return uid_mem_share_is_known();
	return true;
}

/* Does any limit count by share? */
static bool counts_shares(const struct uid_mem_table *table)
{
	unsigned int i;

	for (i = 0; i < table->nr; i++)
		if (table->entries[i].limit.metric == UID_MEM_METRIC_FOOTPRINT)
			return true;
	return false;
}

static int start_accounting(void)
{
	int err = accounting ? 0 : uid_mem_engine_start(&engine_client);

	if (!err)
		accounting = true;
	return err;
}

static void stop_accounting(void)
{
	if (accounting)
		uid_mem_engine_stop();
	accounting = false;
}

/* Replace the table; readers of the old one may go on for a while. */
static void publish_limits(const struct uid_mem_table *table)
{
	const struct uid_mem_table *old = limits;

	limits = table;
	uid_mem_users_set_limits(table);
	if (old != &no_limits)
		kvfree_rcu((struct uid_mem_table *)old, rcu);
}

/**
 * uid_mem_limits_change - change the table of limits
 * @changes: the changes, in order
 * @nr: how many
 *
 * All of them take effect, also for processes that run already, or none.
 *
 * Return: 0; 1 when entries were evicted for them; -ENOENT for a removal of
 * what is not there; -EINVAL for ranges that overlap, or UIDs charged to one
 * that is charged to another; -ENOSPC where the table is full; -ENOMEM; -EBUSY
 * when somebody else uses the kernel's accounting; -EOPNOTSUPP for a metric that this
 * kernel does not count.
 */
int uid_mem_limits_change(const struct uid_mem_change *changes, unsigned int nr)
{
	const struct uid_mem_rules rules = {
		.max_entries = READ_ONCE(max_entries),
		.evict = READ_ONCE(evict),
	};
	struct uid_mem_table *new, *evicted;
	int err;

	if (!nr)
		return 0;
	if (!are_known(changes, nr))
		return -EOPNOTSUPP;
	mutex_lock(&limits_mutex);
	new = uid_mem_table_apply(limits, changes, nr, next_seq, &rules,
				  &evicted, &err);
	if (!new)
		goto out;
	uid_mem_engine_change_begin();
	if (new->nr)
		err = start_accounting();
	if (err) {
		uid_mem_table_free(new);
		goto end;
	}
	next_seq += nr;
	uid_mem_copies_watch(counts_shares(new));
	tell_changes(limits, changes, nr, evicted);
	err = evicted && evicted->nr;
	publish_limits(new);
	if (new->nr)
		uid_mem_place_all();
	else
		stop_accounting();
end:
	uid_mem_engine_change_end();
out:
	mutex_unlock(&limits_mutex);
	uid_mem_table_free(evicted);
	return err;
}

/**
 * uid_mem_limits_copy - the table of limits as it is now
 *
 * Return: a copy, to be freed with uid_mem_table_free(), or NULL.
 */
struct uid_mem_table *uid_mem_limits_copy(void)
{
	struct uid_mem_table *copy;
	size_t size;

	mutex_lock(&limits_mutex);
	size = struct_size(limits, entries, limits->nr);
	copy = kvmalloc(size, GFP_KERNEL);
	if (copy)
		memcpy(copy, limits, size);
	mutex_unlock(&limits_mutex);
	return copy;
}

/** uid_mem_limits_exit - remove all limits; nobody sets any more */
void uid_mem_limits_exit(void)
{
	mutex_lock(&limits_mutex);
	publish_limits(&no_limits);
	uid_mem_copies_watch(false);
	stop_accounting();
	mutex_unlock(&limits_mutex);
	uid_mem_users_exit();
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/* What the parts of the module know of each other. */
#ifndef UID_MEM_H
#define UID_MEM_H

#include <linux/atomic.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/ratelimit_types.h>
#include <linux/refcount.h>
#include <linux/rtmutex.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "table.h"

#ifdef UID_MEM_ENGINE_SCAN
#include "engine_scan.h"
#else
#include "engine_hooks.h"
#endif

/**
 * struct uid_mem_user - a UID that has a limit and had a process
 * @uid: the UID, in the initial user namespace
 * @refs: users outside of the hooks of the engine; one for the limit
 * @account: what its processes use; the business of the engine
 * @copies: pages copied on write since the last walk; see copies.c
 * @copies_room: how many may be before the next one
 * @asked: how many looks have been asked for
 * @dying_at: when a process of it last was found dying, in jiffies
 * @mutex: protects what follows; one look at a UID at a time.  It inherits
 *	   priority: anybody may read "stats", and lose their CPU meanwhile
 * @answered: what @asked was when the last look began
 * @limit: the entry that counts for it
 * @peak: largest usage seen, in pages; @account may know of a larger one
 * @grace_spent: for how long usage was above max, in jiffies; see spend_grace()
 * @grace_at: until when that is, in jiffies
 * @unkillable_at: when there last was nobody to kill, in jiffies
 * @shared: by how much what is charged is more than what counts, in pages; less
 *	    than nothing where page tables count that are not charged
 * @walked: that has taken a walk over page tables
 * @known: what the last walk found of each address space
 * @forking: a fork() kept a walk from what it locks
 * @forking_at: since when, in jiffies
 * @changing: processes came or went during the last walks
 * @changing_at: since when, in jiffies
 * @lately: the most that counted lately, in pages
 * @lately_at: when that was, in jiffies
 * @share: what the last walk found, in pages
 * @share_until: for a reader of "stats" that is good until then, in jiffies
 * @share_look: how long from one walk to the next where no charge asks for it, in
 *		jiffies
 * @over: usage was above max at the last look
 * @high_told: the high event of this crossing is out
 * @term_due: somebody is still to be asked to end for this crossing of high
 * @max_told: the max event of this crossing is out
 * @unkillable_told: @unkillable_at is valid
 * @kills: processes killed
 * @terms: processes asked to end
 * @max_events: how often max was crossed
 * @high_events: how often high was crossed
 * @log_rate: limits its lines in the kernel's log
 * @dying: address spaces on their way out; see dying.c
 * @look_in: when to look again, in jiffies from now, 0 for never; for the time of
 *	     a look
 * @work: looks at the UID
 * @dead: on the list of those to be freed
 */
struct uid_mem_user {
	u32 uid;
	refcount_t refs;
	struct uid_mem_account account;
	atomic_long_t copies;
	long copies_room;
	atomic_t asked;
	unsigned long dying_at;

	struct rt_mutex mutex; /* what follows, to @look_in */
	int answered;
	struct uid_mem_limit limit;
	long peak;
	unsigned long grace_spent;
	unsigned long grace_at;
	unsigned long unkillable_at;
	long shared;
	bool walked;
	struct uid_mem_known *known;
	bool forking;
	unsigned long forking_at;
	bool changing;
	unsigned long changing_at;
	long lately;
	unsigned long lately_at;
	long share;
	unsigned long share_until;
	unsigned long share_look;
	bool over;
	bool high_told;
	bool term_due;
	bool max_told;
	bool unkillable_told;
	unsigned long kills;
	unsigned long terms;
	unsigned long max_events;
	unsigned long high_events;
	struct ratelimit_state log_rate;
	struct list_head dying;
	unsigned long look_in;

	struct delayed_work work;
	struct list_head dead;
};

/**
 * struct uid_mem_usage - what the processes of a UID have mapped
 * @counts: each MM counter, in pages
 * @live: what counts against the limit, in pages
 * @dying: what is on its way out, in pages
 */
struct uid_mem_usage {
	long counts[NR_MM_COUNTERS];
	long live;
	long dying;
};

/* How long others are held up for those that are dying: one may hang. */
#define UID_MEM_DYING_WAIT	HZ

/* A process may change its other flags meanwhile. */
static inline bool uid_mem_is_kthread(struct task_struct *p)
{
	return READ_ONCE(p->flags) & PF_KTHREAD;
}

static inline u64 uid_mem_bytes(long pages)
{
	return pages > 0 ? (u64)pages << PAGE_SHIFT : 0;
}

/* A size in whole pages, as levels are given; LONG_MAX for no limit. */
static inline long uid_mem_pages(u64 bytes)
{
	return min_t(u64, bytes >> PAGE_SHIFT, LONG_MAX);
}

/* The limit of a UID, in what is charged. */
static inline long uid_mem_max_charged(const struct uid_mem_user *user)
{
	long max = uid_mem_pages(READ_ONCE(user->limit.max));

	return max == LONG_MAX ? max : max + READ_ONCE(user->shared);
}

/* limits.c: the table of limits in force */
int uid_mem_limits_change(const struct uid_mem_change *changes, unsigned int nr);
struct uid_mem_table *uid_mem_limits_copy(void);
void uid_mem_limits_exit(void);

/* users.c: the UIDs that have a limit */
struct uid_mem_user *uid_mem_user_find(const struct cred *cred);
struct uid_mem_user *uid_mem_user_peek(const struct cred *cred, bool *pending);
void uid_mem_users_set_limits(const struct uid_mem_table *table);
struct uid_mem_user *uid_mem_user_get(u32 uid);
struct uid_mem_user *uid_mem_user_get_next(unsigned long *uid);
void uid_mem_user_put(struct uid_mem_user *user);
void uid_mem_users_exit(void);
void uid_mem_place_all(void);
void uid_mem_scan(unsigned int policy);

/* enforce.c: a look at a UID */
extern struct workqueue_struct *uid_mem_wq;

int uid_mem_enforce_init(void);
void uid_mem_enforce_exit(void);
void uid_mem_enforce(struct uid_mem_user *user, unsigned int policy);
void uid_mem_look(struct uid_mem_user *user);
void uid_mem_enforce_fn(struct work_struct *work);

/**
 * struct uid_mem_engine_client - what an engine asks of those above it
 * @find: the user whose limit counts for some credentials, or NULL; made if need
 *	  be.  Sleeps
 * @peek: the same without sleeping, in an RCU read-side critical section; sets
 *	  @pending to whether the user has to be made
 * @place_all: place every process.  Sleeps
 * @look: look at a user whose usage may be above its limit.  Sleeps
 */
struct uid_mem_engine_client {
	struct uid_mem_user *(*find)(const struct cred *cred);
	struct uid_mem_user *(*peek)(const struct cred *cred, bool *pending);
	void (*place_all)(void);
	void (*look)(struct uid_mem_user *user);
};

/* engine_hooks.c or engine_scan.c: how much a UID uses, and when to look */
extern const char *const uid_mem_engine_name;

int uid_mem_engine_start(const struct uid_mem_engine_client *client);
void uid_mem_engine_stop(void);
void uid_mem_engine_exit(void);
void uid_mem_engine_synchronize(void);
void uid_mem_engine_change_begin(void);
void uid_mem_engine_change_end(void);
int uid_mem_engine_add(struct uid_mem_user *user);
void uid_mem_engine_remove(struct uid_mem_user *user);
void uid_mem_engine_free(struct uid_mem_user *user);
void uid_mem_engine_place(struct task_struct *p, struct mm_struct *mm);
void uid_mem_engine_set_metric(struct uid_mem_user *user);
void uid_mem_engine_set_levels(struct uid_mem_user *user, long lower, long upper);
void uid_mem_engine_read(struct uid_mem_user *user, struct uid_mem_usage *usage);
unsigned int uid_mem_engine_list(struct uid_mem_user *user,
				 struct mm_struct **mms, unsigned int room);
bool uid_mem_engine_frees(struct uid_mem_user *user);
unsigned int uid_mem_engine_count(struct uid_mem_user *user);
bool uid_mem_engine_owns(struct uid_mem_user *user, struct task_struct *p,
			 struct mm_struct *mm);
struct uid_mem_user *uid_mem_engine_owner(struct mm_struct *mm);
void uid_mem_engine_set_dying(struct mm_struct *mm);
void uid_mem_engine_hurry(struct task_struct *p);

/* syscalls.c */
struct seq_file;

int uid_mem_syscalls_start(void);
void uid_mem_syscalls_stop(void);
void uid_mem_syscalls_show(struct seq_file *seq);

/* proc.c */
int uid_mem_proc_init(void);
void uid_mem_proc_exit(void);

#endif

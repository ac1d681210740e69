/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/*
 * A limit, and the grammar of /proc/uid_mem/limits.  Pure C: also built for
 * user space, see tests/.
 */
#ifndef UID_MEM_GRAMMAR_H
#define UID_MEM_GRAMMAR_H

#include "pure.h"

/* As a size in bytes: no limit. */
#define UID_MEM_MAX		U64_MAX
/* The smallest limit, in bytes. */
#define UID_MEM_MIN_LIMIT	(1024 * 1024ULL)
/* The longest grace, in ms. */
#define UID_MEM_MAX_GRACE_MS	3600000U
/* The longest line, in bytes, without the newline. */
#define UID_MEM_MAX_LINE	256
/* Policy number of "default": what the module parameter says. */
#define UID_MEM_POLICY_DEFAULT	0

enum uid_mem_metric {
	UID_MEM_METRIC_RSS,	/* file + anon + shmem */
	UID_MEM_METRIC_ANON,	/* anon + swap */
	UID_MEM_METRIC_FOOTPRINT, /* the same by share, and page tables */
	UID_MEM_NR_METRICS
};

enum uid_mem_on_high {
	UID_MEM_ON_HIGH_EVENT,	/* record the event */
	UID_MEM_ON_HIGH_TERM,	/* and ask a process to end */
	UID_MEM_ON_HIGH_RECLAIM, /* and have uid_memd page memory out */
	UID_MEM_NR_ON_HIGH
};

enum uid_mem_mode {
	UID_MEM_MODE_ENFORCE,	/* kill */
	UID_MEM_MODE_AUDIT,	/* name the victim, kill nobody */
	UID_MEM_NR_MODES
};

extern const char *const uid_mem_metric_names[UID_MEM_NR_METRICS];
extern const char *const uid_mem_on_high_names[UID_MEM_NR_ON_HIGH];

/**
 * struct uid_mem_limit - an entry of the table
 * @first: first UID, in the initial user namespace
 * @last: last UID; @first for an exact UID
 * @max: each UID's budget in bytes, UID_MEM_MAX for none
 * @high: warn above this many bytes, UID_MEM_MAX for never
 * @grace_ms: how long a UID may stay above @max before the kill
 * @charge_to: the UID whose budget these UIDs use, so that nothing else here
 *	       counts; 0 for one of their own
 * @on_high: what happens above @high
 * @policy: number of the policy, see uid_mem_policy_number()
 * @metric: what counts
 * @mode: what happens
 */
struct uid_mem_limit {
	u32 first;
	u32 last;
	u64 max;
	u64 high;
	u32 grace_ms;
	u32 charge_to;
	u8 on_high;
	u8 policy;
	u8 metric;
	u8 mode;
};

/**
 * struct uid_mem_change - what a line asks for
 * @remove: take the entry of exactly these UIDs away
 * @limit: the entry; only @limit.first and @limit.last count for a removal
 */
struct uid_mem_change {
	bool remove;
	struct uid_mem_limit limit;
};

int uid_mem_parse_line(const char *line, size_t len,
		       struct uid_mem_change *change);
int uid_mem_print_uids(char *buf, size_t size, const struct uid_mem_limit *l);
int uid_mem_print_size(char *buf, size_t size, u64 bytes);
int uid_mem_print_limit(char *buf, size_t size, const struct uid_mem_limit *l);
bool uid_mem_limits_equal(const struct uid_mem_limit *a,
			  const struct uid_mem_limit *b);

/* Provided by the policies (policy.c), or by a test. */
int uid_mem_policy_number(const char *name, size_t len);
const char *uid_mem_policy_name(unsigned int number);

#endif

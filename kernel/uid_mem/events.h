/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
#ifndef UID_MEM_EVENTS_H
#define UID_MEM_EVENTS_H

#include <linux/sched.h>
#include <linux/types.h>

struct proc_dir_entry;

enum uid_mem_event_type {
	UID_MEM_LIMIT_SET,
	UID_MEM_LIMIT_REMOVED,
	UID_MEM_EVICTED,
	UID_MEM_HIGH_EVENT,
	UID_MEM_MAX_EVENT,
	UID_MEM_WOULD_KILL,
	UID_MEM_KILL,
	UID_MEM_WOULD_TERM,
	UID_MEM_TERM,
	UID_MEM_UNKILLABLE,
	UID_MEM_NR_EVENTS
};

/**
 * struct uid_mem_event - something that happened
 * @seq: its number; set by uid_mem_event_add()
 * @ts: CLOCK_BOOTTIME in ns; set by uid_mem_event_add()
 * @type: what happened
 * @first: the UID, or the first of the limit's
 * @last: @first, or the last UID of the limit
 * @charge_to: the UID that these are charged to, in place of a limit, or 0
 * @max: the limit in bytes
 * @usage: what the UID used, in bytes; not for events of the table
 * @high: where to warn, in bytes; for UID_MEM_HIGH_EVENT only
 * @victim_rss: file, anon and shared memory of the victim, in bytes
 * @runtime_ms: CPU time it has used, in ms
 * @badness: how the policy rated it
 * @held: what the process has that is in the way, in bytes
 * @policy: number of the policy, not UID_MEM_POLICY_DEFAULT
 * @pid: the victim, or the process in the way, in the initial PID namespace
 * @comm: its name
 *
 * What is about a victim is there from UID_MEM_WOULD_KILL to UID_MEM_TERM; @pid,
 * @comm and @held for UID_MEM_UNKILLABLE, where @pid is 0 if nobody is in the way.
 */
struct uid_mem_event {
	u64 seq;
	u64 ts;
	enum uid_mem_event_type type;
	u32 first;
	u32 last;
	u32 charge_to;
	u64 max;
	u64 usage;
	u64 high;
	u64 victim_rss;
	u64 runtime_ms;
	u64 badness;
	u64 held;
	unsigned int policy;
	pid_t pid;
	char comm[TASK_COMM_LEN];
};

void uid_mem_event_add(struct uid_mem_event *event);
int uid_mem_event_print(char *buf, size_t size, const struct uid_mem_event *e);

int uid_mem_events_init(struct proc_dir_entry *dir);
void uid_mem_events_stop(void);
void uid_mem_events_exit(void);

#endif

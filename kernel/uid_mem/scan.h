/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/*
 * What the parts of the engine "scan" know of each other.  Calls go down only:
 *
 *	engine_scan.c		the interface of an engine
 *	scan_event.c, scan_probes.c
 *				what the kernel tells of, and what is made to fail
 *	scan_mm.c		which address space is whose
 *	scan_account.c		what a UID uses
 *	scan_look.c		when it is looked at, and by whom
 */
#ifndef UID_MEM_SCAN_H
#define UID_MEM_SCAN_H

#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm_types.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include "engine_scan.h"

struct task_struct;
struct uid_mem_engine_client;
struct uid_mem_usage;
struct uid_mem_user;

/**
 * struct scan_mm - an address space of a UID
 * @node: in scan_mms
 * @list: in uid_mem_account::mms
 * @rcu: to free it
 * @mm: the address space; a reference on the structure
 * @user: the UID
 * @seen: its counters as they have been charged
 * @base: its counters as the CPU saw them that did so, without what others keep
 * @dying: its processes have been killed or exit
 */
struct scan_mm {
	struct hlist_node node;
	struct list_head list;
	struct rcu_head rcu;
	struct mm_struct *mm;
	struct uid_mem_user *user;
	long seen[NR_MM_COUNTERS];
	long base[NR_MM_COUNTERS];
	bool dying;
};

/* How many address spaces are treated under a lock that others wait for. */
#define SCAN_BATCH	64

/* scan_event.c */
int scan_events_start(void);
bool scan_events_are_complete(void);
void scan_events_stop(void);

/* scan_probes.c */
void scan_probes_start(void);
void scan_probes_stop(void);
void scan_probes_exit(void);

/* scan_mm.c */
extern atomic_long_t scan_gen;

struct scan_mm *scan_find(struct mm_struct *mm);
struct uid_mem_user *scan_find_user(struct mm_struct *mm);
struct scan_mm *scan_assign(struct mm_struct *mm, struct uid_mem_user *user);
struct uid_mem_user *scan_user_of(struct task_struct *p, bool *pending);
struct scan_mm *scan_place(struct task_struct *p, struct mm_struct *mm,
			   bool *pending);
void scan_sweep(struct uid_mem_user *user, bool all);
void scan_verify(void);
void scan_mms_stop(void);

/* scan_account.c */
static inline long scan_room(const struct uid_mem_account *a)
{
	return min(a->upper, LONG_MAX / 2) - a->charged[0];
}

bool scan_check(struct uid_mem_account *a);
void scan_charge_all_locked(struct uid_mem_account *a, struct scan_mm *e);
void scan_charge(struct scan_mm *e, int member);
void scan_uncharge_locked(struct uid_mem_account *a, struct scan_mm *e);
void scan_set_dying(struct scan_mm *e);
bool scan_is_gone(const struct scan_mm *e);
unsigned int scan_read(struct uid_mem_user *user, struct uid_mem_usage *usage);

/* scan_look.c */
extern const struct uid_mem_engine_client *scan_client;

enum scan_called scan_whom_to_call(const struct uid_mem_account *a);
void scan_look_now(struct uid_mem_user *user);
void scan_notify(struct uid_mem_user *user);
unsigned long scan_interval(const struct uid_mem_account *a);
void scan_arm(struct uid_mem_user *user);
int scan_start_lookers(void);
void scan_stop_lookers(void);
void scan_flush_lookers(void);

#endif

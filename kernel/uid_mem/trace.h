/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM uid_mem

#if !defined(UID_MEM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define UID_MEM_TRACE_H

#include <linux/tracepoint.h>

#include "events.h"

DECLARE_EVENT_CLASS(uid_mem_victim,
	TP_PROTO(const struct uid_mem_event *event),
	TP_ARGS(event),
	TP_STRUCT__entry(
		__field(u32, uid)
		__field(pid_t, pid)
		__array(char, comm, TASK_COMM_LEN)
		__field(unsigned int, policy)
		__field(u64, victim_rss)
		__field(u64, runtime_ms)
		__field(u64, badness)
		__field(u64, usage)
		__field(u64, max)
	),
	TP_fast_assign(
		__entry->uid = event->first;
		__entry->pid = event->pid;
		memcpy(__entry->comm, event->comm, TASK_COMM_LEN);
		__entry->policy = event->policy;
		__entry->victim_rss = event->victim_rss;
		__entry->runtime_ms = event->runtime_ms;
		__entry->badness = event->badness;
		__entry->usage = event->usage;
		__entry->max = event->max;
	),
	TP_printk("uid=%u pid=%d comm=%s policy=%u victim_rss=%llu runtime_ms=%llu badness=%llu usage=%llu max=%llu",
		  __entry->uid, __entry->pid, __entry->comm, __entry->policy,
		  __entry->victim_rss, __entry->runtime_ms, __entry->badness,
		  __entry->usage, __entry->max)
);

DEFINE_EVENT(uid_mem_victim, uid_mem_kill,
	TP_PROTO(const struct uid_mem_event *event),
	TP_ARGS(event)
);

DEFINE_EVENT(uid_mem_victim, uid_mem_term,
	TP_PROTO(const struct uid_mem_event *event),
	TP_ARGS(event)
);

TRACE_EVENT(uid_mem_max,
	TP_PROTO(const struct uid_mem_event *event),
	TP_ARGS(event),
	TP_STRUCT__entry(
		__field(u32, uid)
		__field(u64, usage)
		__field(u64, max)
	),
	TP_fast_assign(
		__entry->uid = event->first;
		__entry->usage = event->usage;
		__entry->max = event->max;
	),
	TP_printk("uid=%u usage=%llu max=%llu",
		  __entry->uid, __entry->usage, __entry->max)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * /proc/uid_mem/events: what happened, a line each
 *
 * A number of events is kept, in the order they came.  When there are too many,
 * the oldest of the UID goes that has more than its share; the events of the table
 * of limits have one share together.  So no UID can push out what happened to
 * another.
 *
 * Every reader has a position of its own, which begins with the oldest event kept;
 * where it finds events gone it is told how many.
 */

#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/kmemleak.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "events.h"
#include "grammar.h"

/* Events that are kept. */
#define MAX_EVENTS	2048U
/* Room for a line with all its fields. */
#define LINE_SIZE	512

/* In place of a UID: the table of limits. */
#define TABLE_UID	U32_MAX

/**
 * struct source - where events come from
 * @node: in sources, or in free_sources
 * @events: those that are kept, oldest first
 * @nr: how many
 * @uid: the UID, or TABLE_UID
 */
struct source {
	struct hlist_node node;
	struct list_head events;
	unsigned int nr;
	u32 uid;
};

/**
 * struct slot - room for an event
 * @all: in all_events, by seq, or in free_slots
 * @own: in source::events
 * @source: where it comes from; NULL in free_slots
 * @event: the event
 */
struct slot {
	struct list_head all;
	struct list_head own;
	struct source *source;
	struct uid_mem_event event;
};

/* All of these under events_lock. */
static struct slot *slots;
static struct source *source_array;
static LIST_HEAD(all_events);
static LIST_HEAD(free_slots);
static HLIST_HEAD(free_sources);
static DEFINE_HASHTABLE(sources, 8);
static unsigned int nr_sources;
static u64 next_seq;		/* of the next event */

static DEFINE_SPINLOCK(events_lock);
static bool stopped;
/* Not in the module's own memory: see free_readers(). */
static struct wait_queue_head *readers;

static const char *const event_names[UID_MEM_NR_EVENTS] = {
	[UID_MEM_LIMIT_SET] = "limit_set",
	[UID_MEM_LIMIT_REMOVED] = "limit_removed",
	[UID_MEM_EVICTED] = "evicted",
	[UID_MEM_HIGH_EVENT] = "high",
	[UID_MEM_MAX_EVENT] = "max",
	[UID_MEM_WOULD_KILL] = "would_kill",
	[UID_MEM_KILL] = "kill",
	[UID_MEM_WOULD_TERM] = "would_term",
	[UID_MEM_TERM] = "term",
	[UID_MEM_UNKILLABLE] = "unkillable",
};

static struct source *find_source(u32 uid)
{
	struct source *source;

	hash_for_each_possible(sources, source, node, uid)
		if (source->uid == uid)
			return source;
	return NULL;
}

/* There are as many as there are slots, and none without an event. */
static struct source *get_source(u32 uid)
{
	struct source *source = find_source(uid);

	if (source)
		return source;
	source = hlist_entry(free_sources.first, struct source, node);
	hlist_del(&source->node);
	source->uid = uid;
	source->nr = 0;
	INIT_LIST_HEAD(&source->events);
	hash_add(sources, &source->node, uid);
	nr_sources++;
	return source;
}

static struct source *largest_source(void)
{
	struct source *source, *largest = NULL;
	int bucket;

	hash_for_each(sources, bucket, source, node)
		if (!largest || source->nr > largest->nr)
			largest = source;
	return largest;
}

static void drop_oldest(struct source *source)
{
	struct slot *slot = list_first_entry(&source->events, struct slot, own);

	list_del(&slot->own);
	slot->source = NULL;
	list_move(&slot->all, &free_slots);
	if (--source->nr)
		return;
	hash_del(&source->node);
	hlist_add_head(&source->node, &free_sources);
	nr_sources--;
}

/* Room for an event of @uid: one that has its share makes it of its own. */
static void make_room(u32 uid)
{
	struct source *source = find_source(uid);

	if (!list_empty(&free_slots))
		return;
	if (!source || source->nr < MAX_EVENTS / nr_sources)
		source = largest_source();
	drop_oldest(source);
}

static u32 source_of(const struct uid_mem_event *event)
{
	return event->type < UID_MEM_HIGH_EVENT ? TABLE_UID : event->first;
}

static void add_event(struct uid_mem_event *event)
{
	struct source *source;
	struct slot *slot;

	lockdep_assert_held(&events_lock);
	make_room(source_of(event));
	source = get_source(source_of(event));
	slot = list_first_entry(&free_slots, struct slot, all);
	slot->source = source;
	slot->event = *event;
	list_move_tail(&slot->all, &all_events);
	list_add_tail(&slot->own, &source->events);
	source->nr++;
}

/**
 * uid_mem_event_add - record an event and wake the readers
 * @event: the event; its seq and ts are set
 *
 * Process context.
 */
void uid_mem_event_add(struct uid_mem_event *event)
{
	spin_lock(&events_lock);
	event->seq = next_seq;
	event->ts = ktime_get_boottime_ns();
	add_event(event);
	WRITE_ONCE(next_seq, next_seq + 1);
	spin_unlock(&events_lock);
	wake_up_interruptible(readers);
}

/* A process names itself: nothing in a name may look like another field. */
static int print_comm(char *buf, size_t size, const char *comm)
{
	int n = 0;

	for (; *comm; comm++) {
		unsigned char c = *comm;

		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			n += scnprintf(buf + n, size - n, "\\x%02x", c);
		else
			n += scnprintf(buf + n, size - n, "%c", c);
	}
	return n;
}

static int print_process(char *buf, size_t size, const struct uid_mem_event *e)
{
	int n = scnprintf(buf, size, " pid=%d comm=\"", e->pid);

	n += print_comm(buf + n, size - n, e->comm);
	n += scnprintf(buf + n, size - n, "\"");
	return n;
}

static int print_victim(char *buf, size_t size, const struct uid_mem_event *e)
{
	int n = print_process(buf, size, e);

	n += scnprintf(buf + n, size - n,
		       " policy=%s victim_rss=%llu runtime_ms=%llu badness=%llu",
		       uid_mem_policy_name(e->policy), e->victim_rss,
		       e->runtime_ms, e->badness);
	return n;
}

static bool has_victim(const struct uid_mem_event *e)
{
	return e->type >= UID_MEM_WOULD_KILL && e->type <= UID_MEM_TERM;
}

static int print_blocker(char *buf, size_t size, const struct uid_mem_event *e)
{
	int n = print_process(buf, size, e);

	n += scnprintf(buf + n, size - n, " held=%llu", e->held);
	return n;
}

/**
 * uid_mem_event_print - print what happened, without when and a newline
 * @buf: where to
 * @size: room there, in bytes
 * @e: the event
 *
 * Return: bytes printed.
 */
int uid_mem_event_print(char *buf, size_t size, const struct uid_mem_event *e)
{
	const struct uid_mem_limit uids = { .first = e->first, .last = e->last };
	int n = scnprintf(buf, size, "event=%s uid=", event_names[e->type]);

	n += uid_mem_print_uids(buf + n, size - n, &uids);
	if (has_victim(e))
		n += print_victim(buf + n, size - n, e);
	if (e->type == UID_MEM_UNKILLABLE && e->pid)
		n += print_blocker(buf + n, size - n, e);
	if (e->type >= UID_MEM_HIGH_EVENT)
		n += scnprintf(buf + n, size - n, " usage=%llu", e->usage);
	if (e->type == UID_MEM_HIGH_EVENT) {
		n += scnprintf(buf + n, size - n, " high=");
		n += uid_mem_print_size(buf + n, size - n, e->high);
	}
	if (e->charge_to)
		return n + scnprintf(buf + n, size - n, " charge_to=%u",
				     e->charge_to);
	n += scnprintf(buf + n, size - n, " max=");
	n += uid_mem_print_size(buf + n, size - n, e->max);
	return n;
}

/**
 * struct reader - an open file
 * @lock: one system call at a time
 * @seq: what it has read to
 * @last: where the event before that was found
 * @len: length of @line
 * @pos: how much of it has been read
 * @line: a line it has not read to its end
 */
struct reader {
	struct mutex lock; /* what follows */
	u64 seq;
	struct slot *last;
	size_t len;
	size_t pos;
	char line[LINE_SIZE];
};

/* Of the oldest event that is kept. */
static u64 oldest_seq(void)
{
	struct slot *slot;
	u64 seq;

	spin_lock(&events_lock);
	slot = list_first_entry_or_null(&all_events, struct slot, all);
	seq = slot ? slot->event.seq : next_seq;
	spin_unlock(&events_lock);
	return seq;
}

static int events_open(struct inode *inode, struct file *file)
{
	struct reader *r = kzalloc(sizeof(*r), GFP_KERNEL);

	if (!r)
		return -ENOMEM;
	mutex_init(&r->lock);
	r->seq = oldest_seq();
	file->private_data = r;
	return stream_open(inode, file);
}

static int events_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

/* The next event that is kept; there is one. */
static struct slot *find_next(const struct reader *r)
{
	struct slot *slot = r->last;

	if (slot && slot->event.seq == r->seq - 1 && slot->source)
		return list_next_entry(slot, all);
	list_for_each_entry(slot, &all_events, all)
		if (slot->event.seq >= r->seq)
			break;
	return slot;
}

/* Put the next line into the reader; false when there is none. */
static bool reader_next(struct reader *r)
{
	struct uid_mem_event event;
	struct slot *slot;
	bool any;
	u64 lost = 0;

	spin_lock(&events_lock);
	any = r->seq < next_seq;
	if (any) {
		slot = find_next(r);
		event = slot->event;
		lost = event.seq - r->seq;
		r->seq = lost ? event.seq : event.seq + 1;
		r->last = lost ? NULL : slot;
	}
	spin_unlock(&events_lock);

	r->pos = 0;
	r->len = 0;
	if (lost) {
		r->len = scnprintf(r->line, LINE_SIZE, "event=lost count=%llu\n",
				   lost);
	} else if (any) {
		r->len = scnprintf(r->line, LINE_SIZE, "seq=%llu ts=%llu ",
				   event.seq, event.ts);
		r->len += uid_mem_event_print(r->line + r->len,
					      LINE_SIZE - r->len - 1, &event);
		r->line[r->len++] = '\n';
	}
	return r->len > 0;
}

/* Copy as many lines as there are and fit. */
static ssize_t reader_copy(struct reader *r, char __user *buf, size_t count)
{
	size_t copied = 0, n;

	while (copied < count) {
		if (r->pos == r->len && !reader_next(r))
			break;
		n = min(count - copied, r->len - r->pos);
		if (copy_to_user(buf + copied, r->line + r->pos, n))
			return copied ? copied : -EFAULT;
		r->pos += n;
		copied += n;
	}
	return copied;
}

static bool reader_ready(struct reader *r)
{
	return READ_ONCE(stopped) || r->pos < r->len ||
	       r->seq < READ_ONCE(next_seq);
}

static ssize_t events_read(struct file *file, char __user *buf, size_t count,
			   loff_t *ppos)
{
	struct reader *r = file->private_data;
	ssize_t ret;

	if (!count)
		return 0;
	do {
		if (mutex_lock_interruptible(&r->lock))
			return -ERESTARTSYS;
		ret = reader_copy(r, buf, count);
		mutex_unlock(&r->lock);
		if (ret)
			return ret;
		if (READ_ONCE(stopped))
			return 0;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
	} while (!wait_event_interruptible(*readers, reader_ready(r)));
	return -ERESTARTSYS;
}

static __poll_t events_poll(struct file *file, poll_table *wait)
{
	struct reader *r = file->private_data;

	poll_wait(file, readers, wait);
	if (READ_ONCE(stopped))
		return EPOLLHUP;
	return reader_ready(r) ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct proc_ops events_ops = {
	.proc_open = events_open,
	.proc_read = events_read,
	.proc_poll = events_poll,
	.proc_release = events_release,
};

static bool is_waited_for(struct wait_queue_head *queue)
{
	bool ret;

	/* A task that has left the queue has released its lock. */
	spin_lock_irq(&queue->lock);
	ret = !list_empty(&queue->head);
	spin_unlock_irq(&queue->lock);
	return ret;
}

/*
 * An open file does not keep the module, but what waits for it may be on the
 * queue for longer: an entry of epoll stays until the file is closed, poll()
 * until its task gets its turn.  The former leaves when it is told that the queue
 * goes; the latter is given a second, and otherwise the queue is left to it.
 */
static void free_readers(void)
{
	int tries = 50;

	__wake_up(readers, TASK_NORMAL, 0, poll_to_key(EPOLLHUP | POLLFREE));
	/* Somebody may be about to take the lock of the queue. */
	synchronize_rcu();
	while (is_waited_for(readers) && --tries)
		schedule_timeout_uninterruptible(HZ / 50);
	if (tries)
		kfree(readers);
	else
		kmemleak_not_leak(readers);
}

/**
 * uid_mem_events_init - begin to record events
 * @dir: /proc/uid_mem
 *
 * Return: 0 or -ENOMEM.
 */
int uid_mem_events_init(struct proc_dir_entry *dir)
{
	unsigned int i;

	readers = kmalloc(sizeof(*readers), GFP_KERNEL);
	slots = kvcalloc(MAX_EVENTS, sizeof(*slots), GFP_KERNEL);
	source_array = kvcalloc(MAX_EVENTS, sizeof(*source_array), GFP_KERNEL);
	if (!readers || !slots || !source_array)
		goto free;
	init_waitqueue_head(readers);
	for (i = 0; i < MAX_EVENTS; i++) {
		list_add_tail(&slots[i].all, &free_slots);
		hlist_add_head(&source_array[i].node, &free_sources);
	}
	if (proc_create("events", 0400, dir, &events_ops))
		return 0;
free:
	kfree(readers);
	kvfree(slots);
	kvfree(source_array);
	return -ENOMEM;
}

/** uid_mem_events_stop - let no reader wait any more */
void uid_mem_events_stop(void)
{
	WRITE_ONCE(stopped, true);
	wake_up_interruptible(readers);
}

/** uid_mem_events_exit - forget all events; the file is gone by now */
void uid_mem_events_exit(void)
{
	free_readers();
	kvfree(slots);
	kvfree(source_array);
}

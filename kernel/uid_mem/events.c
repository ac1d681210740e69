// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * /proc/uid_mem/events: what happened, a line each
 *
 * The newest events are kept in a ring.  Every reader has a position of its
 * own, which begins with the oldest event kept; one that falls behind is told
 * how many it lost.
 */

#include <linux/fs.h>
#include <linux/kmemleak.h>
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

#define RING_SIZE	4096
/* Room for a line with all its fields. */
#define LINE_SIZE	512

static struct uid_mem_event *ring;
static u64 next_seq;		/* of the next event; under ring_lock */
static bool stopped;
static DEFINE_SPINLOCK(ring_lock);
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
	[UID_MEM_UNKILLABLE] = "unkillable",
};

/**
 * uid_mem_event_add - record an event and wake the readers
 * @event: the event; its seq and ts are set
 *
 * Process context.
 */
void uid_mem_event_add(struct uid_mem_event *event)
{
	spin_lock(&ring_lock);
	event->seq = next_seq;
	event->ts = ktime_get_boottime_ns();
	ring[next_seq % RING_SIZE] = *event;
	WRITE_ONCE(next_seq, next_seq + 1);
	spin_unlock(&ring_lock);
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
	if (e->type == UID_MEM_KILL || e->type == UID_MEM_WOULD_KILL)
		n += print_victim(buf + n, size - n, e);
	if (e->type == UID_MEM_UNKILLABLE && e->pid)
		n += print_blocker(buf + n, size - n, e);
	if (e->type >= UID_MEM_HIGH_EVENT)
		n += scnprintf(buf + n, size - n, " usage=%llu", e->usage);
	if (e->type == UID_MEM_HIGH_EVENT) {
		n += scnprintf(buf + n, size - n, " high=");
		n += uid_mem_print_size(buf + n, size - n, e->high);
	}
	n += scnprintf(buf + n, size - n, " max=");
	n += uid_mem_print_size(buf + n, size - n, e->max);
	return n;
}

/* A reader: what it has read to, and a line it has not read to its end. */
struct reader {
	struct mutex lock; /* one system call at a time */
	u64 seq;
	size_t len;
	size_t pos;
	char line[LINE_SIZE];
};

/* The oldest event that is kept when @next is the next one. */
static u64 oldest_seq(u64 next)
{
	return next > RING_SIZE ? next - RING_SIZE : 0;
}

static int events_open(struct inode *inode, struct file *file)
{
	struct reader *r = kzalloc(sizeof(*r), GFP_KERNEL);

	if (!r)
		return -ENOMEM;
	mutex_init(&r->lock);
	r->seq = oldest_seq(READ_ONCE(next_seq));
	file->private_data = r;
	return stream_open(inode, file);
}

static int events_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

/* Put the next line into the reader; false when there is none. */
static bool reader_next(struct reader *r)
{
	struct uid_mem_event event;
	u64 oldest, lost = 0;
	bool any;

	spin_lock(&ring_lock);
	oldest = oldest_seq(next_seq);
	if (r->seq < oldest) {
		lost = oldest - r->seq;
		r->seq = oldest;
	}
	any = r->seq < next_seq;
	if (any && !lost)
		event = ring[r->seq++ % RING_SIZE];
	spin_unlock(&ring_lock);

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

	/* Who has left the queue has also let go of its lock. */
	spin_lock_irq(&queue->lock);
	ret = waitqueue_active(queue);
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
	readers = kmalloc(sizeof(*readers), GFP_KERNEL);
	ring = kvcalloc(RING_SIZE, sizeof(*ring), GFP_KERNEL);
	if (!readers || !ring)
		goto free;
	init_waitqueue_head(readers);
	if (proc_create("events", 0400, dir, &events_ops))
		return 0;
free:
	kfree(readers);
	kvfree(ring);
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
	kvfree(ring);
}

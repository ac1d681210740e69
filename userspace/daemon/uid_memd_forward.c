// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_memd: an event as it goes to the log
 *
 * The log has the time of its entry. An event that has waited in the kernel,
 * before the daemon's first start or while it was away, gets its own time as a
 * further field.
 *
 * With --skip-kernel-log, what the kernel has logged itself is not logged
 * again. The kernel leaves out what exceeds KERNEL_BURST lines of a UID in
 * KERNEL_WINDOW_NS. Its window began at most that long ago, so it has logged
 * an event if there were no more than so many since: the others are ours.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "uid_mem_proc.h"
#include "uid_memd.h"

#define NS_PER_S		1000000000ull
/* A logger that is slow, or a device, is not worth a remark. */
#define LATE_NS			(5 * NS_PER_S)

#define KERNEL_BURST		10
/* Five seconds of jiffies, which are coarser than the time of an event. */
#define KERNEL_WINDOW_NS	(5 * NS_PER_S + NS_PER_S / 10)
#define MAX_UIDS		64

/* The times of the last lines of a UID; the next one is written to [next]. */
struct lines_of_uid {
	uint64_t uid;
	uint64_t ts[KERNEL_BURST];
	unsigned int next;
};

static struct lines_of_uid uids[MAX_UIDS];
/* What happened before is not known for all UIDs. */
static uint64_t unknown_until;
static bool began;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Writes " time=2026-11-27T12:10:30Z" where the event is late, else nothing. */
static void note_time(char *note, size_t size, uint64_t ts)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME);
	time_t when;
	struct tm parts;

	note[0] = '\0';
	if (!ts || ts + LATE_NS > now)
		return;
	when = (time_t)((clock_ns(CLOCK_REALTIME) - (now - ts)) / NS_PER_S);
	if (!gmtime_r(&when, &parts) || !strftime(note, size, " time=%Y-%m-%dT%H:%M:%SZ", &parts))
		note[0] = '\0';
}

static uint64_t last_of(const struct lines_of_uid *lines)
{
	return lines->ts[(lines->next + KERNEL_BURST - 1) % KERNEL_BURST];
}

/* Where all are in use, none is given up whose lines still count. */
static struct lines_of_uid *find_lines(uint64_t uid, uint64_t ts)
{
	struct lines_of_uid *oldest = &uids[0];

	for (size_t i = 0; i < MAX_UIDS; i++) {
		if (uids[i].uid == uid)
			return &uids[i];
		if (last_of(&uids[i]) < last_of(oldest))
			oldest = &uids[i];
	}
	if (last_of(oldest) && last_of(oldest) + KERNEL_WINDOW_NS > ts)
		return NULL;
	memset(oldest, 0, sizeof(*oldest));
	oldest->uid = uid;
	return oldest;
}

/* To be asked for each event, once, in their order. */
bool kernel_has_logged(const char *line)
{
	struct field event;
	uint64_t uid, ts, tenth;
	struct lines_of_uid *lines;

	if (!find_field(line, "event", &event) || (!value_is(&event, "kill") && !value_is(&event, "would_kill")))
		return false;
	uid = find_number(line, "uid");
	ts = find_number(line, "ts");
	if (!began) {
		/* The kernel logs with nobody to read; of that we know the events that are kept. */
		began = true;
		unknown_until = find_number(line, "seq") ? ts + KERNEL_WINDOW_NS : 0;
	}
	lines = find_lines(uid, ts);
	if (!lines) {
		unknown_until = ts + KERNEL_WINDOW_NS;
		return false;
	}
	tenth = lines->ts[lines->next];
	lines->ts[lines->next] = ts;
	lines->next = (lines->next + 1) % KERNEL_BURST;
	return ts >= unknown_until && (!tenth || tenth + KERNEL_WINDOW_NS <= ts);
}

bool log_event(int priority, const char *line, size_t length)
{
	char late[1024], note[48];
	int size;

	note_time(note, sizeof(note), find_number(line, "ts"));
	if (!note[0])
		return log_line(priority, line, length);
	size = snprintf(late, sizeof(late), "%.*s%s", (int)length, line, note);
	if (size < 0 || size >= (int)sizeof(late))
		return log_line(priority, line, length);
	return log_line(priority, late, (size_t)size);
}

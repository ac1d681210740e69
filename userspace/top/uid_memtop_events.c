// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/* uid_memtop: the latest events */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "uid_memtop.h"

/* Begins with the oldest event the kernel keeps. */
void events_open(struct events *events)
{
	events->fd = open(EVENTS_FILE, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	events->error = events->fd < 0 ? errno : 0;
	events->nr = 0;
	events->pending = 0;
}

static void take_lines(struct events *events)
{
	char *line = events->buffer, *end;

	while ((end = memchr(line, '\n', (size_t)(events->buffer + events->pending - line)))) {
		snprintf(events->lines[events->nr % NR_EVENTS], sizeof(events->lines[0]), "%.*s", (int)(end - line),
			 line);
		events->nr++;
		line = end + 1;
	}
	events->pending -= (size_t)(line - events->buffer);
	memmove(events->buffer, line, events->pending);
}

/* Read all there are. Where the module is gone, so are they. */
void events_read(struct events *events)
{
	ssize_t got;

	if (events->fd < 0)
		return;
	while ((got = read(events->fd, events->buffer + events->pending, sizeof(events->buffer) - events->pending)) > 0) {
		events->pending += (size_t)got;
		take_lines(events);
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	close(events->fd);
	events->fd = -1;
	events->error = ENOENT;
}

/* The last one is 0 back; NULL where there are not so many. */
const char *events_line(const struct events *events, unsigned int back)
{
	if (back >= events->nr || back >= NR_EVENTS)
		return NULL;
	return events->lines[(events->nr - 1 - back) % NR_EVENTS];
}

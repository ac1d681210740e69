// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_memd: reading events
 *
 * The kernel keeps thousands of events, and a place in them for each open file.
 * So who can't take one now leaves it there, and no queue is needed here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "uid_mem_proc.h"
#include "uid_memd.h"

/* Reads of the buffer's size before signals and timers have their turn. */
#define MAX_ROUNDS	64

/* Returns 0, or -1 with errno. @resumed: events below @next_seq are known. */
int reader_open(struct reader *reader, uint64_t *next_seq, bool resumed)
{
	reader->fd = open(EVENTS_FILE, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	reader->next_seq = next_seq;
	reader->resumed = resumed;
	reader->start = reader->end = 0;
	return reader->fd < 0 ? -1 : 0;
}

void reader_close(struct reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = -1;
}

static char *end_of_line(const struct reader *reader)
{
	return memchr(reader->buffer + reader->start, '\n', reader->end - reader->start);
}

bool reader_has_line(const struct reader *reader)
{
	return reader->fd >= 0 && end_of_line(reader);
}

static bool has_seq(const char *line, uint64_t *seq)
{
	struct field field;

	if (!find_field(line, "seq", &field))
		return false;
	*seq = field_number(&field);
	return true;
}

/*
 * Who comes back and finds events gone that it has not read is not told by the
 * kernel, which does not know it.
 */
static bool take_gap(struct reader *reader, uint64_t seq, take_event *take)
{
	uint64_t lost = seq - *reader->next_seq;
	char line[64];
	int length = snprintf(line, sizeof(line), "event=lost count=%llu", (unsigned long long)lost);

	if (lost && !take(line, (size_t)length, lost))
		return false;
	*reader->next_seq = seq;
	reader->resumed = false;
	return true;
}

static bool take_line(struct reader *reader, const char *line, size_t length, take_event *take)
{
	uint64_t seq;

	/* Of what is lost before a gap is measured, the gap is the sum. */
	if (!has_seq(line, &seq))
		return reader->resumed || take(line, length, find_number(line, "count"));
	if (seq < *reader->next_seq)
		return true;
	if (reader->resumed && !take_gap(reader, seq, take))
		return false;
	if (!take(line, length, 0))
		return false;
	*reader->next_seq = seq + 1;
	return true;
}

/* Give on the lines in the buffer; false where one was not taken. */
static bool take_lines(struct reader *reader, take_event *take)
{
	char *end;

	while ((end = end_of_line(reader))) {
		char *line = reader->buffer + reader->start;

		*end = '\0';
		if (!take_line(reader, line, (size_t)(end - line), take)) {
			*end = '\n';
			return false;
		}
		reader->start = (size_t)(end + 1 - reader->buffer);
	}
	memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
	reader->end -= reader->start;
	reader->start = 0;
	return true;
}

/*
 * Give on the events there are, as long as they are taken, and not for ever
 * where more keep coming. Returns false when the module is gone.
 */
bool reader_run(struct reader *reader, take_event *take)
{
	int rounds = MAX_ROUNDS;
	ssize_t got;

	while (take_lines(reader, take) && rounds--) {
		got = read(reader->fd, reader->buffer + reader->end, sizeof(reader->buffer) - reader->end);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (got <= 0)
			return false;
		reader->end += (size_t)got;
	}
	return true;
}

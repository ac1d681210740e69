/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of uid_memtop */
#ifndef UID_MEMTOP_H
#define UID_MEMTOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uid_mem_proc.h"

#define NAME	"uid_memtop"

/* uid_memtop_rows.c: users and what they use */

struct row {
	struct uid_stats stats;
	uint64_t high;		/* NO_LIMIT for none */
};

struct rows {
	struct row *row;
	size_t nr, size;
};

/* A key to sort by; the letter is the one to press. */
struct sort_key {
	const char *name;
	char letter;
	int (*compare)(const struct row *a, const struct row *b);	/* what comes first is smaller */
};

extern const struct sort_key sort_keys[];
extern const size_t nr_sort_keys;

int rows_read(struct rows *rows);
void rows_sort(struct rows *rows, const struct sort_key *key, bool reverse);
double row_percent(const struct row *row);	/* of the limit; negative where there is none */
void user_name(uint64_t uid, char *name, size_t size);

/* uid_memtop_events.c: the latest events */
#define NR_EVENTS	64

struct events {
	int fd;			/* -1: cannot be read; error says why */
	int error;
	unsigned int nr;	/* all up to now; the last NR_EVENTS are kept */
	size_t pending;		/* of a line that is not complete */
	char buffer[4096];
	char lines[NR_EVENTS][512];
};

void events_open(struct events *events);
void events_read(struct events *events);
const char *events_line(const struct events *events, unsigned int back);

/* uid_memtop_screen.c: the terminal */
struct view {
	const struct sort_key *key;
	bool reverse;
	bool with_events;
	size_t first;		/* row shown on top */
	int error;		/* why there are no rows, or 0 */
};

bool screen_open(void);
void screen_close(void);
void screen_draw(struct view *view, const struct rows *rows, const struct events *events);

#endif

/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files in /proc/uid_mem say. Lines are read where they lie in a
 * buffer: nothing is copied, and a line ends with a newline or a NUL.
 */
#ifndef UID_MEM_PROC_H
#define UID_MEM_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROC_DIR	"/proc/uid_mem"
#define EVENTS_FILE	PROC_DIR "/events"
#define FEATURES_FILE	PROC_DIR "/features"
#define LIMITS_FILE	PROC_DIR "/limits"
#define SCAN_FILE	PROC_DIR "/scan"
#define STATS_FILE	PROC_DIR "/stats"

/* "max" as a size: no limit. */
#define NO_LIMIT	UINT64_MAX

/* A file in memory; a NUL follows its length bytes. */
struct file_text {
	char *text;
	size_t length;
	size_t size;	/* of the mapping */
};

int read_file_text(const char *path, struct file_text *file);
void free_file_text(struct file_text *file);

/* One "key=value" of a line; quotes around the value do not belong to it. */
struct field {
	const char *key, *value;
	size_t key_length, value_length;
};

bool next_field(const char **at, struct field *field);
bool field_is(const struct field *field, const char *key);
bool value_is(const struct field *field, const char *text);
uint64_t field_number(const struct field *field);
bool find_field(const char *line, const char *key, struct field *field);
uint64_t find_number(const char *line, const char *key);
size_t line_length(const char *line);
const char *next_line(const char *line);

/* A line of stats. */
struct uid_stats {
	uint64_t uid, usage, peak, anon, file, shmem, swap, procs, max, kills, max_events, high_events, terms;
};

bool next_stats(const char **at, struct uid_stats *stats);

/* A line of limits, as far as user space asks for it. */
struct limit {
	uint32_t first, last;
	uint32_t charge_to;	/* 0: a budget of its own */
	uint64_t max, high;
	bool reclaims;		/* on_high=reclaim */
	bool counts_swap;	/* what is swapped out counts by its metric */
};

struct limit_table {
	struct limit *limits;	/* in the order of the kernel: by first UID */
	size_t nr;
	size_t size;		/* of the mapping */
};

bool parse_uids(const char *line, uint32_t *first, uint32_t *last);
int read_limit_table(struct limit_table *table);
void free_limit_table(struct limit_table *table);
bool limit_is_listed(const struct limit_table *table, uint32_t first, uint32_t last);
const struct limit *find_limit(const struct limit_table *table, uint32_t uid);

/* "1.5" as nanoseconds; false where it is not a decimal number of seconds from @least_ns on. */
bool parse_seconds(const char *text, uint64_t least_ns, uint64_t *ns);

#endif

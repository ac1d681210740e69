// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/* uid_memtop: what stats and limits say, in order, and the names of users */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "uid_memtop.h"

/* Android's users and apps: u0_a70 is 10070, u1_a70 is 110070. */
#define ANDROID_USER	100000u
#define ANDROID_APP	10000u
#define ANDROID_APPS	10000u

double row_percent(const struct row *row)
{
	if (row->stats.max == NO_LIMIT || !row->stats.max)
		return -1;
	return 100.0 * (double)row->stats.usage / (double)row->stats.max;
}

/* The larger comes first. */
static int compare_numbers(uint64_t a, uint64_t b)
{
	return a > b ? -1 : a < b;
}

static int compare_usage(const struct row *a, const struct row *b)
{
	return compare_numbers(a->stats.usage, b->stats.usage);
}

static int compare_percent(const struct row *a, const struct row *b)
{
	double of_a = row_percent(a), of_b = row_percent(b);

	return of_a > of_b ? -1 : of_a < of_b;
}

static int compare_kills(const struct row *a, const struct row *b)
{
	return compare_numbers(a->stats.kills, b->stats.kills);
}

static int compare_uid(const struct row *a, const struct row *b)
{
	return compare_numbers(b->stats.uid, a->stats.uid);
}

/* The first one is the default. */
const struct sort_key sort_keys[] = {
	{ "percent", 'p', compare_percent },
	{ "usage", 'u', compare_usage },
	{ "kills", 'k', compare_kills },
	{ "uid", 'i', compare_uid },
};

const size_t nr_sort_keys = sizeof(sort_keys) / sizeof(sort_keys[0]);

static const struct sort_key *order;
static bool order_is_reverse;

static int compare_rows(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;
	int result = order->compare(a, b);

	if (order_is_reverse)
		result = -result;
	return result ? result : compare_uid(a, b);
}

void rows_sort(struct rows *rows, const struct sort_key *key, bool reverse)
{
	order = key;
	order_is_reverse = reverse;
	if (rows->nr)
		qsort(rows->row, rows->nr, sizeof(*rows->row), compare_rows);
}

static int add_row(struct rows *rows, const struct uid_stats *stats, uint64_t high)
{
	if (rows->nr == rows->size) {
		size_t size = rows->size ? rows->size * 2 : 64;
		struct row *row = realloc(rows->row, size * sizeof(*row));

		if (!row)
			return -1;
		rows->row = row;
		rows->size = size;
	}
	rows->row[rows->nr++] = (struct row){ .stats = *stats, .high = high };
	return 0;
}

/* Read them anew. Returns 0, or -1 with errno, and then there are none. */
int rows_read(struct rows *rows)
{
	struct limit_table table;
	struct file_text file;
	struct uid_stats stats;
	const char *at;

	rows->nr = 0;
	if (read_file_text(STATS_FILE, &file))
		return -1;
	if (read_limit_table(&table))
		table = (struct limit_table){ 0 };
	for (at = file.text; next_stats(&at, &stats);) {
		const struct limit *limit = find_limit(&table, (uint32_t)stats.uid);

		if (add_row(rows, &stats, limit ? limit->high : NO_LIMIT))
			break;
	}
	free_limit_table(&table);
	free_file_text(&file);
	return 0;
}

/* Go to the @nr-th field of a line of passwd; NULL where there is none. */
static const char *passwd_field(const char *line, int nr)
{
	for (; nr > 0; nr--) {
		line += strcspn(line, ":\n");
		if (*line++ != ':')
			return NULL;
	}
	return line;
}

/* A static program reads /etc/passwd itself: name services need libraries. */
static bool find_in_passwd(uint64_t uid, char *name, size_t size)
{
	static struct file_text users;
	static bool is_read;

	if (!is_read)
		is_read = !read_file_text("/etc/passwd", &users) || errno == ENOENT;
	for (const char *line = users.text; line && *line; line = next_line(line)) {
		const char *number = passwd_field(line, 2);

		if (number && strtoull(number, NULL, 10) == uid && number[strspn(number, "0123456789")] == ':') {
			snprintf(name, size, "%.*s", (int)strcspn(line, ":\n"), line);
			return true;
		}
	}
	return false;
}

/* "-" for a user without a name. */
void user_name(uint64_t uid, char *name, size_t size)
{
	uint64_t app = uid % ANDROID_USER - ANDROID_APP;

	if (find_in_passwd(uid, name, size))
		return;
	if (app < ANDROID_APPS && !access("/system/bin", F_OK))
		snprintf(name, size, "u%u_a%u", (unsigned int)(uid / ANDROID_USER), (unsigned int)app);
	else
		snprintf(name, size, "-");
}

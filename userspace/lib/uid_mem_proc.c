// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/* Reading the files in /proc/uid_mem */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uid_mem_proc.h"

#define FIRST_SIZE	(16u << 10)
#define NS_PER_SECOND	1000000000u
/* Ten years; what comes of it still fits where it is counted. */
#define MOST_SECONDS	315360000u

/*
 * Mapped rather than allocated: what thousands of UIDs took goes back to the
 * system at once, whatever malloc() thinks of it.
 */
static void *map_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int grow(struct file_text *file)
{
	size_t size = file->size ? file->size * 2 : FIRST_SIZE;
	void *memory;

	if (!file->size)
		memory = map_memory(size);
	else
		memory = mremap(file->text, file->size, size, MREMAP_MAYMOVE);
	if (!memory || memory == MAP_FAILED)
		return -1;
	file->text = memory;
	file->size = size;
	return 0;
}

static int read_all(int fd, struct file_text *file)
{
	ssize_t got;

	do {
		/* Two bytes stay free: for a newline and the NUL. */
		if (file->size - file->length < 3 && grow(file))
			return -1;
		got = read(fd, file->text + file->length, file->size - file->length - 2);
		if (got > 0)
			file->length += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	return got < 0 ? -1 : 0;
}

/*
 * Read a whole file; its last line gets a newline where it has none. Returns 0,
 * or -1 with errno. Give it back with free_file_text() where it was read.
 */
int read_file_text(const char *path, struct file_text *file)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;

	*file = (struct file_text){ 0 };
	if (fd < 0)
		return -1;
	if (grow(file) || read_all(fd, file))
		error = errno;
	close(fd);
	if (error) {
		free_file_text(file);
		errno = error;
		return -1;
	}
	if (file->length && file->text[file->length - 1] != '\n')
		file->text[file->length++] = '\n';
	file->text[file->length] = '\0';
	return 0;
}

void free_file_text(struct file_text *file)
{
	if (file->size)
		munmap(file->text, file->size);
	*file = (struct file_text){ 0 };
}

size_t line_length(const char *line)
{
	return strcspn(line, "\n");
}

/* The line after this one; NULL when it was the last. */
const char *next_line(const char *line)
{
	line += line_length(line);
	return *line && line[1] ? line + 1 : NULL;
}

/*
 * The next word of a line, and go past it; false at the end of the line. A
 * quoted value may have blanks in it, and never a quote: the kernel escapes it.
 */
bool next_field(const char **at, struct field *field)
{
	const char *p = *at + strspn(*at, " ");
	char end = ' ';

	*at = p;
	if (!*p || *p == '\n')
		return false;
	field->key = p;
	field->key_length = strcspn(p, "= \n");
	p += field->key_length;
	if (*p == '=')
		p++;
	if (*p == '"') {
		end = '"';
		p++;
	}
	field->value = p;
	while (*p && *p != '\n' && *p != end)
		p++;
	field->value_length = (size_t)(p - field->value);
	*at = *p == '"' ? p + 1 : p;
	return true;
}

bool field_is(const struct field *field, const char *key)
{
	return field->key_length == strlen(key) && !memcmp(field->key, key, field->key_length);
}

bool value_is(const struct field *field, const char *text)
{
	return field->value_length == strlen(text) && !memcmp(field->value, text, field->value_length);
}

static bool add_digit(uint64_t *number, char digit)
{
	return !__builtin_mul_overflow(*number, 10u, number) &&
	       !__builtin_add_overflow(*number, (uint64_t)(digit - '0'), number);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The number at *at, and go past it; false where there is none that fits. */
static bool take_number(const char **at, uint64_t *number)
{
	*number = 0;
	if (!is_digit(**at))
		return false;
	for (; is_digit(**at); ++*at)
		if (!add_digit(number, **at))
			return false;
	return true;
}

/* 0 for what is not a number, NO_LIMIT for "max". */
uint64_t field_number(const struct field *field)
{
	const char *at = field->value;
	uint64_t number;

	if (field->value_length == 3 && !memcmp(at, "max", 3))
		return NO_LIMIT;
	return take_number(&at, &number) ? number : 0;
}

bool find_field(const char *line, const char *key, struct field *field)
{
	while (next_field(&line, field))
		if (field_is(field, key))
			return true;
	return false;
}

uint64_t find_number(const char *line, const char *key)
{
	struct field field;

	return find_field(line, key, &field) ? field_number(&field) : 0;
}

static const struct {
	const char *key;
	size_t offset;
} stats_keys[] = {
	{ "usage", offsetof(struct uid_stats, usage) },
	{ "peak", offsetof(struct uid_stats, peak) },
	{ "anon", offsetof(struct uid_stats, anon) },
	{ "file", offsetof(struct uid_stats, file) },
	{ "shmem", offsetof(struct uid_stats, shmem) },
	{ "swap", offsetof(struct uid_stats, swap) },
	{ "procs", offsetof(struct uid_stats, procs) },
	{ "max", offsetof(struct uid_stats, max) },
	{ "kills", offsetof(struct uid_stats, kills) },
	{ "max_events", offsetof(struct uid_stats, max_events) },
	{ "high_events", offsetof(struct uid_stats, high_events) },
	{ "terms", offsetof(struct uid_stats, terms) },
};

static void set_stat(struct uid_stats *stats, const struct field *field)
{
	for (size_t i = 0; i < sizeof(stats_keys) / sizeof(stats_keys[0]); i++)
		if (field_is(field, stats_keys[i].key))
			*(uint64_t *)((char *)stats + stats_keys[i].offset) = field_number(field);
}

/* The next line of stats, and go past it; false after the last one. */
bool next_stats(const char **at, struct uid_stats *stats)
{
	const char *line = *at;
	struct field field;

	*stats = (struct uid_stats){ 0 };
	if (!line || !take_number(&line, &stats->uid))
		return false;
	while (next_field(&line, &field))
		set_stat(stats, &field);
	*at = next_line(line);
	return true;
}

static bool take_uid(const char **at, uint32_t *uid)
{
	uint64_t number;

	if (!take_number(at, &number) || number > UINT32_MAX)
		return false;
	*uid = (uint32_t)number;
	return true;
}

/* "10070 ..." or "10000-19999 ..."; false for any other line. */
bool parse_uids(const char *line, uint32_t *first, uint32_t *last)
{
	line += strspn(line, " \t");
	if (!take_uid(&line, first))
		return false;
	*last = *first;
	if (*line == '-') {
		line++;
		if (!take_uid(&line, last))
			return false;
	}
	return strchr(" \t\n", *line) != NULL;	/* or the end */
}

static bool has_value(const char *line, const char *key, const char *text)
{
	struct field field;

	return find_field(line, key, &field) && value_is(&field, text);
}

static size_t count_lines(const struct file_text *file)
{
	size_t nr = 0;

	for (const char *p = file->text; *p; p++)
		nr += *p == '\n';
	return nr;
}

/* Returns 0, or -1 with errno. */
int read_limit_table(struct limit_table *table)
{
	struct file_text file;

	*table = (struct limit_table){ 0 };
	if (read_file_text(LIMITS_FILE, &file))
		return -1;
	table->size = (count_lines(&file) + 1) * sizeof(*table->limits);
	table->limits = map_memory(table->size);
	if (!table->limits) {
		free_file_text(&file);
		*table = (struct limit_table){ 0 };
		errno = ENOMEM;
		return -1;
	}
	for (const char *line = file.text; line && *line; line = next_line(line)) {
		struct limit *limit = &table->limits[table->nr];

		if (!parse_uids(line, &limit->first, &limit->last))
			continue;
		limit->max = find_number(line, "max");
		limit->high = find_number(line, "high");
		limit->charge_to = (uint32_t)find_number(line, "charge_to");
		limit->reclaims = has_value(line, "on_high", "reclaim");
		limit->counts_swap = !has_value(line, "metric", "rss");
		table->nr++;
	}
	free_file_text(&file);
	return 0;
}

void free_limit_table(struct limit_table *table)
{
	if (table->size)
		munmap(table->limits, table->size);
	*table = (struct limit_table){ 0 };
}

/* The place of the first entry that begins at @uid or above. */
static size_t search_first(const struct limit_table *table, uint32_t uid)
{
	size_t low = 0, high = table->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->limits[middle].first < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Is there an entry of exactly these UIDs? */
bool limit_is_listed(const struct limit_table *table, uint32_t first, uint32_t last)
{
	for (size_t i = search_first(table, first); i < table->nr && table->limits[i].first == first; i++)
		if (table->limits[i].last == last)
			return true;
	return false;
}

/*
 * The entry that counts for a UID: the narrowest one it is in; NULL for none.
 * Ranges nest or are apart: of those it is in, the narrowest begins last.
 */
const struct limit *find_limit(const struct limit_table *table, uint32_t uid)
{
	const struct limit *found = NULL;
	size_t end = uid == UINT32_MAX ? table->nr : search_first(table, uid + 1);

	for (size_t i = end; i-- > 0 && (!found || table->limits[i].first == found->first);) {
		const struct limit *limit = &table->limits[i];

		if (uid <= limit->last && (!found || limit->last < found->last))
			found = limit;
	}
	return found;
}

bool parse_seconds(const char *text, uint64_t least_ns, uint64_t *ns)
{
	uint64_t seconds = 0, fraction = 0, unit = NS_PER_SECOND;

	if (*text != '.' && !take_number(&text, &seconds))
		return false;
	if (*text == '.') {
		if (!is_digit(text[1]))
			return false;
		/* What is less than a nanosecond does not count. */
		for (text++; is_digit(*text); text++) {
			unit /= 10;
			fraction += (uint64_t)(*text - '0') * unit;
		}
	}
	if (*text || seconds > MOST_SECONDS)
		return false;
	*ns = seconds * NS_PER_SECOND + fraction;
	return *ns >= least_ns;
}

// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_memd: limits, from their file into the kernel
 *
 * The kernel takes a write as a whole or not at all. So everything is written
 * at once; what is refused is written in two halves, and so on, until the lines
 * to blame stand alone: these are named, and cost nobody else a limit.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "uid_mem_proc.h"
#include "uid_memd.h"

/* A piece of the file: whole lines. */
struct lines {
	const char *text;
	size_t length;
	unsigned int number;	/* of the first one */
};

struct restore {
	const char *path;
	int fd;
	int refused;
	bool failed;	/* no line is to blame */
};

/* Errors that a line is to blame for; for all others each line would get the same. */
static bool is_of_a_line(int error)
{
	return error == EINVAL || error == ERANGE || error == ENOENT || error == ENOSPC || error == E2BIG ||
	       error == EOPNOTSUPP;
}

static const char *meaning(int error)
{
	switch (error) {
	case EINVAL:
		return "malformed, an unknown or repeated key, high above max, a range that overlaps another, or "
		       "charge_to a UID that is charged to another itself";
	case ERANGE:
		return "UID 0, less than 1M, or a number that is too large";
	case ENOENT:
		return "removes a limit that is not there";
	case ENOSPC:
		return "no room: the module's parameter max_entries";
	case EOPNOTSUPP:
		return "this kernel cannot count metric=footprint, which needs kprobes";
	case EPERM:
		return "needs CAP_SYS_RESOURCE, as root has it";
	}
	return strerror(error);
}

/* The length of the first half, in whole lines; 0 where there is one line only. */
static size_t first_half(const struct lines *lines)
{
	const char *end = memchr(lines->text + lines->length / 2, '\n', lines->length - lines->length / 2);

	if (end + 1 < lines->text + lines->length)
		return (size_t)(end + 1 - lines->text);
	for (end--; end >= lines->text; end--)
		if (*end == '\n')
			return (size_t)(end + 1 - lines->text);
	return 0;
}

static void refuse_line(struct restore *restore, const struct lines *lines, int error)
{
	restore->refused++;
	say(PRIORITY_ERROR, "%s line %u is refused (%s): %.*s", restore->path, lines->number, meaning(error),
	    (int)lines->length - 1, lines->text);
}

static unsigned int count_lines(const char *text, size_t length)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < length; i++)
		nr += text[i] == '\n';
	return nr;
}

static void write_lines(struct restore *restore, struct lines lines)
{
	ssize_t written = write(restore->fd, lines.text, lines.length);
	struct lines half = lines;
	int error = errno;

	if (written == (ssize_t)lines.length || restore->failed)
		return;
	if (written >= 0 || !is_of_a_line(error)) {
		restore->failed = true;
		say(PRIORITY_ERROR, LIMITS_FILE ": %s", written < 0 ? meaning(error) : "a short write");
		return;
	}
	half.length = first_half(&lines);
	if (!half.length) {
		refuse_line(restore, &lines, error);
		return;
	}
	write_lines(restore, half);
	lines.text += half.length;
	lines.length -= half.length;
	lines.number += count_lines(half.text, half.length);
	write_lines(restore, lines);
}

/*
 * Make blanks of all lines but those that set a limit which the kernel does not
 * have: the numbers of the lines stay what they are. Returns how many stay.
 */
static unsigned int keep_missing(char *text, const struct limit_table *table)
{
	unsigned int kept = 0;
	uint32_t first, last;
	size_t length;

	for (; *text; text += length + 1) {
		length = line_length(text);
		if (parse_uids(text, &first, &last) && !limit_is_listed(table, first, last))
			kept++;
		else
			memset(text, ' ', length);
	}
	return kept;
}

/* Returns false where there is nothing to write. */
static bool choose_lines(struct file_text *file, enum restore_how how, const char *path)
{
	struct limit_table table;
	unsigned int kept;
	bool any = file->length > 0;

	if (how == RESTORE_ALL || read_limit_table(&table))
		return any;
	if (table.nr) {
		kept = keep_missing(file->text, &table);
		say(PRIORITY_INFO, "the kernel has limits already, which stay as they are; %s adds %u (SIGHUP restores all "
		    "of them)", path, kept);
		any = kept > 0;
	}
	free_limit_table(&table);
	return any;
}

static unsigned int count_limits(const char *text)
{
	unsigned int nr = 0;
	uint32_t first, last;

	for (const char *line = text; line && *line; line = next_line(line))
		nr += parse_uids(line, &first, &last);
	return nr;
}

static int write_file(struct restore *restore, const struct file_text *file)
{
	int limits = (int)count_limits(file->text);

	restore->fd = open(LIMITS_FILE, O_WRONLY | O_CLOEXEC);
	if (restore->fd < 0) {
		say(PRIORITY_ERROR, LIMITS_FILE ": %s", strerror(errno));
		return -1;
	}
	write_lines(restore, (struct lines){ file->text, file->length, 1 });
	close(restore->fd);
	if (restore->failed)
		return -1;
	if (restore->refused)
		say(PRIORITY_ERROR, "%s: refused lines: %d; all others are in force", restore->path,
		    restore->refused);
	else
		say(PRIORITY_INFO, "%s: %d limits are restored", restore->path, limits);
	return restore->refused;
}

static int restore_file(const char *path, enum restore_how how)
{
	struct restore restore = { .path = path };
	struct file_text file;
	int result = 0;

	if (read_file_text(path, &file)) {
		say(errno == ENOENT ? PRIORITY_INFO : PRIORITY_ERROR, "%s: %s; no limit is restored", path,
		    strerror(errno));
		return errno == ENOENT ? 0 : -1;
	}
	if (strlen(file.text) != file.length) {
		say(PRIORITY_ERROR, "%s: not a text file; no limit is restored", path);
		result = -1;
	} else if (choose_lines(&file, how, path)) {
		result = write_file(&restore, &file);
	}
	free_file_text(&file);
	return result;
}

/* Returns how many lines were refused; -1 where it could not be done at all. */
int restore_limits(const char *path, enum restore_how how)
{
	int refused = restore_file(path, how);

	state->restore_failed = refused < 0;
	state->restore_refused = refused > 0 ? (uint64_t)refused : 0;
	return refused;
}

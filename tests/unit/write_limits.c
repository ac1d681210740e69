// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * What the kernel makes of a write to /proc/uid_mem/limits, with the module's
 * own parser and table, for a device that is a directory:
 *
 *	write_limits LIMITS MAX_ENTRIES EVICT
 *
 * takes standard input as one write() to the table in the file LIMITS, and
 * leaves the table there, or says why not in the words of dd.
 */

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "../../kernel/uid_mem/table.h"
#include "../../kernel/uid_mem/writer.h"

static const struct uid_mem_table empty_table;
static const struct uid_mem_table *table = &empty_table;
static struct uid_mem_rules rules;

static int apply(const struct uid_mem_change *changes, unsigned int nr)
{
	static u64 seq;
	struct uid_mem_table *new, *evicted;
	int err;

	new = uid_mem_table_apply(table, changes, nr, seq, &rules, &evicted, &err);
	seq += nr;
	if (new)
		table = new;
	return err;
}

/* All there is to read, behind the room that a writer wants. */
static char *slurp(int fd, size_t *len)
{
	size_t room = 1 << 20;
	char *text = malloc(UID_MEM_MAX_LINE + room);
	ssize_t n;

	*len = 0;
	while ((n = read(fd, text + UID_MEM_MAX_LINE + *len, room - *len)) > 0) {
		*len += n;
		if (*len == room) {
			room *= 2;
			text = realloc(text, UID_MEM_MAX_LINE + room);
		}
	}
	return text;
}

static int write_text(int fd)
{
	struct uid_mem_writer writer = { .apply = apply };
	size_t len;
	char *text = slurp(fd, &len);

	/* Nothing is pending, so that the text begins where it was put. */
	memmove(text, text + UID_MEM_MAX_LINE, len);
	return len ? uid_mem_writer_write(&writer, text, len) : 0;
}

static void print_table(const char *path)
{
	char line[UID_MEM_MAX_LINE], new[4096];
	FILE *f;

	snprintf(new, sizeof(new), "%s.new", path);
	f = fopen(new, "w");
	for (unsigned int i = 0; i < table->nr; i++)
		fwrite(line, 1, uid_mem_print_limit(line, sizeof(line),
						    &table->entries[i].limit), f);
	fclose(f);
	rename(new, path);
}

int main(int argc, char **argv)
{
	char lock[4096];
	int err;

	if (argc != 4)
		return 2;
	snprintf(lock, sizeof(lock), "%s.lock", argv[1]);
	flock(open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600), LOCK_EX);
	err = write_text(open(argv[1], O_RDONLY));
	rules.max_entries = atoi(argv[2]);
	rules.evict = argv[3][0] != 'N';
	if (!err)
		err = write_text(STDIN_FILENO);
	if (err < 0) {
		fprintf(stderr, "dd: error writing '%s': %s\n", argv[1], strerror(-err));
		return 1;
	}
	print_table(argv[1]);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: 2026 The uid_mem authors
/*
 * Writing limits
 *
 * All the complete lines of one write are applied together, or none is.  The
 * rest is kept for the next write, or for the end of the file.
 */

#include "writer.h"

static unsigned int count_lines(const char *text, size_t len)
{
	unsigned int lines = 0;
	size_t i;

	for (i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

/* Apply text that consists of whole lines. */
static int apply_lines(struct uid_mem_writer *w, const char *text, size_t len)
{
	struct uid_mem_change *changes;
	unsigned int nr = 0;
	const char *eol;
	int ret = 0;

	changes = kvmalloc_array(count_lines(text, len), sizeof(*changes),
				 GFP_KERNEL);
	if (!changes)
		return -ENOMEM;
	for (; len && ret >= 0; len -= eol + 1 - text, text = eol + 1) {
		eol = memchr(text, '\n', len);
		ret = uid_mem_parse_line(text, eol - text, &changes[nr]);
		if (ret > 0)
			nr++;
		cond_resched();
	}
	if (ret >= 0)
		ret = w->apply(changes, nr);
	kvfree(changes);
	return ret < 0 ? ret : 0;
}

/**
 * uid_mem_writer_write - take what is written
 * @w: the writer
 * @text: &uid_mem_writer.pending_len bytes of room, then what is written
 * @len: length of what is written
 *
 * After an error nothing is kept: what was to be continued is refused with the
 * rest.
 *
 * Return: 0 or a negative error.
 */
int uid_mem_writer_write(struct uid_mem_writer *w, char *text, size_t len)
{
	size_t whole, rest;
	int err;

	memcpy(text, w->pending, w->pending_len);
	len += w->pending_len;
	w->pending_len = 0;

	whole = len;
	while (whole && text[whole - 1] != '\n')
		whole--;
	rest = len - whole;
	if (rest > UID_MEM_MAX_LINE)
		return -EINVAL;
	err = whole ? apply_lines(w, text, whole) : 0;
	if (err)
		return err;
	memcpy(w->pending, text + whole, rest);
	w->pending_len = rest;
	return 0;
}
EXPORT_SYMBOL_FOR_TEST(uid_mem_writer_write);

/**
 * uid_mem_writer_close - take a last line without a newline as complete
 * @w: the writer
 *
 * Return: 0 or a negative error.
 */
int uid_mem_writer_close(struct uid_mem_writer *w)
{
	char newline[UID_MEM_MAX_LINE + 1];

	if (!w->pending_len)
		return 0;
	newline[w->pending_len] = '\n';
	return uid_mem_writer_write(w, newline, 1);
}
EXPORT_SYMBOL_FOR_TEST(uid_mem_writer_close);

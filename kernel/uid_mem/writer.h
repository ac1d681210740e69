/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The uid_mem authors */
/* From what is written to a file to the changes it asks for.  Pure C. */
#ifndef UID_MEM_WRITER_H
#define UID_MEM_WRITER_H

#include "grammar.h"

/**
 * struct uid_mem_writer - a writer of limits
 * @apply: makes the changes of one write, all or none; negative is an error
 * @pending_len: length of @pending
 * @pending: the end of the last write, as far as its line is not complete
 */
struct uid_mem_writer {
	int (*apply)(const struct uid_mem_change *changes, unsigned int nr);
	size_t pending_len;
	char pending[UID_MEM_MAX_LINE];
};

int uid_mem_writer_write(struct uid_mem_writer *w, char *text, size_t len);
int uid_mem_writer_close(struct uid_mem_writer *w);

#endif

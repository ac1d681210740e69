// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * fuzz_limits - write lines to /proc/uid_mem/limits, most of them wrong
 *
 * Lines are put together from pieces of the grammar and then damaged. What the
 * kernel accepts must be in the table afterwards in a form that it accepts
 * again; what it refuses must be refused with one of the errors there are.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIMITS_FILE	"/proc/uid_mem/limits"

static uint64_t state;

/* A number below @n (xorshift64*). */
static unsigned int any(unsigned int n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned int)((state * 2685821657736338717ull) >> 33) % n;
}

#define PICK(list)	list[any(sizeof(list) / sizeof(list[0]))]

static const char *const uids[] = {
	"3001", "3002", "3003-3009", "3000-3999", "3004", "!3001", "!3000-3999", "0", "1", "4294967295",
	"4294967294", "4294967296", "-1", "3005-3004", "3007-", "!", "#", "",
};
static const char *const sizes[] = {
	"1M", "2M", "max", "1048576", "1048575", "64M", "3G", "17T", "16777216T", "18446744073709551614",
	"18446744073709551615", "99999999999999999999", "1.5M", "1k", "0", "", "M", "-1", "0x100000",
};
static const char *const keys[] = {
	"max=", "max=", "max=", "high=", "policy=", "metric=", "grace_ms=", "mode=", "charge_to=", "colour=", "=",
	"max",
};
static const char *const words[] = {
	"default", "highest_rss", "longest_run_time", "worst", "rss", "anon", "footprint", "enforce", "audit", "0",
	"1", "3600000", "3600001", "3001", "2999", "nonsense",
};
static const char *const blanks[] = { " ", " ", " ", " ", "\t", "  ", "", "\n", ", " };

static size_t append(char *to, size_t at, size_t size, const char *piece)
{
	size_t n = strlen(piece);

	if (at + n > size)
		return at;
	memcpy(to + at, piece, n);
	return at + n;
}

static size_t make_line(char *line, size_t at, size_t size)
{
	unsigned int nr_keys = any(4);

	at = append(line, at, size, PICK(uids));
	if (!any(4)) {
		at = append(line, at, size, " charge_to=");
		at = append(line, at, size, PICK(words));
	} else {
		at = append(line, at, size, " max=");
		at = append(line, at, size, PICK(sizes));
	}
	while (nr_keys--) {
		at = append(line, at, size, PICK(blanks));
		at = append(line, at, size, PICK(keys));
		at = append(line, at, size, any(2) ? PICK(sizes) : PICK(words));
	}
	return append(line, at, size, any(20) ? "\n" : "");
}

/* Turn, repeat or cut some bytes. */
static size_t damage(char *text, size_t length, size_t size)
{
	size_t at;

	for (unsigned int times = any(4); times && length; times--) {
		at = any((unsigned int)length);
		switch (any(4)) {
		case 0:
			text[at] = (char)any(256);
			break;
		case 1:
			text[at] ^= (char)(1u << any(8));
			break;
		case 2:
			length = at;
			break;
		default:
			if (2 * length - at > size)
				break;
			memcpy(text + length, text + at, length - at);
			length += length - at;
		}
	}
	return length;
}

static bool is_known(int error)
{
	switch (error) {
	case EINVAL:
	case ERANGE:
	case ENOENT:
	case ENOSPC:
	case ENOMEM:
	case E2BIG:
	case EOPNOTSUPP:	/* metric=footprint on a kernel without kprobes */
	case EIO:	/* the module is being unloaded, and the file with it */
		return true;
	}
	return false;
}

/* What can be read must be accepted as it is, or somebody else changed it. */
static bool table_is_sane(void)
{
	static char table[1 << 20];
	int fd = open(LIMITS_FILE, O_RDWR | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return errno == ENOENT;	/* the module is being reloaded */
	length = read(fd, table, sizeof(table));
	if (length < 0 && errno == EIO)
		length = 0;
	for (ssize_t i = 0; i < length; i++)
		if (table[i] != '\n' && (table[i] < ' ' || table[i] > '~'))
			return false;
	close(fd);
	return length >= 0 && (length == 0 || table[length - 1] == '\n');
}

int main(int argc, char **argv)
{
	unsigned long accepted = 0, refused = 0;
	time_t end;
	char text[4096];

	if (argc != 3 || argv[1][0] == '-') {
		fprintf(argc == 2 ? stdout : stderr,
			"usage: fuzz_limits SECONDS SEED\n\n"
			"Writes right and wrong lines for UIDs 3000 to 3999 to " LIMITS_FILE " for so\n"
			"long, and prints how many were accepted and refused. Exit status: 0, 1 for an\n"
			"error or a table that cannot be, 2 wrong arguments.\n");
		return argc == 2 && strstr(argv[1], "-h") ? 0 : 2;
	}
	end = time(NULL) + atoi(argv[1]);
	state = strtoull(argv[2], NULL, 10) | 1;
	while (time(NULL) < end) {
		size_t length = 0;
		ssize_t written;
		int fd;

		for (unsigned int lines = 1 + any(5); lines; lines--)
			length = make_line(text, length, sizeof(text) / 2);
		if (any(3))
			length = damage(text, length, sizeof(text));
		fd = open(LIMITS_FILE, O_WRONLY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT) {
			usleep(1000);
			continue;
		}
		written = write(fd, text, length);
		if (written < 0 && !is_known(errno)) {
			printf("an unknown error: %s\n", strerrorname_np(errno));
			return 1;
		}
		if (written < 0)
			refused++;
		else
			accepted++;
		close(fd);
		if (!any(16) && !table_is_sane()) {
			printf("the table is not one\n");
			return 1;
		}
	}
	printf("%lu accepted, %lu refused\n", accepted, refused);
	return 0;
}

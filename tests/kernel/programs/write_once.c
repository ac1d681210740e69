// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * write_once - write its input to a file with one write(), and name the error
 *
 * A shell neither says how many calls it makes nor which errno it got.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_INPUT	(8 << 20)

enum {
	EXIT_WRITTEN = 0,
	EXIT_REFUSED = 1,
	EXIT_MISUSE = 2,
};

static void print_help(FILE *to)
{
	fprintf(to, "usage: write_once [--split BYTES] FILE <TEXT\n"
		"\n"
		"Writes what it reads to FILE with one write(), or with two, the first of them\n"
		"BYTES long, and closes it. Prints the name of the error that the kernel gives\n"
		"back: EINVAL, ENOSPC... Exit status: 0 written, 1 refused, 2 wrong arguments.\n");
}

static int refused(void)
{
	printf("%s\n", strerrorname_np(errno));
	return EXIT_REFUSED;
}

static bool write_whole(int fd, const char *text, size_t length)
{
	ssize_t written = write(fd, text, length);

	if (written >= 0 && (size_t)written != length)
		errno = EIO;
	return written == (ssize_t)length;
}

int main(int argc, char **argv)
{
	char *text = malloc(MAX_INPUT);
	size_t split = 0, length;
	int fd;

	if (argc == 4 && !strcmp(argv[1], "--split")) {
		split = strtoul(argv[2], NULL, 10);
		argc -= 2;
		argv += 2;
	}
	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_help(stdout);
		return EXIT_WRITTEN;
	}
	if (argc != 2 || argv[1][0] == '-' || !text) {
		print_help(stderr);
		return EXIT_MISUSE;
	}
	length = fread(text, 1, MAX_INPUT, stdin);
	if (split > length) {
		fprintf(stderr, "write_once: the input is shorter than %zu bytes\n", split);
		return EXIT_MISUSE;
	}
	fd = open(argv[1], O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return refused();
	if (split && !write_whole(fd, text, split))
		return refused();
	if (!write_whole(fd, text + split, length - split))
		return refused();
	return EXIT_WRITTEN;
}

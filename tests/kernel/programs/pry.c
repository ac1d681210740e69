// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * pry - root reads and writes the memory of a limited process, as a debugger does
 *
 * By /proc/PID/mem, in pages that the process has not touched itself, so that the
 * fault is root's and the memory the process's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KIB		((size_t)1 << 10)
#define PAGE		4096
#define REGION_KIB	(256 * KIB)

__attribute__((noreturn))
static void fail(const char *what)
{
	fprintf(stderr, "pry: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Uses so much of a region, says where that is, and waits. */
static int be_pried(uid_t uid, size_t kib)
{
	volatile char *start = mmap(NULL, REGION_KIB * KIB, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		fail("mmap");
	madvise((void *)start, REGION_KIB * KIB, MADV_NOHUGEPAGE);
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		fail("setresuid");
	for (size_t at = 0; at < kib * KIB; at += PAGE)
		start[at] = 'u';
	printf("%lu\n", (unsigned long)start);
	fflush(stdout);
	for (;;)
		pause();
}

static int pry(const char *pid, const char *verb, off_t at, size_t kib)
{
	static char block[PAGE];
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail(path);
	memset(block, 'r', sizeof(block));
	for (size_t done = 0; done < kib * KIB; done += PAGE) {
		ssize_t n = verb[0] == 'r' ? pread(fd, block, PAGE, at + (off_t)done) :
					     pwrite(fd, block, PAGE, at + (off_t)done);

		if (n != PAGE) {
			printf("%zu %s\n", done / KIB, n < 0 ? strerror(errno) : "no more");
			return 1;
		}
	}
	printf("%zu %c\n", kib, block[0] ? block[0] : '0');
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "start"))
		return be_pried((uid_t)strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	if (argc == 5 && (!strcmp(argv[1], "read") || !strcmp(argv[1], "write")))
		return pry(argv[2], argv[1], (off_t)strtoull(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
	fprintf(argc == 2 ? stdout : stderr,
		"usage: pry start UID KIB             use so much as UID, and wait; prints the address\n"
		"       pry read|write PID ADDRESS KIB   prints how much it could, and the last byte or why\n"
		"                                     no more. Exit status: 0 all, 1 not all\n");
	return argc == 2 ? 0 : 2;
}

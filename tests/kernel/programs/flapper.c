// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/* flapper - use more and less memory, over and over, until it is killed */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t bytes;
	int fd;

	if (argc != 2 || argv[1][0] == '-') {
		fprintf(argc == 2 ? stdout : stderr,
			"usage: flapper MIB\n\n"
			"Maps and unmaps so much shared memory, over and over.\n");
		return argc == 2 ? 0 : 2;
	}
	bytes = strtoul(argv[1], NULL, 10) << 20;
	fd = memfd_create("flapper", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)bytes)) {
		perror("flapper");
		return 1;
	}
	for (;;) {
		void *start = mmap(NULL, bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);

		if (start == MAP_FAILED) {
			perror("flapper: mmap");
			return 1;
		}
		usleep(1000);
		munmap(start, bytes);
		usleep(1000);
	}
}

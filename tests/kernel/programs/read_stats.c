// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/* read_stats - read /proc/uid_mem/stats over and over, and say what that costs */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define STATS_FILE	"/proc/uid_mem/stats"

int main(int argc, char **argv)
{
	static char text[65536];
	struct timespec used;
	long times;

	if (argc != 2 || argv[1][0] == '-') {
		fprintf(argc == 2 ? stdout : stderr,
			"usage: read_stats TIMES\n\n"
			"Opens, reads and closes the file so many times. Prints the CPU time used, in\n"
			"microseconds.\n");
		return argc == 2 ? 0 : 2;
	}
	for (times = atol(argv[1]); times > 0; times--) {
		int fd = open(STATS_FILE, O_RDONLY | O_CLOEXEC);

		if (fd < 0) {
			perror(STATS_FILE);
			return 1;
		}
		while (read(fd, text, sizeof(text)) > 0)
			;
		close(fd);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	printf("%ld\n", used.tv_sec * 1000000 + used.tv_nsec / 1000);
	return 0;
}

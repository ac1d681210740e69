// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/* watch_usage - how much a UID uses, and how long it uses more than so much */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STATS_FILE	"/proc/uid_mem/stats"

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static unsigned long long read_usage(unsigned long uid)
{
	char text[65536] = "\n", start[32], *line;
	int fd = open(STATS_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text + 1, sizeof(text) - 2);

	close(fd);
	if (length < 0) {
		perror(STATS_FILE);
		exit(1);
	}
	text[1 + length] = '\0';
	/* With the end of the line before it, so that it is not found inside a line. */
	snprintf(start, sizeof(start), "\n%lu usage=", uid);
	line = strstr(text, start);
	return line ? strtoull(line + strlen(start), NULL, 10) : 0;
}

int main(int argc, char **argv)
{
	unsigned long long bytes, usage, peak = 0;
	long since = 0, longest = 0;
	struct pollfd ended = { .events = POLLIN };
	unsigned long uid;
	pid_t pid;

	if (argc != 4) {
		fprintf(argc == 2 ? stdout : stderr,
			"usage: watch_usage UID BYTES PID\n\n"
			"Reads the usage of UID over and over until the process PID is gone. Prints the\n"
			"most it used, in bytes, and for how many milliseconds at a stretch it used more\n"
			"than BYTES.\n");
		return argc == 2 ? 0 : 2;
	}
	uid = strtoul(argv[1], NULL, 10);
	bytes = strtoull(argv[2], NULL, 10);
	pid = (pid_t)strtol(argv[3], NULL, 10);
	ended.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	while (ended.fd >= 0 && poll(&ended, 1, 5) == 0) {
		usage = read_usage(uid);
		if (usage > peak)
			peak = usage;
		if (usage <= bytes)
			since = 0;
		else if (!since)
			since = now_ms();
		if (since && now_ms() - since > longest)
			longest = now_ms() - since;
	}
	printf("%llu %ld\n", peak, longest);
	return 0;
}

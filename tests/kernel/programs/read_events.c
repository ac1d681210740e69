// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/* read_events - read /proc/uid_mem/events in each of the ways there are */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_FILE	"/proc/uid_mem/events"

enum {
	EXIT_READ = 0,
	EXIT_FAILED = 1,
	EXIT_MISUSE = 2,
	EXIT_NOTHING = 3,	/* nothing to read in the time given */
};

static void print_help(FILE *to)
{
	fprintf(to, "usage: read_events all           print the events kept, oldest first\n"
		"       read_events poll MS       skip them, wait until there is another, print it\n"
		"       read_events block         skip them, block until there is another, print it\n"
		"       read_events lag           read a byte, wait for the end of the input, print the rest\n"
		"       read_events bytes N       print the events kept, N bytes a read()\n"
		"       read_events epoll         wait by epoll, close the file at the end of the input\n"
		"\n"
		"poll, block, lag and epoll print \"ready\" on stderr when they begin to wait.\n"
		"Exit status: 0 done, 1 an error, named; 2 wrong arguments; 3 none came in time.\n");
}

static void fail(const char *what)
{
	printf("%s: %s\n", what, strerrorname_np(errno));
	exit(EXIT_FAILED);
}

/* Print what there is; with no @output only take it. Leaves at EAGAIN. */
static void drain(int fd, size_t chunk, FILE *output)
{
	static char text[65536];
	ssize_t length;

	while ((length = read(fd, text, chunk)) > 0)
		if (output)
			fwrite(text, 1, (size_t)length, output);
	if (length < 0 && errno != EAGAIN)
		fail("read");
}

static int wait_for_event(int fd, int timeout_ms)
{
	struct pollfd waiting = { .fd = fd, .events = POLLIN };

	fprintf(stderr, "ready\n");
	if (poll(&waiting, 1, timeout_ms) < 0)
		fail("poll");
	if (!waiting.revents)
		return EXIT_NOTHING;
	if (waiting.revents & POLLHUP) {
		printf("hangup\n");
		return EXIT_READ;
	}
	drain(fd, 65536, stdout);
	return EXIT_READ;
}

static int block_for_event(int fd)
{
	static char text[4096];
	ssize_t length;

	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK))
		fail("fcntl");
	fprintf(stderr, "ready\n");
	length = read(fd, text, sizeof(text));
	if (length < 0)
		fail("read");
	if (length == 0)
		printf("end\n");
	fwrite(text, 1, (size_t)length, stdout);
	return EXIT_READ;
}

static int lag(int fd)
{
	char byte, input;

	if (read(fd, &byte, 1) != 1)
		fail("read");
	putchar(byte);
	fprintf(stderr, "ready\n");
	while (read(STDIN_FILENO, &input, 1) > 0)
		;
	drain(fd, 65536, stdout);
	return EXIT_READ;
}

/* The entry of epoll is there until the file is closed. */
static int epoll(int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int queue = epoll_create1(EPOLL_CLOEXEC);
	char input;

	if (queue < 0 || epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event))
		fail("epoll");
	drain(fd, 65536, NULL);
	fprintf(stderr, "ready\n");
	while (read(STDIN_FILENO, &input, 1) > 0)
		;
	if (epoll_wait(queue, &event, 1, 0) < 0)
		fail("epoll_wait");
	close(fd);
	close(queue);
	printf("closed\n");
	return EXIT_READ;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	const int number = argc == 3 ? atoi(argv[2]) : -1;
	int fd;

	if (!strcmp(how, "--help") || !strcmp(how, "-h")) {
		print_help(stdout);
		return EXIT_READ;
	}
	fd = open(EVENTS_FILE, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fail("open");
	if (!strcmp(how, "all")) {
		drain(fd, 65536, stdout);
		return EXIT_READ;
	}
	if (!strcmp(how, "bytes") && number > 0 && number <= 65536) {
		drain(fd, (size_t)number, stdout);
		return EXIT_READ;
	}
	if (!strcmp(how, "lag"))
		return lag(fd);
	if (!strcmp(how, "poll") && number >= 0) {
		drain(fd, 65536, NULL);
		return wait_for_event(fd, number);
	}
	if (!strcmp(how, "block")) {
		drain(fd, 65536, NULL);
		return block_for_event(fd);
	}
	if (!strcmp(how, "epoll"))
		return epoll(fd);
	print_help(stderr);
	return EXIT_MISUSE;
}

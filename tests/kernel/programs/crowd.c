// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/* crowd - many processes of one UID, killed at once, and how long that takes */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMITS_FILE	"/proc/uid_mem/limits"
#define SHARED_SIZE	(6 << 20)
/* After that the processes are not going to be killed. */
#define PATIENCE_S	250

static void print_help(FILE *to)
{
	fprintf(to, "usage: crowd limit|signal|keep UID N\n"
		"\n"
		"keep: starts N processes of UID, prints \"ready\", and kills them at the end of the\n"
		"input. Otherwise has them killed: by a limit of 1 MiB, or by SIGKILL to all of them\n"
		"followed by that limit. Prints the milliseconds until all\n"
		"were gone, and the longest that a process of root took to fork and wait for a\n"
		"child meanwhile.\n"
		"Exit status: 0 done, 1 an error, named; 2 wrong arguments.\n");
}

__attribute__((noreturn))
static void fail(const char *what)
{
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
	kill(0, SIGKILL);
	exit(1);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Memory that counts for each process that maps it, and takes RAM only once. As
 * much as kernels before 6.2 cannot keep to themselves.
 */
static int make_shared(void)
{
	int fd = memfd_create("crowd", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, SHARED_SIZE))
		fail("memfd");
	return fd;
}

static void map_shared(int fd)
{
	if (mmap(NULL, SHARED_SIZE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0) == MAP_FAILED)
		_exit(1);
}

/* @fd: what each of them maps, or -1 */
static void start_processes(uid_t uid, int count, pid_t *pids, int fd)
{
	const struct rlimit processes = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_NPROC, &processes);
	for (int i = 0; i < count; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			fail("fork");
		if (pids[i] > 0)
			continue;
		if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
			_exit(1);
		if (fd >= 0)
			map_shared(fd);
		for (;;)
			pause();
	}
}

static void write_limit(uid_t uid)
{
	char line[64];
	int fd = open(LIMITS_FILE, O_WRONLY | O_CLOEXEC);
	const int length = snprintf(line, sizeof(line), "%u max=1M\n", uid);

	if (fd < 0 || write(fd, line, (size_t)length) != length)
		fail(LIMITS_FILE);
	close(fd);
}

/* Forks over and over, until the pipe is closed; exits with the longest time. */
static pid_t start_bystander(int *stop)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends))
		fail("pipe");
	*stop = ends[1];
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid > 0) {
		close(ends[0]);
		return pid;
	}
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	for (long longest = 0;;) {
		const long began = now_ms();
		const pid_t child = fork();
		char byte;

		if (child == 0)
			_exit(0);
		if (child < 0 || waitpid(child, NULL, 0) != child)
			_exit(1);
		if (now_ms() - began > longest)
			longest = now_ms() - began;
		if (read(ends[0], &byte, 1) == 0) {
			printf("%ld\n", longest);
			fflush(stdout);
			_exit(0);
		}
		usleep(1000);
	}
}

static int keep(int count, const pid_t *pids)
{
	char input;

	printf("ready\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &input, 1) > 0)
		;
	for (int i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	bool by_signal;
	int count, stop, left;
	pid_t *pids, bystander;
	long began;
	uid_t uid;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_help(stdout);
		return 0;
	}
	if (argc != 4 || (strcmp(argv[1], "limit") && strcmp(argv[1], "signal") && strcmp(argv[1], "keep"))) {
		print_help(stderr);
		return 2;
	}
	by_signal = !strcmp(argv[1], "signal");
	uid = (uid_t)strtoul(argv[2], NULL, 10);
	count = atoi(argv[3]);
	pids = calloc((size_t)count, sizeof(*pids));
	setpgid(0, 0);
	if (!strcmp(argv[1], "keep")) {
		start_processes(uid, count, pids, -1);
		return keep(count, pids);
	}
	start_processes(uid, count, pids, make_shared());
	bystander = start_bystander(&stop);

	began = now_ms();
	for (int i = 0; by_signal && i < count; i++)
		kill(pids[i], SIGKILL);
	write_limit(uid);
	alarm(PATIENCE_S);
	for (left = count; left > 0; left--)
		if (wait(NULL) < 0)
			fail("wait");
	printf("%ld ", now_ms() - began);
	fflush(stdout);
	close(stop);
	waitpid(bystander, NULL, 0);
	return 0;
}

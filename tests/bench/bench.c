// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * bench - what uid_mem costs, measured inside the guest
 *
 * tests/bench/run boots the guest so that one instruction takes one nanosecond
 * of its clock: times read here are numbers of instructions. Each measurement
 * prints one line "result NAME MIN MEDIAN".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMITS_FILE	"/proc/uid_mem/limits"

/* The limits that are written: one for each UID from here on, none of them in use. */
#define FIRST_LIMITED	100000u

#define FORKS_PER_ROUND	20
#define MAX_ROUNDS	1000

/*
 * How many pages are written near the limit, and what is left before that: some
 * kernels count 64 page faults at once.
 */
#define NEAR_PAGES	64u
#define NEAR_LEFT	96u

static void print_help(void)
{
	printf("usage: bench COMMAND ARGUMENTS...\n"
	       "\n"
	       "  fault NAME UID PAGES ROUNDS   as UID, write into PAGES fresh pages: per page\n"
	       "  near NAME UID ROUNDS          as UID, which has a limit, use it up but for a few\n"
	       "                                pages, and write into these: per page\n"
	       "  fork NAME UID ROUNDS          as UID, fork, exit and wait: per child\n"
	       "  parallel NAME UID N ROUNDS    the same by N processes at once: per child\n"
	       "  sleepers UID N                start N processes of UID that sleep; returns when\n"
	       "                                all are there\n"
	       "  write NAME N ROUNDS           write N limits in one write(), and remove them\n"
	       "  read NAME ROUNDS              read all limits\n"
	       "  limits N                      write N limits, without measuring\n"
	       "\n"
	       "A measurement prints \"result NAME MIN MEDIAN\", in nanoseconds.\n");
}

__attribute__((format(printf, 1, 2), noreturn))
static void quit(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "bench: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void report(const char *name, double *rounds, int nr)
{
	qsort(rounds, (size_t)nr, sizeof(*rounds), compare);
	printf("result %s %.2f %.2f\n", name, rounds[0], rounds[nr / 2]);
	fflush(stdout);
}

static long number(const char *text, long least, long most)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (!*text || *end || value < least || value > most) {
		fprintf(stderr, "bench: '%s' is not a number from %ld to %ld\n", text, least, most);
		exit(2);
	}
	return value;
}

static void become(uid_t uid)
{
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		quit("cannot become UID %u: %s", uid, strerror(errno));
}

/* Huge pages are only used where asked for, so these are small ones. */
static double fault_round(size_t pages, size_t size)
{
	volatile char *memory = mmap(NULL, pages * size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	double begin, end;

	if (memory == MAP_FAILED)
		quit("no memory: %s", strerror(errno));
	begin = now();
	for (size_t i = 0; i < pages; i++)
		memory[i * size] = 1;
	end = now();
	munmap((void *)memory, pages * size);
	return (end - begin) / (double)pages;
}

static void measure_fault(const char *name, uid_t uid, long pages, int nr)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	double rounds[MAX_ROUNDS];

	become(uid);
	fault_round((size_t)pages, size);	/* the first takes pages from further away */
	for (int i = 0; i < nr; i++)
		rounds[i] = fault_round((size_t)pages, size);
	report(name, rounds, nr);
}

/* What the UID may use yet, in pages. */
static size_t pages_left(uid_t uid, size_t size)
{
	unsigned long long usage = 0, max = 0;
	char line[1024], *at;
	FILE *stats = fopen("/proc/uid_mem/stats", "r");

	while (stats && fgets(line, sizeof(line), stats)) {
		if (strtoul(line, NULL, 10) != uid)
			continue;
		at = strstr(line, " usage=");
		if (at)
			usage = strtoull(at + 7, NULL, 10);
		at = strstr(line, " max=");
		if (at)
			max = strtoull(at + 5, NULL, 10);
	}
	if (!max)
		quit("UID %u has no limit", uid);
	fclose(stats);
	return max > usage ? (size_t)(max - usage) / size : 0;
}

static void measure_near(const char *name, uid_t uid, int nr)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE), fill;
	double rounds[MAX_ROUNDS];
	volatile char *memory;

	become(uid);
	fault_round(NEAR_PAGES, size);
	fill = pages_left(uid, size);
	if (fill < NEAR_LEFT)
		quit("UID %u is at its limit", uid);
	fill -= NEAR_LEFT;
	memory = mmap(NULL, fill * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		quit("no memory: %s", strerror(errno));
	for (size_t i = 0; i < fill; i++)
		memory[i * size] = 1;
	for (int i = 0; i < nr; i++)
		rounds[i] = fault_round(NEAR_PAGES, size);
	report(name, rounds, nr);
}

static void fork_exit_wait(int nr)
{
	for (int i = 0; i < nr; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			quit("fork: %s", strerror(errno));
	}
}

static double fork_round(void)
{
	double begin = now();

	fork_exit_wait(FORKS_PER_ROUND);
	return (now() - begin) / FORKS_PER_ROUND;
}

static void measure_fork(const char *name, uid_t uid, int nr)
{
	double rounds[MAX_ROUNDS];

	become(uid);
	fork_round();
	for (int i = 0; i < nr; i++)
		rounds[i] = fork_round();
	report(name, rounds, nr);
}

/* All begin when the other end of the pipe is closed. */
static double parallel_round(int nr)
{
	double begin;
	int go[2];
	char c;

	if (pipe(go))
		quit("pipe: %s", strerror(errno));
	for (int i = 0; i < nr; i++) {
		pid_t pid = fork();

		if (pid < 0)
			quit("fork: %s", strerror(errno));
		if (pid > 0)
			continue;
		close(go[1]);
		if (read(go[0], &c, 1) != 0)
			_exit(1);
		fork_exit_wait(FORKS_PER_ROUND);
		_exit(0);
	}
	close(go[0]);
	begin = now();
	close(go[1]);
	for (int i = 0, status; i < nr; i++)
		if (wait(&status) < 0 || status)
			quit("a process that forks has failed");
	return (now() - begin) / (nr * FORKS_PER_ROUND);
}

static void measure_parallel(const char *name, uid_t uid, int processes, int nr)
{
	double rounds[MAX_ROUNDS];

	become(uid);
	parallel_round(processes);
	for (int i = 0; i < nr; i++)
		rounds[i] = parallel_round(processes);
	report(name, rounds, nr);
}

/* They are children of one that sleeps as well, so that it is not waited for. */
static void start_sleepers(uid_t uid, int nr)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready))
		quit("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		quit("fork: %s", strerror(errno));
	if (pid == 0) {
		become(uid);
		close(ready[0]);
		while (nr-- > 1 && (pid = fork()) > 0)
			;
		if (pid >= 0 && write(ready[1], "r", 1) != 1)
			_exit(1);
		/* The others have it open until each has said that it is there. */
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	for (int i = 0; i < nr; i++)
		if (read(ready[0], &c, 1) != 1)
			quit("only %d processes could be started", i);
}

/* @nr lines, each with @format and the UID. */
static char *make_lines(const char *mark, const char *entry, long nr, size_t *length)
{
	size_t room = (size_t)nr * 48 + 1;
	char *text = malloc(room);

	*length = 0;
	for (long i = 0; text && i < nr; i++)
		*length += (size_t)snprintf(text + *length, room - *length, "%s%u%s\n", mark,
					    FIRST_LIMITED + (unsigned int)i, entry);
	if (!text)
		quit("no memory for the lines");
	return text;
}

/* Returns how long the write took. */
static double write_limits(const char *text, size_t length)
{
	int fd = open(LIMITS_FILE, O_WRONLY);
	double begin = now();
	ssize_t done = write(fd, text, length);
	double end = now();

	if (fd < 0 || done != (ssize_t)length)
		quit(LIMITS_FILE ": %s", strerror(errno));
	close(fd);
	return end - begin;
}

static void measure_write(const char *name, long limits, int nr)
{
	size_t set_length, remove_length;
	char *set = make_lines("", " max=64M", limits, &set_length);
	char *removal = make_lines("!", "", limits, &remove_length);
	double rounds[MAX_ROUNDS];

	for (int i = 0; i < nr; i++) {
		rounds[i] = write_limits(set, set_length);
		write_limits(removal, remove_length);
	}
	report(name, rounds, nr);
}

static void measure_read(const char *name, int nr)
{
	static char text[65536];
	double rounds[MAX_ROUNDS];

	for (int i = 0; i < nr; i++) {
		double begin = now();
		int fd = open(LIMITS_FILE, O_RDONLY);
		ssize_t got;

		while ((got = read(fd, text, sizeof(text))) > 0)
			;
		if (fd < 0 || got < 0)
			quit(LIMITS_FILE ": %s", strerror(errno));
		close(fd);
		rounds[i] = now() - begin;
	}
	report(name, rounds, nr);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	size_t length;
	char *text;

	if (!strcmp(command, "--help") || !strcmp(command, "-h")) {
		print_help();
	} else if (!strcmp(command, "fault") && argc == 6) {
		measure_fault(argv[2], (uid_t)number(argv[3], 0, 1 << 30), number(argv[4], 1, 1 << 20),
			      (int)number(argv[5], 1, MAX_ROUNDS));
	} else if (!strcmp(command, "near") && argc == 5) {
		measure_near(argv[2], (uid_t)number(argv[3], 0, 1 << 30), (int)number(argv[4], 1, MAX_ROUNDS));
	} else if (!strcmp(command, "fork") && argc == 5) {
		measure_fork(argv[2], (uid_t)number(argv[3], 0, 1 << 30), (int)number(argv[4], 1, MAX_ROUNDS));
	} else if (!strcmp(command, "parallel") && argc == 6) {
		measure_parallel(argv[2], (uid_t)number(argv[3], 0, 1 << 30), (int)number(argv[4], 1, 1000),
				 (int)number(argv[5], 1, MAX_ROUNDS));
	} else if (!strcmp(command, "sleepers") && argc == 4) {
		start_sleepers((uid_t)number(argv[2], 0, 1 << 30), (int)number(argv[3], 1, 100000));
	} else if (!strcmp(command, "write") && argc == 5) {
		measure_write(argv[2], number(argv[3], 1, 1000000), (int)number(argv[4], 1, MAX_ROUNDS));
	} else if (!strcmp(command, "read") && argc == 4) {
		measure_read(argv[2], (int)number(argv[3], 1, MAX_ROUNDS));
	} else if (!strcmp(command, "limits") && argc == 3) {
		text = make_lines("", " max=64M", number(argv[2], 1, 1000000), &length);
		write_limits(text, length);
	} else {
		fprintf(stderr, "bench: wrong arguments\nTry 'bench --help'.\n");
		return 2;
	}
	return 0;
}

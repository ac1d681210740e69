// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * herd - many tasks that want a UID looked at while another task, which does so, gets no CPU
 *
 * The task that lowers the limit of UID runs on CPU 1, and looks at the UID. As soon as
 * that has led to an event, a real-time task that waits for one takes CPU 1 and keeps
 * it: the look stands still, with the lock of the UID. Then the herd comes, on the
 * other CPUs. Half of it is killed. Afterwards CPU 1 is given back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB		((size_t)1 << 20)
#define PAGE		4096
#define VICTIM_MIB	12
#define LIMIT_MIB	16
#define LOWER_LIMIT_MIB	8
#define MAX_HERD	1000
#define LOOKS_FILE	"/sys/kernel/tracing/kprobe_profile"

/* What the processes tell each other. */
static volatile struct {
	bool reading;	/* the real-time task waits for an event */
	bool holding;	/* it has CPU 1 */
	bool release;	/* it is to give it back */
} *state;

static int patience_s;

__attribute__((noreturn))
static void fail(const char *what)
{
	fprintf(stderr, "herd: %s: %s\n", what, strerror(errno));
	state->release = true;
	exit(1);
}

static pid_t start(void)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	return pid;
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity");
}

static void become(uid_t uid)
{
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		fail("setresuid");
}

static void touch(size_t mib)
{
	volatile char *start = mmap(NULL, mib * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		fail("mmap");
	for (size_t at = 0; at < mib * MIB; at += PAGE)
		start[at] = 1;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path);
	close(fd);
}

static void set_limit(uid_t uid, int mib)
{
	char line[64];

	snprintf(line, sizeof(line), "%u max=%dM\n", uid, mib);
	put("/proc/uid_mem/limits", line);
}

/* Waits until something is so; false if it never is. */
static bool await(bool (*is_so)(const void *), const void *data)
{
	const time_t end = time(NULL) + patience_s;

	while (!is_so(data)) {
		if (time(NULL) > end)
			return false;
		usleep(10000);
	}
	return true;
}

static bool is_true(const void *flag)
{
	return *(const volatile bool *)flag;
}

/* The state of a process, '-' when it is gone. */
static char state_of(pid_t pid)
{
	char path[64], text[256] = "";
	const char *at;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0) {
		close(fd);
		return '-';
	}
	close(fd);
	at = strrchr(text, ')');
	return at && at[1] ? at[2] : '-';
}

static bool is_over(char c)
{
	return c == '-' || c == 'Z' || c == 'X';
}

/* Has CPU 1 from the first event on that is not about the table of limits. */
static void take_the_cpu(void)
{
	const struct sched_param param = { .sched_priority = 50 };
	char text[4096];
	ssize_t length;
	int fd;

	run_on(1);
	fd = open("/proc/uid_mem/events", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fail("/proc/uid_mem/events");
	while (read(fd, text, sizeof(text)) > 0)
		;
	fcntl(fd, F_SETFL, 0);
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		fail("sched_setscheduler");
	state->reading = true;
	do {
		length = read(fd, text, sizeof(text) - 1);
		if (length <= 0)
			fail("an event");
		text[length] = '\0';
	} while (!strstr(text, "event=max ") && !strstr(text, "event=kill "));
	state->holding = true;
	while (!state->release)
		;
	_exit(0);
}

/* Reading "stats" needs the lock as well, and is for everybody. */
static void read_stats(uid_t uid)
{
	char text[256];
	int fd;

	become(uid);
	fd = open("/proc/uid_mem/stats", O_RDONLY);
	_exit(fd < 0 || read(fd, text, sizeof(text)) < 0);
}

static void be_in_the_herd(const char *way, uid_t uid)
{
	run_on(0);
	if (!strcmp(way, "stats")) {
		read_stats(uid);
	} else if (!strcmp(way, "scan")) {
		put("/proc/uid_mem/scan", "default\n");
		_exit(0);
	}
	/* Until all of them together are above the limit, and each has to stop. */
	become(uid);
	for (;;)
		touch(1);
}

struct herd {
	pid_t pids[MAX_HERD];
	int first;
	int nr;
};

static int count(const struct herd *herd, bool (*is)(char))
{
	int nr = 0;

	for (int i = herd->first; i < herd->nr; i++)
		nr += is(state_of(herd->pids[i]));
	return nr;
}

static bool is_waiting(char c)
{
	return c == 'D';
}

static bool all_wait(const void *herd)
{
	const struct herd *h = herd;

	return count(h, is_waiting) == h->nr - h->first;
}

static bool all_over(const void *herd)
{
	const struct herd *h = herd;

	return count(h, is_over) == h->nr - h->first;
}

/* How often the UID has been summed: what the probe "looks" has counted. */
static long looks(void)
{
	char name[64];
	long hits, found = -1;
	FILE *file = fopen(LOOKS_FILE, "r");

	while (file && fscanf(file, "%63s %ld %*d", name, &hits) == 2)
		if (!strcmp(name, "looks"))
			found = hits;
	if (file)
		fclose(file);
	return found;
}

static pid_t start_victim(uid_t uid)
{
	int ready[2];
	pid_t pid;
	char byte;

	if (pipe(ready))
		fail("pipe");
	pid = start();
	if (pid == 0) {
		run_on(0);
		become(uid);
		touch(VICTIM_MIB);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		fail("the victim");
	close(ready[0]);
	return pid;
}

int main(int argc, char **argv)
{
	struct herd herd = { .nr = argc == 5 ? atoi(argv[3]) : 0 }, half;
	int waiting, obeyed;
	const char *way;
	long before;
	uid_t uid;

	if (argc != 5 || herd.nr < 2 || herd.nr > MAX_HERD) {
		fprintf(argc == 2 ? stdout : stderr,
			"usage: herd memory|scan|stats UID N SECONDS\n\n"
			"Holds up the task that looks at UID, and has N tasks wait for it: of UID, for\n"
			"memory; of root, which write to scan; of UID, which read stats. Sends SIGKILL to\n"
			"half of them. Prints how many waited, how many of those killed were gone while the\n"
			"look was held up, and how often the probe \"looks\" was hit from there until all\n"
			"others were through. Waits at most SECONDS for each.\n");
		return argc == 2 ? 0 : 2;
	}
	way = argv[1];
	uid = (uid_t)strtoul(argv[2], NULL, 10);
	patience_s = atoi(argv[4]);
	state = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (state == MAP_FAILED)
		return 1;
	signal(SIGCHLD, SIG_IGN);
	run_on(0);
	set_limit(uid, LIMIT_MIB);
	start_victim(uid);
	if (start() == 0)
		take_the_cpu();
	if (!await(is_true, (const void *)&state->reading))
		fail("the real-time task");
	if (start() == 0) {
		run_on(1);
		set_limit(uid, LOWER_LIMIT_MIB);
		_exit(0);
	}
	if (!await(is_true, (const void *)&state->holding))
		fail("the look");
	for (int i = 0; i < herd.nr; i++) {
		herd.pids[i] = start();
		if (herd.pids[i] == 0)
			be_in_the_herd(way, uid);
	}
	await(all_wait, &herd);
	waiting = count(&herd, is_waiting);
	half = herd;
	half.nr = herd.nr / 2;
	for (int i = 0; i < half.nr; i++)
		kill(half.pids[i], SIGKILL);
	await(all_over, &half);
	obeyed = count(&half, is_over);
	before = looks();
	herd.first = half.nr;
	/* Those that want memory would go on for ever. */
	for (int i = herd.first; i < herd.nr && !strcmp(way, "memory"); i++)
		kill(herd.pids[i], SIGKILL);
	state->release = true;
	await(all_over, &herd);
	printf("%d %d %ld\n", waiting, obeyed, looks() - before);
	return 0;
}

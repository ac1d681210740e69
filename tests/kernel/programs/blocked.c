// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * blocked - the longest uninterruptible sleep (state D) of any task while a command runs
 *
 * The kernel's trace of its scheduler says when a task went to sleep in state D and
 * when it was woken up; the time that it then waits for a CPU is not part of it.
 * Reading /proc/PID/stat of ten thousand tasks would take longer than what is to be
 * seen.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACEFS		"/sys/kernel/tracing/"
#define BUFFER_KIB	"49152"
#define COMM_SIZE	16
#define STATE_D		2
#define MAX_PID		(1 << 22)

/* Kinds of records in a page of the trace; others are data of so many words. */
enum { DATA_MAX = 28, PADDING, TIME_EXTEND, TIME_STAMP };

#define PAGE_HEADER	16
#define COMMIT_MASK	0xfffff

enum what { SLEEPS, WAKES };

struct step {
	uint64_t ns;
	int32_t pid;
	enum what what;
	char comm[COMM_SIZE];
};

static struct step *steps;
static size_t nr_steps, room;

/* Where the fields are. */
static struct { int id, prev_comm, prev_pid, prev_state, next_pid; } sched_switch;
static struct { int id, pid; } sched_waking;

__attribute__((noreturn))
static void fail(const char *what)
{
	fprintf(stderr, "blocked: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void put(const char *file, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), TRACEFS "%s", file);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path);
	close(fd);
}

static char *get(const char *file)
{
	static char text[16384];
	char path[256];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), TRACEFS "%s", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (length < 0)
		fail(path);
	close(fd);
	text[length] = '\0';
	return text;
}

/* The offset of a field, by the description of an event. */
static int offset_of(const char *format, const char *field)
{
	char name[64];
	const char *at;
	int offset;

	snprintf(name, sizeof(name), " %s", field);
	at = strstr(format, name);
	at = at ? strstr(at, "offset:") : NULL;
	if (!at || sscanf(at, "offset:%d", &offset) != 1) {
		errno = ENOENT;
		fail(field);
	}
	return offset;
}

static void learn_formats(void)
{
	const char *format;

	sched_switch.id = atoi(get("events/sched/sched_switch/id"));
	sched_waking.id = atoi(get("events/sched/sched_waking/id"));
	format = get("events/sched/sched_switch/format");
	sched_switch.prev_comm = offset_of(format, "prev_comm[");
	sched_switch.prev_pid = offset_of(format, "prev_pid;");
	sched_switch.prev_state = offset_of(format, "prev_state;");
	sched_switch.next_pid = offset_of(format, "next_pid;");
	sched_waking.pid = offset_of(get("events/sched/sched_waking/format"), "pid;\t");
}

static void add_step(uint64_t ns, int32_t pid, enum what what, const char *comm)
{
	if (nr_steps == room) {
		room = room ? 2 * room : 65536;
		steps = realloc(steps, room * sizeof(*steps));
		if (!steps)
			fail("realloc");
	}
	steps[nr_steps] = (struct step) { .ns = ns, .pid = pid, .what = what };
	if (comm)
		memcpy(steps[nr_steps].comm, comm, COMM_SIZE - 1);
	nr_steps++;
}

static int32_t int_at(const char *event, int offset)
{
	int32_t value;

	memcpy(&value, event + offset, sizeof(value));
	return value;
}

static void take_event(uint64_t ns, const char *event)
{
	uint16_t id;

	memcpy(&id, event, sizeof(id));
	if (id == sched_waking.id) {
		add_step(ns, int_at(event, sched_waking.pid), WAKES, NULL);
	} else if (id == sched_switch.id) {
		if (int_at(event, sched_switch.prev_state) & STATE_D)
			add_step(ns, int_at(event, sched_switch.prev_pid), SLEEPS,
				 event + sched_switch.prev_comm);
		/* Woken up while it still was on its way to sleep. */
		add_step(ns, int_at(event, sched_switch.next_pid), WAKES, NULL);
	}
}

/* Returns false where the kernel has dropped events before this page. */
static bool take_page(const char *page)
{
	uint64_t ns, commit;
	const char *at, *end;

	memcpy(&ns, page, sizeof(ns));
	memcpy(&commit, page + 8, sizeof(commit));
	at = page + PAGE_HEADER;
	end = at + (commit & COMMIT_MASK);
	while (at < end) {
		uint32_t head, word = 0, type;

		memcpy(&head, at, sizeof(head));
		type = head & 31;
		if (!type || type > DATA_MAX)
			memcpy(&word, at + 4, sizeof(word));
		if (type == PADDING && !(head >> 5))
			break;
		if (type == TIME_STAMP) {
			ns = ((uint64_t)word << 27) + (head >> 5);
			at += 8;
			continue;
		}
		ns += head >> 5;
		if (type == TIME_EXTEND) {
			ns += (uint64_t)word << 27;
			at += 8;
		} else if (type == PADDING) {
			at += 4 + word;
		} else {
			take_event(ns, at + (type ? 4 : 8));
			at += 4 + (type ? type * 4 : word);
		}
	}
	return !(commit & (1ULL << 31));
}

static bool take_cpu(const char *cpu)
{
	char path[300], page[65536];
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	bool whole = true;
	int fd;

	snprintf(path, sizeof(path), TRACEFS "per_cpu/%s/trace_pipe_raw", cpu);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fail(path);
	while (read(fd, page, size) == (ssize_t)size)
		whole &= take_page(page);
	close(fd);
	return whole;
}

static bool take_all(void)
{
	DIR *cpus = opendir(TRACEFS "per_cpu");
	struct dirent *cpu;
	bool whole = true;

	if (!cpus)
		fail(TRACEFS "per_cpu");
	while ((cpu = readdir(cpus)))
		if (!strncmp(cpu->d_name, "cpu", 3))
			whole &= take_cpu(cpu->d_name);
	closedir(cpus);
	return whole;
}

static int compare(const void *pa, const void *pb)
{
	const struct step *a = pa, *b = pb;

	return a->ns < b->ns ? -1 : a->ns > b->ns;
}

/* Pairs each sleep with what ends it, the end of the trace if nothing does. */
static void print_longest(bool whole)
{
	const struct step **asleep = calloc(MAX_PID, sizeof(*asleep)), *longest = NULL;
	uint64_t most = 0, sleeps = 0;

	if (!asleep)
		fail("calloc");
	qsort(steps, nr_steps, sizeof(*steps), compare);
	for (size_t i = 0; i <= nr_steps; i++) {
		for (int pid = i < nr_steps ? steps[i].pid : 1;
		     pid < (i < nr_steps ? steps[i].pid + 1 : MAX_PID); pid++) {
			const struct step *began = asleep[pid];
			const uint64_t ns = steps[i < nr_steps ? i : i - 1].ns;

			if (began && ns - began->ns >= most) {
				most = ns - began->ns;
				longest = began;
			}
			asleep[pid] = NULL;
		}
		if (i < nr_steps && steps[i].what == SLEEPS) {
			asleep[steps[i].pid] = &steps[i];
			sleeps++;
		}
	}
	printf("%" PRIu64 " %" PRIu64 " %s %s\n", most / 1000000, sleeps, longest ? longest->comm : "-",
	       whole ? "whole" : "gaps");
}

static void trace(bool on)
{
	if (on) {
		put("tracing_on", "0");
		put("trace", "");
		put("trace_clock", "mono");
		put("buffer_size_kb", BUFFER_KIB);
	}
	put("events/sched/sched_switch/enable", on ? "1" : "0");
	put("events/sched/sched_waking/enable", on ? "1" : "0");
	put("tracing_on", on ? "1" : "0");
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 3 || argv[1][0] == '-') {
		fprintf(argc == 2 ? stdout : stderr,
			"usage: blocked FILE COMMAND...\n\n"
			"Runs COMMAND, whose output goes to FILE. Prints the longest uninterruptible sleep\n"
			"of any task meanwhile, in milliseconds, how many there were, the name of the task,\n"
			"and \"whole\", or \"gaps\" if the kernel had no room for all it traced.\n"
			"Exit status: that of COMMAND, or 1.\n");
		return argc == 2 ? 0 : 2;
	}
	learn_formats();
	trace(true);
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		if (!freopen(argv[1], "w", stdout))
			fail(argv[1]);
		execvp(argv[2], argv + 2);
		fail(argv[2]);
	}
	if (waitpid(pid, &status, 0) != pid)
		fail("wait");
	trace(false);
	print_longest(take_all());
	put("buffer_size_kb", "1408");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

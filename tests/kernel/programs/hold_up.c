// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * hold_up WAY UID - how long a UID above its limit holds up another one
 *
 * The limit of UID is lowered, and a process of it is killed and keeps its memory:
 * it is traced, and stopped on its way out. Another process of UID takes a lock
 * and touches fresh memory with it, all the time. It stays in the kernel, so that
 * it does not wait for the victim on its way back. This process, of another UID,
 * needs the same lock. Prints the longest that it had to wait, in microseconds: of
 * several rounds the shortest, since a busy machine makes some of them longer, and
 * none shorter.
 *
 * WAY: pipe (pipe->mutex), file (i_rwsem) or cmdline (mmap_lock).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB		((size_t)1 << 20)
#define HELD_MIB	60	/* by the victim */
#define LIMIT		"%u max=64M\n"
#define LOWER_LIMIT	"%u max=32M\n"
#define BLOCK		((size_t)1 << 16)
#define REGION		((size_t)1 << 30)	/* more than is read in a round */
#define PAGE		4096
#define ROUNDS		5
#define ROUND_US	1500000

static const char *way;
static uid_t uid;
static int target[2];	/* the pipe, or twice the file */

__attribute__((noreturn))
static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool is_way(const char *name)
{
	return strcmp(way, name) == 0;
}

/* Shared, so that nothing but its end takes it from a process. */
static void touch(size_t mib)
{
	char *p = mmap(NULL, mib * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap");
	for (size_t at = 0; at < mib * MIB; at += PAGE)
		p[at] = 1;
}

static char *fresh(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap");
	return p;
}

/* The part of a child of UID that is alive when this returns 0. */
static pid_t limited(void)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid == 0 && (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
		fail("setresuid");
	return pid;
}

static pid_t start_victim(void)
{
	int ready[2], status;
	char byte;
	pid_t pid;

	if (pipe(ready))
		fail("pipe");
	pid = limited();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		touch(HELD_MIB);
		if (write(ready[1], "", 1) != 1)
			fail("write");
		for (;;)
			pause();
	}
	if (waitpid(pid, &status, 0) != pid || ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACEEXIT) ||
	    ptrace(PTRACE_CONT, pid, NULL, NULL))
		fail("ptrace");
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		fail("the victim");
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	/* A victim that is stopped on its way out has to be let go. */
	for (int status; waitpid(pid, &status, 0) == pid && WIFSTOPPED(status);)
		ptrace(PTRACE_CONT, pid, NULL, NULL);
}

static void *map_and_unmap(void *unused)
{
	(void)unused;
	for (;;)
		munmap(fresh(BLOCK), BLOCK);
	return NULL;
}

/* Fresh memory is read, with the lock of the pipe or the file, or only with mmap_lock. */
static pid_t start_holder(void)
{
	pid_t pid = limited();
	pthread_t thread;

	if (pid)
		return pid;
	if (is_way("cmdline")) {
		target[1] = open("/dev/urandom", O_WRONLY);
		if (target[1] < 0 || pthread_create(&thread, NULL, map_and_unmap, NULL))
			fail("cmdline");
	}
	for (;;) {
		size_t bytes = is_way("file") ? BLOCK : REGION;
		char *p = fresh(bytes);

		if ((is_way("file") ? pwrite(target[1], p, bytes, 0) : write(target[1], p, bytes)) < 0)
			fail(way);
		munmap(p, bytes);
	}
}

static pid_t start_reader(void)
{
	static char block[BLOCK];
	pid_t pid = fork();

	if (pid == 0) {
		close(target[1]);
		while (read(target[0], block, sizeof(block)) > 0)
			;
		_exit(0);
	}
	return pid;
}

/* What the stranger does; returns whether it could. */
static bool use(pid_t holder)
{
	char path[64], block[256];
	int fd;

	if (is_way("pipe"))
		return write(target[1], "", 1) == 1 || errno == EAGAIN;
	if (is_way("file"))
		return pwrite(target[0], "", 1, 0) == 1;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", holder);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;
	if (read(fd, block, sizeof(block)) < 0) {
		close(fd);
		return false;
	}
	close(fd);
	return true;
}

static void open_target(void)
{
	char name[] = "/tmp/hold_up.XXXXXX";

	if (is_way("pipe")) {
		if (pipe(target))
			fail("pipe");
		return;
	}
	target[0] = target[1] = mkstemp(name);
	if (target[0] < 0)
		fail(name);
	unlink(name);
}

__attribute__((format(printf, 1, 2)))
static void set_limit(const char *format, ...)
{
	int fd = open("/proc/uid_mem/limits", O_WRONLY);
	va_list args;

	va_start(args, format);
	if (fd < 0 || vdprintf(fd, format, args) < 0 || close(fd))
		fail("/proc/uid_mem/limits");
	va_end(args);
}

/* The longest that this process waited, in microseconds. */
static int64_t measure(void)
{
	int64_t began, longest = 0;
	pid_t victim, holder, reader = 0;

	set_limit(LIMIT, uid);
	open_target();
	victim = start_victim();
	holder = start_holder();
	if (is_way("pipe")) {
		char path[64];

		reader = start_reader();
		/* An open file of its own: the holder's writes wait for room, these do not. */
		snprintf(path, sizeof(path), "/proc/self/fd/%d", target[1]);
		close(target[0]);
		target[0] = target[1];
		target[1] = open(path, O_WRONLY | O_NONBLOCK);
		if (target[1] < 0)
			fail(path);
	}
	set_limit(LOWER_LIMIT, uid);
	for (began = now_us(); now_us() - began < ROUND_US;) {
		int64_t before = now_us(), waited;

		if (!use(holder))
			break;
		waited = now_us() - before;
		if (waited > longest)
			longest = waited;
		usleep(1000);
	}
	end(victim);
	end(holder);
	if (reader > 0)
		end(reader);
	if (target[0] != target[1])
		close(target[0]);
	close(target[1]);
	return longest;
}

int main(int argc, char **argv)
{
	int64_t least = INT64_MAX;

	if (argc != 3 || (strcmp(argv[1], "pipe") && strcmp(argv[1], "file") && strcmp(argv[1], "cmdline"))) {
		fprintf(stderr, "usage: hold_up pipe|file|cmdline UID\n");
		return 2;
	}
	/* What is measured is the lock, not the way to a CPU. */
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &(struct sched_param) { .sched_priority = 1 }))
		fail("sched_setscheduler");
	way = argv[1];
	uid = (uid_t)strtoul(argv[2], NULL, 10);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t longest = measure();

		fprintf(stderr, "# %s: %lld us\n", way, (long long)longest);
		if (longest < least)
			least = longest;
	}
	printf("%lld\n", (long long)least);
	return 0;
}

// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/* stuck_victims - processes that SIGKILL stops at their exit, with their memory */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB		(1UL << 20)
#define PATIENCE_S	15

/* Shared: private memory is taken from a victim, where the kernel has our patch. */
static void touch(size_t mib)
{
	char *start = mmap(NULL, mib * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		return;
	madvise(start, mib * MIB, MADV_NOHUGEPAGE);
	memset(start, 1, mib * MIB);
}

__attribute__((noreturn))
static void grow(pid_t tracer)
{
	/* The tracer may be killed before it lets this one go on, which would stop for good. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != tracer)
		_exit(1);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	for (touch(60);;)
		touch(1);
}

/* Lets a child run until it stops at its exit, ends, or time is over. */
static void run_to_exit(pid_t child)
{
	const time_t end = time(NULL) + PATIENCE_S;
	int status;

	waitpid(child, &status, 0);
	ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACEEXIT);
	ptrace(PTRACE_CONT, child, NULL, NULL);
	while (time(NULL) < end) {
		if (waitpid(child, &status, WNOHANG) == child) {
			if (!WIFSTOPPED(status) || status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
				return;
			ptrace(PTRACE_CONT, child, NULL, (void *)(long)WSTOPSIG(status));
		}
		usleep(20000);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(argc == 2 ? stdout : stderr,
			"usage: stuck_victims N\n\n"
			"Has N children take memory, one after the other, until each is killed; traces\n"
			"them so that they stop at their exit and keep it.\n");
		return argc == 2 ? 0 : 2;
	}
	/* Above the limit fork() may fail: with victims that hang, try on. */
	const time_t end = time(NULL) + PATIENCE_S;
	const pid_t tracer = getpid();

	for (int left = atoi(argv[1]); left > 0 && time(NULL) < end;) {
		pid_t child = fork();

		if (child == 0)
			grow(tracer);
		if (child > 0) {
			run_to_exit(child);
			left--;
		} else {
			usleep(20000);
		}
	}
	return 0;
}

// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * init_fails - load a module that fails late, and write a limit meanwhile
 *
 * The files of the module are there for a moment before it fails. A process that
 * tries all the time sets a limit in that moment.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Writes the limit whenever the file is there. */
__attribute__((noreturn))
static void write_limits(const char *path, const char *line, volatile long *written)
{
	for (;;) {
		int fd = open(path, O_WRONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (write(fd, line, strlen(line)) == (ssize_t)strlen(line))
			++*written;
		close(fd);
	}
}

/* Returns 0 where the module was loaded, else why not. */
static int load_error(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error = 0;

	if (syscall(SYS_finit_module, fd, "", 0))
		error = errno;
	close(fd);
	return error;
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(int argc, char **argv)
{
	long loads, refused = 0;
	volatile long *written;
	time_t end;
	pid_t pid;

	if (argc != 5) {
		fprintf(argc == 2 ? stdout : stderr,
			"usage: init_fails MODULE FILE LINE SECONDS\n\n"
			"Loads MODULE, which says EBUSY, over and over until LINE has been written to FILE,\n"
			"which is there while it is being loaded, twice, or time is over. Prints how\n"
			"often it was loaded, how often that was refused with EBUSY, and how often LINE was\n"
			"written.\n");
		return argc == 2 ? 0 : 2;
	}
	written = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (written == MAP_FAILED)
		return 1;
	pid = fork();
	if (pid < 0)
		return 1;
	if (pid == 0) {
		run_on(1);
		write_limits(argv[2], argv[3], written);
	}
	run_on(0);
	end = time(NULL) + atoi(argv[4]);
	for (loads = 0; *written < 2 && time(NULL) < end; loads++)
		refused += load_error(argv[1]) == EBUSY;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	printf("%ld %ld %ld\n", loads, refused, *written);
	return 0;
}

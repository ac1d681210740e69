// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * exit_race - processes that end while they are about to be killed
 *
 * In each round a few processes of one UID go over its limit together, and
 * each ends by itself as soon as it is there: before, while or after one of
 * them is chosen.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void live(uid_t uid, size_t bytes, int start)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	volatile char *memory;
	char byte;

	if (setgroups(0, NULL) || setresuid(uid, uid, uid))
		_exit(1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || read(start, &byte, 1) != 0)
		_exit(1);
	for (size_t at = 0; at < bytes; at += page)
		memory[at] = 1;
	_exit(0);
}

int main(int argc, char **argv)
{
	unsigned int rounds, nr, finished = 0, killed = 0, failed = 0;
	int start[2], status;
	size_t bytes;
	uid_t uid;

	if (argc != 5 || argv[1][0] == '-') {
		fprintf(argc == 2 ? stdout : stderr,
			"usage: exit_race UID PROCESSES BYTES ROUNDS\n\n"
			"In each round PROCESSES of UID take BYTES each and exit. Prints how many\n"
			"finished and how many were killed. Needs root.\n"
			"Exit status: 0; 1 when one failed otherwise; 2 wrong arguments.\n");
		return argc == 2 && strstr(argv[1], "-h") ? 0 : 2;
	}
	uid = (uid_t)strtoul(argv[1], NULL, 10);
	nr = (unsigned int)strtoul(argv[2], NULL, 10);
	bytes = strtoull(argv[3], NULL, 10);
	rounds = (unsigned int)strtoul(argv[4], NULL, 10);
	while (rounds--) {
		if (pipe(start)) {
			perror("exit_race: pipe");
			return 1;
		}
		for (unsigned int i = 0; i < nr; i++) {
			pid_t pid = fork();

			if (pid == 0) {
				close(start[1]);
				live(uid, bytes, start[0]);
			}
			failed += pid < 0;
		}
		close(start[0]);
		/* All of them see the end of the pipe at the same time. */
		close(start[1]);
		while (wait(&status) > 0) {
			killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
			finished += WIFEXITED(status) && WEXITSTATUS(status) == 0;
			failed += WIFSIGNALED(status) ? WTERMSIG(status) != SIGKILL : WEXITSTATUS(status) != 0;
		}
	}
	printf("%u finished, %u killed, %u failed\n", finished, killed, failed);
	return failed > 0;
}

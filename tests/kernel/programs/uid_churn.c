// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/* uid_churn - processes that come, use memory, change their real UID and go */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static size_t bytes;
static uid_t first, last;

/* Only the real UID: the effective one stays root's and may change it again. */
static void change_uid(void)
{
	uid_t uid = first + (uid_t)rand() % (last - first + 1);

	if (setresuid(uid, (uid_t)-1, (uid_t)-1)) {
		perror("uid_churn: setresuid");
		_exit(1);
	}
}

static void live(unsigned int seed)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	volatile char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	srand(seed);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (memory == MAP_FAILED)
		_exit(1);
	for (size_t at = 0; at < bytes; at += page) {
		memory[at] = 1;
		if (rand() % 64 == 0)
			change_uid();
		if (rand() % 2048 == 0)
			_exit(0);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	unsigned int rounds = 0, killed = 0, failed = 0, running = 0;
	time_t end;
	int status;

	if (argc != 5 || argv[1][0] == '-') {
		fprintf(argc == 2 ? stdout : stderr,
			"usage: uid_churn FIRST-UID LAST-UID BYTES SECONDS\n\n"
			"Keeps four processes at it that use BYTES each and change their real UID on the\n"
			"way. Prints how many there were and how many were killed. Needs root.\n"
			"Exit status: 0; 1 when one failed otherwise; 2 wrong arguments.\n");
		return argc == 2 && strstr(argv[1], "-h") ? 0 : 2;
	}
	first = (uid_t)strtoul(argv[1], NULL, 10);
	last = (uid_t)strtoul(argv[2], NULL, 10);
	bytes = strtoull(argv[3], NULL, 10);
	end = time(NULL) + atoi(argv[4]);
	while (time(NULL) < end || running) {
		if (time(NULL) < end && running < 4) {
			pid_t pid = fork();

			if (pid == 0)
				live(rounds);
			if (pid > 0) {
				rounds++;
				running++;
				continue;
			}
		}
		if (wait(&status) > 0) {
			running--;
			killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
			failed += WIFSIGNALED(status) ? WTERMSIG(status) != SIGKILL : WEXITSTATUS(status) != 0;
		}
	}
	printf("%u processes, %u killed, %u failed\n", rounds, killed, failed);
	return failed > 0;
}

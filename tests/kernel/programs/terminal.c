// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * terminal - run a program in a terminal of its own
 *
 * What the program writes goes to the output as it is; what is read from the
 * input is typed. The end of the input is not the end of the typing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void print_help(FILE *to)
{
	fprintf(to, "usage: terminal COLUMNS ROWS PROGRAM [ARGUMENT]...\n"
		"\n"
		"Runs PROGRAM in a terminal. The first line of the output is the terminal's name.\n"
		"Exit status: that of PROGRAM, 128 and the signal's number, or 2 for wrong arguments.\n");
}

__attribute__((noreturn))
static void fail(const char *what)
{
	fprintf(stderr, "terminal: %s: %s\n", what, strerror(errno));
	exit(1);
}

__attribute__((noreturn))
static void run_program(const char *name, char **command)
{
	int fd;

	setsid();
	fd = open(name, O_RDWR);	/* the first one becomes the controlling terminal */
	if (fd < 0)
		fail(name);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
	execvp(command[0], command);
	fail(command[0]);
}

/* Returns false at the end. */
static int copy(int from, int to)
{
	char text[4096];
	ssize_t length = read(from, text, sizeof(text));

	return length > 0 && write(to, text, (size_t)length) == length;
}

static void carry(int terminal)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = terminal, .events = POLLIN } };

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents && !copy(STDIN_FILENO, terminal))
			fds[0].fd = -1;
		if (fds[1].revents && !copy(terminal, STDOUT_FILENO))
			return;
	}
}

int main(int argc, char **argv)
{
	struct winsize size;
	int terminal, status;
	const char *name;
	pid_t pid;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_help(stdout);
		return 0;
	}
	if (argc < 4) {
		print_help(stderr);
		return 2;
	}
	size = (struct winsize){ .ws_col = (unsigned short)atoi(argv[1]), .ws_row = (unsigned short)atoi(argv[2]) };
	terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal < 0 || grantpt(terminal) || unlockpt(terminal) || !(name = ptsname(terminal)))
		fail("/dev/ptmx");
	ioctl(terminal, TIOCSWINSZ, &size);
	printf("%s\n", name);
	fflush(stdout);

	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0)
		run_program(name, argv + 3);
	carry(terminal);
	if (waitpid(pid, &status, 0) < 0)
		fail("waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

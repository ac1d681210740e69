// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_memd: a command for each kill, and for each time that a user is above the high mark
 *
 * What the event says is in the command's environment and nowhere else: a
 * process names itself, and no name may become a part of a command.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uid_mem_proc.h"
#include "uid_memd.h"

/* Commands that run at the same time; further kills wait in the kernel's ring. */
#define MAX_RUNNING	8

static int running;

bool hook_has_room(void)
{
	return running < MAX_RUNNING;
}

/* victim_rss=4096 becomes UID_MEM_VICTIM_RSS=4096. */
static void set_variable(const struct field *field)
{
	char name[64] = "UID_MEM_", value[256];
	size_t at = strlen(name);

	for (size_t i = 0; i < field->key_length && at < sizeof(name) - 1; i++)
		name[at++] = (char)toupper((unsigned char)field->key[i]);
	name[at] = '\0';
	snprintf(value, sizeof(value), "%.*s", (int)field->value_length, field->value);
	setenv(name, value, 1);
}

static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Every descriptor of ours is closed by exec; these are the three that stay. */
static void reset_files(void)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}

static void exec_command(const char *command, const char *event)
{
	static const char *const shells[] = { "/bin/sh", "/system/bin/sh" };
	struct field field;

	setsid();
	reset_files();
	process_unprotect();
	process_drop_reclaim();
	unsetenv("NOTIFY_SOCKET");
	while (next_field(&event, &field))
		set_variable(&field);
	reset_signals();
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		execl(shells[i], "sh", "-c", command, (char *)NULL);
	_exit(127);
}

void hook_run(const char *option, const char *command, const char *event)
{
	pid_t pid = fork();

	if (pid == 0)
		exec_command(command, event);
	if (pid < 0)
		say(PRIORITY_ERROR, "%s: cannot start the command: %s", option, strerror(errno));
	else
		running++;
}

void hook_ended(pid_t pid, int status)
{
	running--;
	if (WIFSIGNALED(status))
		say(PRIORITY_WARNING, "--on-kill or --on-high: the command (pid %d) was ended by signal %d", (int)pid,
		    WTERMSIG(status));
	else if (WEXITSTATUS(status))
		say(PRIORITY_WARNING, "--on-kill or --on-high: the command (pid %d) ended with status %d", (int)pid,
		    WEXITSTATUS(status));
}

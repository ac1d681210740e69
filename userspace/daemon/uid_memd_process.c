// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/* uid_memd: itself as a process: daemon, pid file, protection from being killed */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "uid_memd.h"

#define OOM_FILE	"/proc/self/oom_score_adj"

static int ready_fd = -1;	/* whoever started a daemon waits here */
static char oom_score_adj[16] = "0";

void process_write_pid(void)
{
	int fd = open(options.pidfile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
		say(PRIORITY_ERROR, "%s: %s", options.pidfile, strerror(errno));
		exit(EXIT_FAILED);
	}
	close(fd);
}

/* The status is that of the daemon's start. */
__attribute__((noreturn))
static void wait_until_ready(int fd)
{
	char status = EXIT_FAILED;

	while (read(fd, &status, 1) < 0 && errno == EINTR)
		;
	_exit(status);
}

void process_daemonize(void)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) || (pid = fork()) < 0) {
		say(PRIORITY_ERROR, "cannot become a daemon: %s", strerror(errno));
		exit(EXIT_FAILED);
	}
	if (pid > 0) {
		close(ends[1]);
		wait_until_ready(ends[0]);
	}
	close(ends[0]);
	ready_fd = ends[1];
	setsid();
	umask(022);
	if (chdir("/"))
		say(PRIORITY_WARNING, "/: %s", strerror(errno));
}

/* To systemd, where it waits for this: sd_notify() is no more than that. */
static void notify(const char *what)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length;
	int fd;

	if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	length = strlen(path);
	memcpy(address.sun_path, path, length);
	if (*path == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, what, strlen(what), MSG_NOSIGNAL, (struct sockaddr *)&address,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}

static void leave_terminal(void)
{
	const char status = EXIT_FINE;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	log_leave_stderr();
	if (write(ready_fd, &status, 1) < 0) {
		/* Nobody waits. */
	}
	close(ready_fd);
	ready_fd = -1;
}

void process_is_ready(void)
{
	if (ready_fd >= 0)
		leave_terminal();
	notify("READY=1");
}

static int write_oom_score_adj(const char *value)
{
	int fd = open(OOM_FILE, O_WRONLY | O_CLOEXEC), error = 0;

	if (fd < 0)
		return -1;
	if (write(fd, value, strlen(value)) < 0)
		error = errno;
	close(fd);
	errno = error;
	return error ? -1 : 0;
}

/*
 * Where memory is short this goes on: nobody kills it, and it waits for no page
 * of its own. MCL_ONFAULT locks what is used; the whole program would be more.
 */
void process_protect(void)
{
	int fd = open(OOM_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, oom_score_adj, sizeof(oom_score_adj) - 1);

	oom_score_adj[length > 0 ? length : 0] = '\0';
	if (fd >= 0)
		close(fd);
	if (write_oom_score_adj("-1000"))
		say(PRIORITY_WARNING, OOM_FILE ": %s; it may be killed when memory is short", strerror(errno));
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		say(PRIORITY_INFO, "mlockall: %s; it may be swapped out", strerror(errno));
}

/* A command that is started here has no claim to that. */
void process_unprotect(void)
{
	/* systemd has set it for this service. Nobody else starts with -1000. */
	const char *value = atoi(oom_score_adj) <= -1000 ? "0" : oom_score_adj;

	write_oom_score_adj(value);
}

/*
 * Nor to what only reclaim needs. It lasts where the unit says NoNewPrivileges;
 * elsewhere root has all capabilities again with the next program.
 */
void process_drop_reclaim(void)
{
	const uint32_t dropped = 1u << CAP_SYS_NICE | 1u << CAP_SYS_PTRACE | 1u << CAP_FOWNER;
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return;
	data[0].effective &= ~dropped;
	data[0].permitted &= ~dropped;
	data[0].inheritable &= ~dropped;
	syscall(SYS_capset, &header, data);
}

void process_end(void)
{
	notify("STOPPING=1");
	if (options.pidfile)
		unlink(options.pidfile);
}

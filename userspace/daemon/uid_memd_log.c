// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_memd: where its messages go
 *
 * In the foreground to stderr, with the priority in front where systemd has
 * connected that to its journal. As a daemon to /dev/log, which syslogd and
 * journald listen on, or where nobody does, as on Android, to the kernel's log.
 * Not by syslog(): it waits for a logger that hangs, and the scans with it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "uid_memd.h"

#define FACILITY_DAEMON	(3 << 3)

static bool to_stderr = true;
static bool to_syslog;
static int syslog_fd = -1, kernel_fd = -1;

static int connect_syslog(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void log_open_syslog(void)
{
	to_syslog = true;
	syslog_fd = connect_syslog();
	kernel_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NONBLOCK);
}

/* A daemon has started, and whoever started it reads on no more. */
void log_leave_stderr(void)
{
	to_stderr = false;
}

/* Does stderr lead to the journal? systemd says what it has connected. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char name[64];
	struct stat file;

	if (!stream || fstat(STDERR_FILENO, &file))
		return false;
	snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)file.st_dev, (unsigned long long)file.st_ino);
	return !strcmp(name, stream);
}

static bool write_stderr(int priority, const char *line, size_t length)
{
	char head[32];
	int head_length;
	struct iovec parts[3];

	if (is_journal())
		head_length = snprintf(head, sizeof(head), "<%d>", priority);
	else
		head_length = snprintf(head, sizeof(head), NAME ": ");
	parts[0] = (struct iovec){ .iov_base = head, .iov_len = (size_t)head_length };
	parts[1] = (struct iovec){ .iov_base = (char *)line, .iov_len = length };
	parts[2] = (struct iovec){ .iov_base = (char *)"\n", .iov_len = 1 };
	/* Whoever has closed it does not want to know. */
	return writev(STDERR_FILENO, parts, 3) >= 0 || errno != EAGAIN;
}

static bool is_logger_gone(int error)
{
	return error == ECONNREFUSED || error == ENOTCONN || error == ECONNRESET || error == ENOENT || error == EBADF;
}

/* One message has one length: a datagram, or a record of the kernel's log. */
static bool write_syslog(int priority, const char *line, size_t length)
{
	char message[1024];
	int size = snprintf(message, sizeof(message), "<%d>" NAME "[%d]: %.*s", FACILITY_DAEMON | priority,
			    (int)getpid(), (int)length, line);

	if (size >= (int)sizeof(message))
		size = sizeof(message) - 1;
	if (send(syslog_fd, message, (size_t)size, MSG_NOSIGNAL) >= 0)
		return true;
	/* The logger was started anew, or was not there yet. */
	if (is_logger_gone(errno)) {
		if (syslog_fd >= 0)
			close(syslog_fd);
		syslog_fd = connect_syslog();
		if (send(syslog_fd, message, (size_t)size, MSG_NOSIGNAL) >= 0)
			return true;
	}
	if (errno == EAGAIN)
		return false;
	if (write(kernel_fd, message, (size_t)size) < 0 && errno == EAGAIN)
		return true;	/* the kernel takes no more for some seconds, and counts what it drops */
	return true;
}

/* Returns false where the logger has no room: wait for log_room_fd(). */
bool log_line(int priority, const char *line, size_t length)
{
	bool taken = true;

	if (to_syslog)
		taken = write_syslog(priority, line, length);
	else if (to_stderr)
		taken = write_stderr(priority, line, length);
	return taken;
}

/* What is writable as soon as there is room again. */
int log_room_fd(void)
{
	return to_syslog ? syslog_fd : STDERR_FILENO;
}

/* Of this program itself; where the logger has no room for it, it is lost. */
void say(int priority, const char *format, ...)
{
	char line[768];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (length < 0)
		return;
	if (length >= (int)sizeof(line))
		length = sizeof(line) - 1;
	log_line(priority, line, (size_t)length);
	/* While a daemon starts, whoever starts it has to see why it does not. */
	if (to_syslog && to_stderr && priority <= PRIORITY_WARNING)
		write_stderr(priority, line, (size_t)length);
}

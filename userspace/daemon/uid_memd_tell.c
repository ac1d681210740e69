// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_memd: tell users on their terminals
 *
 * A terminal belongs to the user who has logged in there. Only those of the user
 * whom the event is about are written to. "mesg n" takes the group's right to write away;
 * such a terminal is left alone. One whose output is stopped is not waited for.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "uid_mem_proc.h"
#include "uid_memd.h"

/* Terminals of ssh, screen and windows; those of the console. */
#define PSEUDO_DIRECTORY	"/dev/pts"
#define CONSOLES		12

/* A user hears of the same thing once in so many seconds. */
#define PAUSE_S			1

static const char *size_text(uint64_t bytes, char *text, size_t size)
{
	if (bytes == NO_LIMIT)
		snprintf(text, size, "no limit");
	else if (bytes >= 10ull << 30)
		snprintf(text, size, "%.1f GiB", (double)bytes / (1 << 30));
	else
		snprintf(text, size, "%.0f MiB", (double)bytes / (1 << 20));
	return text;
}

/* What a process calls itself may hold anything: letters only go to a terminal. */
static void add_name(char *text, size_t size, const struct field *name)
{
	size_t at = strlen(text);

	for (size_t i = 0; i < name->value_length && at < size - 1; i++)
		text[at++] = name->value[i] >= ' ' && name->value[i] <= '~' ? name->value[i] : '?';
	text[at] = '\0';
}

/* The text for an event; false where it is none to tell. */
static bool tell_text(const char *line, char *text, size_t size)
{
	struct field event, name;
	char usage[32], limit[32], what[96] = "";

	if (!find_field(line, "event", &event))
		return false;
	size_text(find_number(line, "usage"), usage, sizeof(usage));
	size_text(find_number(line, "max"), limit, sizeof(limit));
	if (value_is(&event, "high")) {
		snprintf(text, size, "\r\n\auid_mem: your processes use %s of memory; the limit is %s.\r\n", usage, limit);
		return true;
	}
	if (!value_is(&event, "kill") && !value_is(&event, "term"))
		return false;
	if (find_field(line, "comm", &name))
		add_name(what, sizeof(what), &name);
	snprintf(text, size, "\r\n\auid_mem: your process %llu (%s) was %s: your processes used %s of memory; the limit is %s.\r\n",
		 (unsigned long long)find_number(line, "pid"), what,
		 value_is(&event, "kill") ? "killed" : "asked to end", usage, limit);
	return true;
}

/* Write to a terminal if it is this user's. Returns whether it is, and took the text. */
static bool tell_terminal(const char *path, uid_t uid, const char *text)
{
	size_t length = strlen(text);
	struct stat terminal;
	bool told;
	int fd;

	/* Before it is opened, which may do things to a device; and after, when it is certain which one it is. */
	if (lstat(path, &terminal) || !S_ISCHR(terminal.st_mode) || terminal.st_uid != uid)
		return false;
	fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	told = !fstat(fd, &terminal) && S_ISCHR(terminal.st_mode) && terminal.st_uid == uid &&
	       (terminal.st_mode & S_IWGRP) && isatty(fd) && write(fd, text, length) == (ssize_t)length;
	close(fd);
	return told;
}

static void tell_pseudo_terminals(uid_t uid, const char *text)
{
	DIR *directory = opendir(PSEUDO_DIRECTORY);
	struct dirent *entry;
	char path[sizeof(PSEUDO_DIRECTORY) + 1 + sizeof(entry->d_name)];

	if (!directory)
		return;
	while ((entry = readdir(directory))) {
		/* ptmx and "." are no terminals. */
		if (entry->d_name[strspn(entry->d_name, "0123456789")])
			continue;
		snprintf(path, sizeof(path), PSEUDO_DIRECTORY "/%s", entry->d_name);
		tell_terminal(path, uid, text);
	}
	closedir(directory);
}

/* A user who is killed over and over would see nothing else. */
static bool told_just_now(uint64_t uid, bool high)
{
	static struct {
		uint64_t uid;
		time_t at;
		bool high;
	} last[64];
	struct timespec now;
	bool just_now;
	size_t i = (uid * 2 + high) % (sizeof(last) / sizeof(last[0]));

	clock_gettime(CLOCK_MONOTONIC, &now);
	just_now = last[i].at && last[i].uid == uid && last[i].high == high && now.tv_sec - last[i].at <= PAUSE_S;
	if (just_now)
		return true;
	last[i].uid = uid;
	last[i].high = high;
	last[i].at = now.tv_sec;
	return false;
}

void tell_user(const char *line)
{
	uint64_t uid = find_number(line, "uid");
	struct field event;
	char text[512], path[32];

	if (!tell_text(line, text, sizeof(text)))
		return;
	if (told_just_now(uid, find_field(line, "event", &event) && value_is(&event, "high")))
		return;
	tell_pseudo_terminals((uid_t)uid, text);
	for (int console = 1; console <= CONSOLES; console++) {
		snprintf(path, sizeof(path), "/dev/tty%d", console);
		tell_terminal(path, (uid_t)uid, text);
	}
}

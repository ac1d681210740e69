// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * grammar_cases - run the table of tests/grammar/cases.txt, whose head
 * describes its form, against the kernel's /proc/uid_mem/limits
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIMITS_FILE	"/proc/uid_mem/limits"

static char name[512];			/* of the case that runs */
static char text[65536];		/* of the write that is being collected */
static size_t length;
static char wanted[65536];		/* the table that has to be there */
static bool checking, failed, any;
static unsigned int passed, failures;

static void fail(const char *what, const char *got)
{
	printf("# %s: %s%s\n", name, what, got);
	failed = true;
}

static size_t read_table(char *table, size_t size)
{
	FILE *limits = fopen(LIMITS_FILE, "re");
	size_t n;

	if (!limits) {
		perror(LIMITS_FILE);
		exit(1);
	}
	n = fread(table, 1, size - 1, limits);
	table[n] = '\0';
	fclose(limits);
	return n;
}

/* "ok" or the name of the error. */
static const char *write_limits(const char *from, size_t n)
{
	int fd = open(LIMITS_FILE, O_WRONLY | O_CLOEXEC);
	ssize_t written;
	int error;

	if (fd < 0) {
		perror(LIMITS_FILE);
		exit(1);
	}
	written = write(fd, from, n);
	error = errno;
	close(fd);
	if (written < 0)
		return strerrorname_np(error);
	return (size_t)written == n ? "ok" : "short";
}

static void empty_table(void)
{
	static char table[65536], removals[65536];
	size_t n = 0;
	char *rest = table, *line;

	read_table(table, sizeof(table));
	while ((line = strsep(&rest, "\n")) && *line) {
		line[strcspn(line, " ")] = '\0';
		n += (size_t)snprintf(removals + n, sizeof(removals) - n, "!%s\n", line);
	}
	if (n && strcmp(write_limits(removals, n), "ok"))
		fail("the table cannot be emptied", "");
}

/* Write a number to a parameter of the module. */
static void set_parameter(const char *parameter, unsigned int value)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/uid_mem/parameters/%s", parameter);
	file = fopen(path, "we");
	if (!file || fprintf(file, "%u\n", value) < 0 || fclose(file)) {
		perror(path);
		exit(1);
	}
}

static void set_rules(const char *rules)
{
	unsigned int max_entries, evict;

	if (sscanf(rules, "max_entries=%u evict=%u", &max_entries, &evict) != 2) {
		fail("not a rule: ", rules);
		return;
	}
	set_parameter("max_entries", max_entries);
	set_parameter("evict", evict);
}

static void check_table(void)
{
	static char table[65536];

	if (!checking)
		return;
	checking = false;
	read_table(table, sizeof(table));
	if (strcmp(table, wanted))
		fail("the table is\n# ", table);
	wanted[0] = '\0';
}

static void end_case(void)
{
	if (!any)
		return;
	check_table();
	if (failed)
		failures++;
	else
		passed++;
	failed = false;
}

static size_t unescape(const char *from, char *to)
{
	char *start = to;

	for (; *from; from++) {
		if (*from != '\\') {
			*to++ = *from;
		} else if (from[1] == 'x') {
			char hex[3] = { from[2], from[3], '\0' };

			*to++ = (char)strtoul(hex, NULL, 16);
			from += 3;
		} else {
			from++;
			*to++ = *from == 't' ? '\t' : *from == 'r' ? '\r' : *from;
		}
	}
	return (size_t)(to - start);
}

/* @word's argument where @line begins with it. */
static const char *after(const char *line, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(line, word, n) || (line[n] && line[n] != ' '))
		return NULL;
	return line[n] ? line + n + 1 : line + n;
}

static void run_line(const char *line)
{
	const char *argument, *got;

	if ((argument = after(line, "case"))) {
		end_case();
		any = true;
		snprintf(name, sizeof(name), "%s", argument);
		set_rules("max_entries=0 evict=1");
		empty_table();
	} else if ((argument = after(line, "rules"))) {
		check_table();
		set_rules(argument);
	} else if ((argument = after(line, "write"))) {
		check_table();
		length += unescape(argument, text + length);
		text[length++] = '\n';
	} else if ((argument = after(line, "expect"))) {
		got = write_limits(text, length);
		if (strcmp(got, argument))
			fail("the write gives ", got);
		length = 0;
		checking = true;
	} else if ((argument = after(line, "limits"))) {
		strcat(wanted, argument);
		strcat(wanted, "\n");
	} else if (*line && *line != '#') {
		fail("not a line of a table of cases: ", line);
	}
}

int main(int argc, char **argv)
{
	static char line[65536];
	FILE *cases;

	if (argc != 2 || argv[1][0] == '-') {
		fprintf(argc == 2 ? stdout : stderr,
			"usage: grammar_cases FILE\n\n"
			"Runs the cases of FILE against " LIMITS_FILE ", which is emptied, and prints\n"
			"\"N passed, N failed\". Exit status: 0 all passed, 1 not so, 2 wrong arguments.\n");
		return argc == 2 && strstr(argv[1], "-h") ? 0 : 2;
	}
	cases = fopen(argv[1], "re");
	if (!cases) {
		perror(argv[1]);
		return 1;
	}
	while (fgets(line, sizeof(line), cases)) {
		line[strcspn(line, "\n")] = '\0';
		run_line(line);
	}
	end_case();
	set_rules("max_entries=0 evict=1");
	printf("%u passed, %u failed\n", passed, failures);
	return failures > 0 || passed == 0;
}

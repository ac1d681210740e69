// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * test_set_mm_limits - the system call set_mm_limits() and a bounded table
 *
 * Sets limits by system call and looks at /proc/uid_mem/limits after each:
 * updating an entry makes it the most recently set; when the table is full,
 * the entry that was set longest ago is dropped and the call returns 1.
 * Prints TAP.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uid_mem_features.h"

#define NAME		"test_set_mm_limits"
#define LIMITS_FILE	"/proc/uid_mem/limits"
#define PARAMETERS	"/sys/module/uid_mem/parameters/"

#define MIB		(1ULL << 20)
#define ENTRIES		10	/* as many as the original's table had */
#define FIRST_UID	2000000u

/* More than 32 bits hold. */
#define LARGE		((5ULL << 40) + 4096)

static long nr_set_mm_limits;
static int tests, failures;

/* The table as the kernel shows it. */
static struct {
	int nr;
	struct {
		unsigned int uid;
		unsigned long long max;
	} entries[ENTRIES + 2];
} table;

static void print_help(void)
{
	printf("usage: " NAME "\n"
	       "\n"
	       "Tests the system call set_mm_limits() and the table of limits with %d entries\n"
	       "at most, with UIDs from %u on. Needs root, the module uid_mem and a kernel\n"
	       "with CONFIG_UID_MEM_SYSCALLS. Works on an empty table only, leaves it empty,\n"
	       "and sets the module parameters max_entries and evict back to what they were.\n"
	       "\n"
	       "Prints TAP. Exit status: 0 passed, 1 failed or could not run, 2 wrong arguments.\n",
	       ENTRIES, FIRST_UID);
}

__attribute__((format(printf, 1, 2), noreturn))
static void bail_out(const char *format, ...)
{
	va_list args;

	printf("Bail out! ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(1);
}

__attribute__((format(printf, 2, 3)))
static void check(bool passed, const char *format, ...)
{
	va_list args;

	printf("%sok %d - ", passed ? "" : "not ", ++tests);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	failures += !passed;
}

static void read_table(void)
{
	FILE *file = fopen(LIMITS_FILE, "re");
	char line[512];

	if (!file)
		bail_out(LIMITS_FILE ": %s", strerror(errno));
	table.nr = 0;
	while (fgets(line, sizeof(line), file)) {
		if (table.nr == ENTRIES + 2)
			bail_out(LIMITS_FILE " has more than %d entries", table.nr);
		if (sscanf(line, "%u max=%llu ", &table.entries[table.nr].uid,
			   &table.entries[table.nr].max) != 2)
			bail_out(LIMITS_FILE " has a line that is not one of this test: %s", line);
		table.nr++;
	}
	fclose(file);
}

/* What the table says of a UID; 0 where it is not in it. */
static unsigned long long max_of(unsigned int uid)
{
	unsigned long long max = 0;

	for (int i = 0; i < table.nr; i++)
		if (table.entries[i].uid == uid)
			max = table.entries[i].max;
	return max;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file || fputs(text, file) < 0 || fclose(file))
		bail_out("cannot write '%s' to %s: %s", text, path, strerror(errno));
}

static void read_file(const char *path, char *text, int size)
{
	FILE *file = fopen(path, "re");

	if (!file || !fgets(text, size, file))
		bail_out("cannot read %s: %s", path, file ? strerror(EIO) : strerror(errno));
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
}

static void empty_table(void)
{
	char line[32];

	read_table();
	for (int i = 0; i < table.nr; i++) {
		snprintf(line, sizeof(line), "!%u\n", table.entries[i].uid);
		write_file(LIMITS_FILE, line);
	}
	read_table();
}

/* Returns what the system call does, or the errno as a negative number. */
static int set_mm_limits(unsigned int uid, unsigned long long max)
{
	long result = syscall(nr_set_mm_limits, uid, (uint64_t)max);

	return result < 0 ? -errno : (int)result;
}

static const char *meaning(int result)
{
	return result < 0 ? strerror(-result) : result ? "an entry was dropped" : "done";
}

/* Sets a limit, expects @want, and reads the table. */
static void expect_set(int want, unsigned int uid, unsigned long long max, const char *what)
{
	int got = set_mm_limits(uid, max);

	check(got == want, "set_mm_limits(%u, %llu), %s: %s", uid, max, what, meaning(want));
	if (got != want)
		printf("# got %d: %s\n", got, meaning(got));
	read_table();
}

static void test_set_and_update(void)
{
	const unsigned int uid = FIRST_UID;

	expect_set(0, uid, 64 * MIB, "a new entry");
	check(table.nr == 1 && max_of(uid) == 64 * MIB, "the table has the entry");
	expect_set(0, uid, 96 * MIB, "the same UID again");
	check(table.nr == 1 && max_of(uid) == 96 * MIB, "the entry is changed, not a second one made");
	expect_set(0, uid, LARGE, "more than 32 bits hold");
	check(max_of(uid) == LARGE, "the size is kept whole");
	expect_set(0, uid, MIB, "the least there is");
	check(max_of(uid) == MIB, "the least is kept");
}

static void test_refusals(void)
{
	const unsigned int uid = FIRST_UID;

	expect_set(-ERANGE, uid, MIB - 1, "less than the least");
	expect_set(-ERANGE, uid, 0, "nothing");
	expect_set(-ERANGE, 0, 64 * MIB, "UID 0");
	check(table.nr == 1 && max_of(uid) == MIB, "refused calls left the table as it was");
}

/* A child, so that this process stays root. */
static void test_permission(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (setresuid(FIRST_UID, FIRST_UID, FIRST_UID))
			_exit(2);
		_exit(set_mm_limits(FIRST_UID, 128 * MIB) == -EPERM ? 0 : 1);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	      "set_mm_limits() by another user than root: %s", meaning(-EPERM));
	read_table();
	check(table.nr == 1 && max_of(FIRST_UID) == MIB, "and changed nothing");
}

/* The table, with FIRST_UID in it, is filled, oldest entry first. */
static void fill_table(void)
{
	bool all = true;

	for (unsigned int i = 0; i < ENTRIES; i++)
		all = set_mm_limits(FIRST_UID + i, (64 + i) * MIB) == 0 && all;
	read_table();
	check(all && table.nr == ENTRIES, "%d entries fit, none is dropped", ENTRIES);
}

static void test_eviction(void)
{
	const unsigned int oldest = FIRST_UID, second = FIRST_UID + 1, third = FIRST_UID + 2;
	const unsigned int eleventh = FIRST_UID + ENTRIES, twelfth = eleventh + 1;

	fill_table();
	expect_set(0, oldest, 200 * MIB, "an update of the oldest entry");
	check(table.nr == ENTRIES && max_of(oldest) == 200 * MIB, "it takes no further room");

	expect_set(1, eleventh, 64 * MIB, "one entry too many");
	check(table.nr == ENTRIES && max_of(eleventh) == 64 * MIB, "the table is full and has the new entry");
	check(max_of(oldest) == 200 * MIB, "the updated entry counted as set most recently, and stayed");
	check(max_of(second) == 0, "the entry that was set longest ago is gone");

	expect_set(1, twelfth, 64 * MIB, "another one too many");
	check(table.nr == ENTRIES && max_of(twelfth) && !max_of(third), "the next one in age is gone");

	expect_set(1, second, 64 * MIB, "one that was dropped before");
	check(table.nr == ENTRIES && max_of(second) && !max_of(third + 1), "it comes back as a new one");
}

static void test_without_eviction(void)
{
	write_file(PARAMETERS "evict", "N");
	expect_set(-ENOSPC, FIRST_UID + 100, 64 * MIB, "one too many, eviction off");
	check(table.nr == ENTRIES && !max_of(FIRST_UID + 100), "the table is as it was");
	expect_set(0, FIRST_UID + ENTRIES, 65 * MIB, "an update, eviction off");
}

int main(int argc, char **argv)
{
	char max_entries[32], evict[32];

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_help();
		return 0;
	}
	if (argc != 1) {
		fprintf(stderr, NAME ": takes no arguments\nTry '" NAME " --help'.\n");
		return 2;
	}
	nr_set_mm_limits = find_syscall(NAME, "set_mm_limits");
	if (nr_set_mm_limits < 0)
		return 1;
	if (geteuid() != 0) {
		fprintf(stderr, NAME ": only root may set limits; run it with sudo\n");
		return 1;
	}
	read_table();
	if (table.nr)
		bail_out("there are limits already, which this test would change: remove them first");

	read_file(PARAMETERS "max_entries", max_entries, sizeof(max_entries));
	read_file(PARAMETERS "evict", evict, sizeof(evict));
	write_file(PARAMETERS "max_entries", "10");
	write_file(PARAMETERS "evict", "Y");

	test_set_and_update();
	test_refusals();
	test_permission();
	test_eviction();
	test_without_eviction();

	write_file(PARAMETERS "max_entries", max_entries);
	write_file(PARAMETERS "evict", evict);
	empty_table();
	check(table.nr == 0, "the table is empty again");
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}

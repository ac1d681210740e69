// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_memd: metrics for the textfile collector of node_exporter
 *
 * A reader finds the file of before or the file of now, never a part of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "uid_mem_proc.h"
#include "uid_memd.h"

static const struct {
	const char *name, *type, *help;
	size_t offset;
} metrics[] = {
	{ "uid_mem_usage_bytes", "gauge", "Memory that the processes of a UID use together.",
	  offsetof(struct uid_stats, usage) },
	{ "uid_mem_peak_bytes", "gauge", "Highest usage since the UID has a limit.",
	  offsetof(struct uid_stats, peak) },
	{ "uid_mem_limit_bytes", "gauge", "Usage above which processes of the UID are killed.",
	  offsetof(struct uid_stats, max) },
	{ "uid_mem_processes", "gauge", "Processes of the UID.",
	  offsetof(struct uid_stats, procs) },
	{ "uid_mem_kills_total", "counter", "Processes killed because the UID was above its limit.",
	  offsetof(struct uid_stats, kills) },
	{ "uid_mem_max_events_total", "counter", "Times that the UID went above its limit.",
	  offsetof(struct uid_stats, max_events) },
	{ "uid_mem_high_events_total", "counter", "Times that the UID went above its high mark.",
	  offsetof(struct uid_stats, high_events) },
	{ "uid_mem_terms_total", "counter", "Processes asked to end because the UID was above its high mark.",
	  offsetof(struct uid_stats, terms) },
};

void metric_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_sample(FILE *out, const char *name, uint64_t uid, uint64_t value)
{
	fprintf(out, "%s{uid=\"%" PRIu64 "\"} ", name, uid);
	if (value == NO_LIMIT)
		fprintf(out, "+Inf\n");
	else
		fprintf(out, "%" PRIu64 "\n", value);
}

static void print_stats(FILE *out, const char *stats)
{
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		const char *at = stats;
		struct uid_stats s;

		if (!*stats)
			continue;
		metric_head(out, metrics[i].name, metrics[i].type, metrics[i].help);
		while (next_stats(&at, &s))
			print_sample(out, metrics[i].name, s.uid, *(uint64_t *)((char *)&s + metrics[i].offset));
	}
}

/* The high marks are in the limits only; a UID that has none has no sample. */
static void print_high(FILE *out, const char *stats)
{
	const char *const name = "uid_mem_high_bytes";
	struct limit_table table;
	struct uid_stats s;
	bool any = false;

	if (read_limit_table(&table))
		return;
	while (next_stats(&stats, &s)) {
		const struct limit *limit = find_limit(&table, (uint32_t)s.uid);

		if (!limit || limit->high == NO_LIMIT)
			continue;
		if (!any)
			metric_head(out, name, "gauge", "Usage above which there is an event.");
		any = true;
		print_sample(out, name, s.uid, limit->high);
	}
	free_limit_table(&table);
}

static void print_info(FILE *out)
{
	struct file_text features;
	struct field engine;

	if (read_file_text(FEATURES_FILE, &features))
		return;
	if (find_field(features.text, "engine", &engine)) {
		metric_head(out, "uid_mem_info", "gauge", "The engine that accounts for memory; always 1.");
		fprintf(out, "uid_mem_info{engine=\"%.*s\"} 1\n", (int)engine.value_length, engine.value);
	}
	free_file_text(&features);
}

static void print_metrics(FILE *out)
{
	struct file_text stats;
	bool up = !read_file_text(STATS_FILE, &stats);

	metric_head(out, "uid_mem_up", "gauge", "Whether the module is loaded.");
	fprintf(out, "uid_mem_up %d\n", up);
	metric_head(out, "uid_mem_events_lost_total", "counter", "Events that came too fast to be forwarded.");
	fprintf(out, "uid_mem_events_lost_total %" PRIu64 "\n", state->lost);
	metric_head(out, "uid_mem_reclaimed_bytes_total", "counter", "Memory paged out for on_high=reclaim.");
	fprintf(out, "uid_mem_reclaimed_bytes_total %" PRIu64 "\n", state->reclaimed);
	health_print(out);
	if (!up)
		return;
	print_info(out);
	if (stats.length) {
		print_stats(out, stats.text);
		print_high(out, stats.text);
	}
	free_file_text(&stats);
}

/* What is not in any directory goes by itself, should this be killed now. */
static int open_nameless(const char *path)
{
	char directory[PATH_MAX];

	snprintf(directory, sizeof(directory), "%s", path);
	return open(dirname(directory), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
}

static int give_name(int fd, const char *name)
{
	char descriptor[64];

	snprintf(descriptor, sizeof(descriptor), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, descriptor, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

/* Write into @fd, and close it. Returns 0, or -1 with errno. */
static int fill(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *out = copy < 0 ? NULL : fdopen(copy, "w");
	bool failed;

	if (!out)
		return -1;
	print_metrics(out);
	failed = ferror(out) || fchmod(fd, 0644);
	return fclose(out) || failed ? -1 : 0;
}

static int replace(const char *path, const char *temporary)
{
	int fd = open_nameless(path), error = 0;
	bool nameless = fd >= 0;

	unlink(temporary);
	if (!nameless)	/* not every file system can do it */
		fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	if (fill(fd) || (nameless && give_name(fd, temporary)) || rename(temporary, path)) {
		error = errno;
		unlink(temporary);
	}
	close(fd);
	errno = error;
	return error ? -1 : 0;
}

void textfile_write(const char *path)
{
	char temporary[PATH_MAX];
	static int told;

	if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= (int)sizeof(temporary))
		return;
	if (!replace(path, temporary)) {
		told = 0;
	} else if (errno != told) {
		told = errno;
		say(PRIORITY_ERROR, "%s: %s", path, strerror(errno));
	}
}

/* What is not kept up to date must not look like it. */
void textfile_remove(const char *path)
{
	unlink(path);
}

// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_memd: paging out memory of a UID, in a process of its own
 *
 * The largest process first, a few MiB at a time, until usage is below high or
 * nothing more goes. Each step takes the lock of an address space that is not
 * ours, whose owner may hold it for as long as it likes. So this runs in a child
 * that says when it has got on (uid_memd_reclaim.c watches it).
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "uid_mem_proc.h"
#include "uid_memd.h"

/* The same on all architectures; older headers lack them. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open		434
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise	440
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT		21
#endif

#define MIB			((uint64_t)1 << 20)
#define NS_PER_SECOND		1000000000u
#define NS_PER_MS		1000000u

/* Resident memory of a step, and how much in a second at most. */
#define STEP_BYTES		(4 * MIB)
#define BYTES_PER_SECOND	(256 * MIB)
/* A round over all processes that brings less is the last one. */
#define LEAST_BYTES		MIB
/* A UID that takes back what has been paged out is left alone after that. */
#define MOST_NS			(60ull * NS_PER_SECOND)
/* How old what is known of usage may be. */
#define USAGE_NS		(100ull * NS_PER_MS)
/* A process with less is not worth the work. */
#define LEAST_RSS		(256u << 10)

static const struct pageout_order *order;
static struct pageout_progress *progress;
static uint64_t page_size;
static uint64_t began, usage_read, step_began;
static uint64_t excess;			/* above what usage is to fall to */
static uint64_t reclaimed_then;		/* when usage was read */
static uint64_t step_bytes;		/* worked on since step_began */
static bool has_swap;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/*
 * Below the level from which on the kernel tells of a crossing again: it does so
 * when usage fell to 31/32 of high.
 */
static uint64_t target(void)
{
	return order->high - order->high / 16;
}

/* Returns false where the UID has no usage any more. */
static bool read_usage(uint64_t *usage)
{
	struct file_text stats;
	struct uid_stats s;
	const char *at;
	bool found = false;

	if (read_file_text(STATS_FILE, &stats))
		return false;
	for (at = stats.text; !found && next_stats(&at, &s);)
		found = s.uid == order->uid;
	*usage = found ? s.usage : 0;
	free_file_text(&stats);
	return found;
}

/* Where what is in swap counts, usage stays, and is taken to be less by what has been paged out. */
static void update_excess(void)
{
	uint64_t wanted = target(), usage;

	reclaimed_then = progress->reclaimed;
	if (order->counts_swap)
		wanted += reclaimed_then;
	excess = read_usage(&usage) && usage > wanted ? usage - wanted : 0;
	usage_read = now_ns();
}

static bool is_enough(void)
{
	if (progress->reclaimed - reclaimed_then < excess && now_ns() - usage_read < USAGE_NS)
		return false;
	update_excess();
	return !excess;
}

static bool is_late(void)
{
	return now_ns() - began > MOST_NS;
}

/* Works for half of the time at most, and no faster than BYTES_PER_SECOND. */
static void pace(uint64_t bytes)
{
	uint64_t spent = now_ns() - step_began, pause;

	step_bytes += bytes;
	if (step_bytes < STEP_BYTES && spent < STEP_BYTES * NS_PER_SECOND / BYTES_PER_SECOND)
		return;
	pause = step_bytes * NS_PER_SECOND / BYTES_PER_SECOND;
	pause = pause > 2 * spent ? pause - spent : spent;
	nanosleep(&(struct timespec){ (time_t)(pause / NS_PER_SECOND), (long)(pause % NS_PER_SECOND) }, NULL);
	step_bytes = 0;
	step_began = now_ns();
}

static bool swap_has_room(void)
{
	struct file_text meminfo;
	const char *line;
	uint64_t kib = 0;

	if (read_file_text("/proc/meminfo", &meminfo))
		return true;
	line = strstr(meminfo.text, "SwapFree:");
	if (line)
		kib = strtoull(line + strlen("SwapFree:"), NULL, 10);
	free_file_text(&meminfo);
	return kib * 1024 >= LEAST_BYTES;
}

/* ---- the processes of the UID ---- */

struct process {
	pid_t pid;
	uint64_t rss;
};

struct processes {
	struct process *list;
	size_t nr, size;
};

static bool read_small(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got > 0;
}

static uint64_t number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/*
 * Who created the outermost user namespace that a process is in; false where it
 * is in ours.
 */
static bool namespace_owner(pid_t pid, uint32_t *uid)
{
	struct stat ours, its;
	char path[64];
	uid_t owner;
	int fd, parent;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = stat("/proc/self/ns/user", &ours) ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && !found && !fstat(fd, &its) && its.st_ino != ours.st_ino) {
		parent = ioctl(fd, NS_GET_PARENT);
		if (parent < 0)
			break;
		if (!fstat(parent, &its) && its.st_ino == ours.st_ino && !ioctl(fd, NS_GET_OWNER_UID, &owner)) {
			*uid = owner;
			found = true;
		}
		close(fd);
		fd = parent;
	}
	if (fd >= 0)
		close(fd);
	return found;
}

/* The same choice as the kernel's: of the namespace's owner and the real UID the first that has a limit. */
static bool belongs(const struct limit_table *table, pid_t pid, uint32_t uid)
{
	const struct limit *limit;
	uint32_t owner;

	if (namespace_owner(pid, &owner)) {
		limit = find_limit(table, owner);
		if (limit)
			return (limit->charge_to ? limit->charge_to : owner) == order->uid;
	}
	limit = find_limit(table, uid);
	return limit && (limit->charge_to ? limit->charge_to : uid) == order->uid;
}

static bool read_process(const struct limit_table *table, pid_t pid, struct process *process)
{
	char path[64], status[4096];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (!read_small(path, status, sizeof(status)))
		return false;
	process->pid = pid;
	process->rss = number_after(status, "\nVmRSS:") * 1024;
	return process->rss >= LEAST_RSS && belongs(table, pid, (uint32_t)number_after(status, "\nUid:"));
}

static bool add_process(struct processes *all, const struct process *process)
{
	if (all->nr == all->size) {
		size_t size = all->size ? 2 * all->size : 64;
		struct process *list = realloc(all->list, size * sizeof(*list));

		if (!list)
			return false;
		all->list = list;
		all->size = size;
	}
	all->list[all->nr++] = *process;
	return true;
}

static int compare_processes(const void *pa, const void *pb)
{
	const struct process *a = pa, *b = pb;

	return a->rss > b->rss ? -1 : a->rss < b->rss;
}

/* The largest first. */
static void list_processes(struct processes *all)
{
	struct limit_table table;
	struct process process;
	struct dirent *entry;
	DIR *proc;

	all->nr = 0;
	if (read_limit_table(&table))
		return;
	proc = opendir("/proc");
	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)*entry->d_name) && read_process(&table, atoi(entry->d_name), &process) &&
		    !add_process(all, &process))
			break;
	if (proc)
		closedir(proc);
	free_limit_table(&table);
	if (all->nr)
		qsort(all->list, all->nr, sizeof(*all->list), compare_processes);
}

/* ---- one of them ---- */

struct subject {
	int pidfd;
	int statm;
	FILE *smaps;
};

/* A mapping, as /proc/PID/smaps tells of it. */
struct mapping {
	uint64_t start, end, rss;
	bool is_file;
};

static void close_subject(struct subject *subject)
{
	if (subject->pidfd >= 0)
		close(subject->pidfd);
	if (subject->statm >= 0)
		close(subject->statm);
	if (subject->smaps)
		fclose(subject->smaps);
}

/* The number may have gone to another process: what it is, is looked up once its pidfd is open. */
static bool open_subject(struct subject *subject, pid_t pid)
{
	struct limit_table table;
	struct process process;
	char path[64];
	bool ours = false;

	*subject = (struct subject){ .pidfd = (int)syscall(SYS_pidfd_open, pid, 0), .statm = -1 };
	if (subject->pidfd < 0) {
		progress->error = errno;
		return false;
	}
	if (!read_limit_table(&table)) {
		ours = read_process(&table, pid, &process);
		free_limit_table(&table);
	}
	if (ours) {
		snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
		subject->statm = open(path, O_RDONLY | O_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
		subject->smaps = fopen(path, "re");
		if (!subject->smaps)
			progress->error = errno;
	}
	if (subject->statm >= 0 && subject->smaps)
		return true;
	close_subject(subject);
	return false;
}

static uint64_t resident(const struct subject *subject)
{
	char text[128];
	ssize_t got = pread(subject->statm, text, sizeof(text) - 1, 0);

	text[got > 0 ? got : 0] = '\0';
	return number_after(text, " ") * page_size;
}

/* Returns false where there is no use in going on with the process. */
static bool page_out(const struct subject *subject, uint64_t start, uint64_t length)
{
	struct iovec range = { .iov_base = (void *)(uintptr_t)start, .iov_len = length };
	uint64_t before = resident(subject), after;
	long done = syscall(SYS_process_madvise, subject->pidfd, &range, 1, MADV_PAGEOUT, 0);
	int error = errno;

	progress->steps++;
	after = resident(subject);
	if (after < before)
		progress->reclaimed += before - after;
	if (done >= 0 || error == EINVAL || error == ENOMEM || error == EINTR || error == EAGAIN)
		return true;
	if (error != ESRCH)
		progress->error = error;
	return false;
}

/* As much of the mapping at a time as has about STEP_BYTES in memory. */
static uint64_t step_length(const struct mapping *m)
{
	double density = (double)m->rss / (double)(m->end - m->start);
	double length = (double)STEP_BYTES / density;

	if (length >= (double)(m->end - m->start))
		return m->end - m->start;
	return (uint64_t)length / page_size * page_size + page_size;
}

static bool page_out_mapping(const struct subject *subject, const struct mapping *m)
{
	uint64_t length = step_length(m), left = m->rss;

	for (uint64_t at = m->start; at < m->end; at += length) {
		uint64_t bytes = left < STEP_BYTES ? left : STEP_BYTES;

		if (m->end - at < length)
			length = m->end - at;
		if (!page_out(subject, at, length))
			return false;
		pace(bytes);
		left -= bytes;
		if (is_enough() || is_late())
			return false;
	}
	return true;
}

/* What cannot go anywhere, or is of no use, is left where it is. */
static bool is_wanted(const struct mapping *m, const char *flags)
{
	if (!m->rss || strstr(flags, " lo") || strstr(flags, " ht") || strstr(flags, " pf") || strstr(flags, " io"))
		return false;
	return m->is_file ? !order->counts_swap : has_swap;
}

/* "7f00-7f10 rw-p 00000000 00:00 0    /path"; the keys that follow begin with a capital. */
static bool is_mapping(const char *line, struct mapping *m)
{
	unsigned long long start, end;

	if (isupper((unsigned char)*line) || sscanf(line, "%llx-%llx", &start, &end) != 2)
		return false;
	*m = (struct mapping){ .start = start, .end = end, .is_file = strchr(line, '/') };
	/* What has no file on a disk goes to swap. */
	if (strstr(line, " /memfd:") || strstr(line, " /dev/zero") || strstr(line, " /SYSV") || strstr(line, " /dev/shm/"))
		m->is_file = false;
	return true;
}

static void page_out_process(pid_t pid)
{
	struct mapping m = { 0 };
	struct subject subject;
	char *line = NULL;
	size_t size = 0;

	progress->pid = pid;
	progress->steps++;
	if (!open_subject(&subject, pid))
		return;
	while (getline(&line, &size, subject.smaps) > 0) {
		progress->steps++;
		if (is_mapping(line, &m))
			continue;
		if (!strncmp(line, "Rss:", 4))
			m.rss = strtoull(line + 4, NULL, 10) * 1024;
		else if (!strncmp(line, "VmFlags:", 8) && is_wanted(&m, line) && !page_out_mapping(&subject, &m))
			break;
	}
	free(line);
	close_subject(&subject);
}

/* ---- all of them ---- */

static enum pageout_result page_out_round(struct processes *all)
{
	list_processes(all);
	progress->steps++;
	for (size_t i = 0; i < all->nr; i++) {
		page_out_process(all->list[i].pid);
		if (is_enough())
			return order->counts_swap ? PAGEOUT_COUNTED : PAGEOUT_BELOW;
		if (is_late())
			return PAGEOUT_LATE;
	}
	return PAGEOUT_NOTHING_MORE;
}

enum pageout_result pageout_run(const struct pageout_order *what, struct pageout_progress *how)
{
	struct processes all = { 0 };
	enum pageout_result result;
	uint64_t before, usage;

	order = what;
	progress = how;
	page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	began = step_began = now_ns();
	if (!read_usage(&usage) || usage <= order->high)
		return PAGEOUT_NOT_NEEDED;
	update_excess();
	do {
		before = progress->reclaimed;
		has_swap = swap_has_room();
		progress->no_swap = !has_swap;
		result = page_out_round(&all);
	} while (result == PAGEOUT_NOTHING_MORE && progress->reclaimed - before >= LEAST_BYTES);
	if (result == PAGEOUT_NOTHING_MORE && !progress->reclaimed &&
	    (progress->error == EPERM || progress->error == EACCES || progress->error == ENOSYS))
		return PAGEOUT_REFUSED;
	return result;
}

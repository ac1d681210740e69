// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_memd: what on_high=reclaim asks for
 *
 * Each event "high" names a UID. Where its limit says on_high=reclaim, a child
 * pages memory of it out (uid_memd_pageout.c). One that does not get on, because
 * a process of the UID holds its own address space locked, is killed, and no other
 * is started for the UID until it is gone, which may take as long as that process
 * wants. Nobody waits for it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uid_mem_proc.h"
#include "uid_memd.h"

/* Children that work at the same time; more UIDs wait for their turn. */
#define MAX_RUNNING	4
/* With those that were killed and are not gone yet. */
#define MAX_WORKERS	64
#define MAX_WANTED	1024
/* The limits are read this often at most, in ms. */
#define START_MS	100
/* How often to see whether children get on, and for how long one may not, in ms. */
#define WATCH_MS	1000
#define STALL_MS	10000

struct worker {
	pid_t pid;		/* 0: none */
	struct pageout_order order;
	struct pageout_progress *progress;
	uint64_t steps;		/* when it last got on */
	int64_t moved_at;
	bool is_stalled;
	bool again;		/* another crossing of its UID since it began */
};

static struct worker workers[MAX_WORKERS];
static uint32_t wanted[MAX_WANTED];
static size_t nr_wanted;
static int64_t start_at, watch_at;

static unsigned int count_running(void)
{
	unsigned int nr = 0;

	for (size_t i = 0; i < MAX_WORKERS; i++)
		nr += workers[i].pid && !workers[i].is_stalled;
	return nr;
}

static struct worker *find_worker(uint32_t uid)
{
	for (size_t i = 0; i < MAX_WORKERS; i++)
		if (workers[i].pid && workers[i].order.uid == uid)
			return &workers[i];
	return NULL;
}

static struct worker *free_worker(void)
{
	for (size_t i = 0; i < MAX_WORKERS; i++)
		if (!workers[i].pid)
			return &workers[i];
	return NULL;
}

/* A UID is above its high mark. One that finds no room here comes with its next crossing. */
void reclaim_want(uint32_t uid)
{
	for (size_t i = 0; i < nr_wanted; i++)
		if (wanted[i] == uid)
			return;
	if (nr_wanted < MAX_WANTED)
		wanted[nr_wanted++] = uid;
}

static bool make_progress(struct worker *worker)
{
	if (!worker->progress) {
		void *memory = mmap(NULL, sizeof(*worker->progress), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			return false;
		worker->progress = memory;
	}
	*worker->progress = (struct pageout_progress){ 0 };
	return true;
}

__attribute__((noreturn))
static void be_worker(const struct worker *worker, pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(PAGEOUT_NOT_NEEDED);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	_exit(pageout_run(&worker->order, worker->progress));
}

static void start_worker(uint32_t uid, const struct limit *limit, int64_t now)
{
	struct worker *worker = free_worker();
	pid_t parent = getpid();

	if (!worker || !make_progress(worker))
		return;
	worker->order = (struct pageout_order){ uid, limit->high, limit->counts_swap };
	worker->steps = 0;
	worker->moved_at = now;
	worker->is_stalled = false;
	worker->again = false;
	worker->pid = fork();
	if (worker->pid == 0)
		be_worker(worker, parent);
	if (worker->pid < 0) {
		say(PRIORITY_ERROR, "uid %u: cannot reclaim: fork: %s", uid, strerror(errno));
		worker->pid = 0;
	}
}

/* Take the UIDs off the list that need nothing, and start with the first of the others. */
static void start_workers(int64_t now)
{
	struct limit_table table;
	size_t kept = 0;

	if (read_limit_table(&table)) {
		nr_wanted = 0;
		return;
	}
	for (size_t i = 0; i < nr_wanted; i++) {
		uint32_t uid = wanted[i];
		const struct limit *limit = find_limit(&table, uid);
		struct worker *worker = find_worker(uid);

		if (!limit || !limit->reclaims)
			continue;
		if (worker)
			worker->again = !worker->is_stalled;
		else if (count_running() < MAX_RUNNING)
			start_worker(uid, limit, now);
		else
			wanted[kept++] = uid;
	}
	nr_wanted = kept;
	free_limit_table(&table);
}

static void watch_worker(struct worker *worker, int64_t now)
{
	uint64_t steps = worker->progress->steps;

	if (steps != worker->steps) {
		worker->steps = steps;
		worker->moved_at = now;
	} else if (now - worker->moved_at >= STALL_MS) {
		worker->is_stalled = true;
		kill(worker->pid, SIGKILL);
		say(PRIORITY_WARNING, "uid %u: process %d holds up its address space, and reclaim is given up; reclaimed %llu "
		    "bytes", worker->order.uid, worker->progress->pid,
		    (unsigned long long)worker->progress->reclaimed);
	}
}

/* When there is something to do, in ms as now_ms() of uid_memd.c; NEVER for not at all. */
int64_t reclaim_due(void)
{
	unsigned int running = count_running();
	int64_t due = NEVER;

	if (nr_wanted && running < MAX_RUNNING)
		due = start_at;
	if (running && watch_at < due)
		due = watch_at;
	return due;
}

void reclaim_run(int64_t now)
{
	if (nr_wanted && now >= start_at && count_running() < MAX_RUNNING) {
		start_workers(now);
		start_at = now + START_MS;
	}
	if (now < watch_at)
		return;
	for (size_t i = 0; i < MAX_WORKERS; i++)
		if (workers[i].pid && !workers[i].is_stalled)
			watch_worker(&workers[i], now);
	watch_at = now + WATCH_MS;
}

static void tell_result(const struct worker *worker, enum pageout_result result)
{
	const struct pageout_progress *progress = worker->progress;
	unsigned long long bytes = progress->reclaimed;
	unsigned int uid = worker->order.uid;

	switch (result) {
	case PAGEOUT_NOT_NEEDED:
		break;
	case PAGEOUT_BELOW:
		say(PRIORITY_INFO, "uid %u: reclaimed %llu bytes, usage is below high", uid, bytes);
		break;
	case PAGEOUT_COUNTED:
		say(PRIORITY_INFO, "uid %u: reclaimed %llu bytes; what is in swap counts by its metric, so usage stays", uid,
		    bytes);
		break;
	case PAGEOUT_NOTHING_MORE:
		say(PRIORITY_NOTICE, "uid %u: reclaimed %llu bytes, nothing more to reclaim%s", uid, bytes,
		    progress->no_swap ? ": there is no room in swap" : "");
		break;
	case PAGEOUT_LATE:
		say(PRIORITY_NOTICE, "uid %u: reclaimed %llu bytes, and usage is above high: its processes take them back", uid,
		    bytes);
		break;
	case PAGEOUT_REFUSED:
		say(PRIORITY_ERROR, "uid %u: cannot reclaim: %s; it takes Linux 5.10, CAP_SYS_NICE and CAP_SYS_PTRACE", uid,
		    strerror(progress->error));
		break;
	}
}

/* A child has ended; false where it is not one of these. */
bool reclaim_ended(pid_t pid, int status)
{
	for (size_t i = 0; i < MAX_WORKERS; i++) {
		struct worker *worker = &workers[i];

		if (worker->pid != pid)
			continue;
		state->reclaimed += worker->progress->reclaimed;
		if (WIFEXITED(status))
			tell_result(worker, (enum pageout_result)WEXITSTATUS(status));
		else if (!worker->is_stalled)
			say(PRIORITY_ERROR, "uid %u: reclaim was ended by signal %d", worker->order.uid, WTERMSIG(status));
		worker->pid = 0;
		if (worker->again)
			reclaim_want(worker->order.uid);
		return true;
	}
	return false;
}

/* Nobody waits for them. */
void reclaim_stop(void)
{
	for (size_t i = 0; i < MAX_WORKERS; i++)
		if (workers[i].pid)
			kill(workers[i].pid, SIGKILL);
	nr_wanted = 0;
}

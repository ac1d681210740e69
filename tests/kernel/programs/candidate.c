// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * candidate - a process with what a policy may look at
 *
 * Becomes what its arguments say, prints its pid and waits to be killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

struct order {
	uid_t uid;
	size_t bytes;
	bool admin;
	bool swapped;
	const char *adj;
	long cpu_ms;
	long gone_ms;
};

static const char usage[] =
	"usage: candidate [OPTION...] UID MIB\n"
	"\n"
	"Starts a process of UID that has MIB MiB of memory, prints its pid once it is as\n"
	"ordered, and leaves it running.\n"
	"\n"
	"  --adj N      its oom_score_adj\n"
	"  --admin      it has CAP_SYS_ADMIN\n"
	"  --cpu MS     it has used that much CPU time\n"
	"  --gone MS    so has a thread of it that is gone\n"
	"  --swapped    its memory is swapped out, as far as the kernel follows\n"
	"\n"
	"Exit status: 0 done, 1 refused, 2 wrong arguments\n";

__attribute__((noreturn))
static void die(const char *what)
{
	fprintf(stderr, "candidate: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void adjust(const char *adj)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, adj, strlen(adj)) < 0)
		die("oom_score_adj");
	close(fd);
}

static void keep_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = 1U << CAP_SYS_ADMIN, .permitted = 1U << CAP_SYS_ADMIN },
	};

	if (syscall(SYS_capset, &header, data))
		die("CAP_SYS_ADMIN");
}

static void become(const struct order *order)
{
	if (order->adj)
		adjust(order->adj);
	if (order->admin && prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L))
		die("PR_SET_KEEPCAPS");
	if (setgroups(0, NULL) || setresgid(order->uid, order->uid, order->uid) ||
	    setresuid(order->uid, order->uid, order->uid))
		die("setresuid");
	if (order->admin)
		keep_admin();
}

/* Of this thread. */
static long cpu_ms(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static void *spin(void *ms)
{
	long until = cpu_ms() + *(const long *)ms;

	while (cpu_ms() < until)
		;
	return NULL;
}

static void spin_in_thread(long ms)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, spin, &ms);
	if (!errno)
		errno = pthread_join(thread, NULL);
	if (errno)
		die("thread");
}

static void take(const struct order *order)
{
	char *memory = mmap(NULL, order->bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	memset(memory, 1, order->bytes);
	if (order->swapped && madvise(memory, order->bytes, MADV_PAGEOUT))
		die("MADV_PAGEOUT");
}

static void be(struct order *order)
{
	become(order);
	take(order);
	spin(&order->cpu_ms);
	if (order->gone_ms)
		spin_in_thread(order->gone_ms);
}

/* Returns once the process is as ordered. */
static int start(struct order *order)
{
	int ready[2];
	pid_t pid;
	char byte;

	if (pipe2(ready, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		setsid();
		be(order);
		/* Whoever reads our output is not to wait for our end. */
		if (write(ready[1], "", 1) != 1 || !freopen("/dev/null", "w", stdout))
			_exit(1);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return 1;
	printf("%d\n", pid);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "adj", required_argument, NULL, 'a' },
		{ "admin", no_argument, NULL, 'A' },
		{ "cpu", required_argument, NULL, 'c' },
		{ "gone", required_argument, NULL, 'g' },
		{ "swapped", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct order order = { .uid = 0 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'a':
			order.adj = optarg;
			break;
		case 'A':
			order.admin = true;
			break;
		case 'c':
			order.cpu_ms = strtol(optarg, NULL, 10);
			break;
		case 'g':
			order.gone_ms = strtol(optarg, NULL, 10);
			break;
		case 's':
			order.swapped = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind + 2 != argc) {
		fputs(usage, stderr);
		return 2;
	}
	order.uid = (uid_t)strtoul(argv[optind], NULL, 10);
	order.bytes = (size_t)strtoul(argv[optind + 1], NULL, 10) << 20;
	return start(&order);
}

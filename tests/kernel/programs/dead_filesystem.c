// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * dead_filesystem - a file system that does not answer, and processes that hang in it
 *
 * A FUSE server that takes requests and answers none but the first; or a file system
 * that is frozen. Whatever waits for them sleeps uninterruptibly, and SIGKILL does not
 * end it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB		(1UL << 20)
#define PAGE		4096
#define FIRST_MIB	60
#define MOST_MIB	400
#define PATIENCE_S	15
#define REQUEST_SIZE	(1 << 18)

static const char *way, *path;
static char *mapped;
static pid_t hanging;	/* the thread that does */

__attribute__((noreturn))
static void fail(const char *what)
{
	fprintf(stderr, "dead_filesystem: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The first request is about the version; what comes then is read, so that it counts as sent. */
static int serve(const char *directory)
{
	static char request[REQUEST_SIZE];
	const struct fuse_in_header *in = (const void *)request;
	const struct fuse_init_in *init = (const void *)(request + sizeof(*in));
	struct {
		struct fuse_out_header head;
		struct fuse_init_out init;
	} answer = { .head = { .len = sizeof(answer) } };
	char options[128];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("/dev/fuse");
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
	if (mount("dead", directory, "fuse", MS_NOSUID | MS_NODEV, options))
		fail(directory);
	if (read(fd, request, sizeof(request)) < 0)
		fail("the first request");
	answer.head.unique = in->unique;
	answer.init.major = FUSE_KERNEL_VERSION;
	answer.init.minor = init->minor < FUSE_KERNEL_MINOR_VERSION ? init->minor : FUSE_KERNEL_MINOR_VERSION;
	answer.init.max_write = PAGE;
	if (write(fd, &answer, sizeof(answer)) != sizeof(answer))
		fail("the first answer");
	printf("ready\n");
	fflush(stdout);
	while (read(fd, request, sizeof(request)) > 0 || errno == EINTR || errno == ENOENT)
		;
	return 0;
}

static int freeze(const char *directory, bool on)
{
	int fd = open(directory, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, on ? FIFREEZE : FITHAW, 0))
		fail(directory);
	return 0;
}

/* Shared: private memory is taken from a victim, where the kernel has our patch. */
static char *map(size_t mib)
{
	char *start = mmap(NULL, mib * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		fail("mmap");
	madvise(start, mib * MIB, MADV_NOHUGEPAGE);
	return start;
}

static void *hang(void *unused)
{
	struct stat st;
	int fd;

	(void)unused;
	hanging = (pid_t)syscall(SYS_gettid);
	if (!strcmp(way, "look")) {
		stat(path, &st);
	} else if (!strcmp(way, "write")) {
		fd = open(path, O_WRONLY);
		if (write(fd, "", 1) < 0)
			perror(path);
	} else {
		*(volatile char *)mapped = 1;
	}
	return NULL;
}

static char state_of(pid_t pid, pid_t thread)
{
	char file[64], text[256] = "";
	const char *at;
	int fd;

	snprintf(file, sizeof(file), "/proc/%d/task/%d/stat", pid, thread);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0) {
		close(fd);
		return '-';
	}
	close(fd);
	at = strrchr(text, ')');
	return at && at[1] ? at[2] : '-';
}

static bool is_asleep(char state)
{
	return state == 'S' || state == 'D';
}

/* One thread hangs, and another one takes memory until it is killed. */
__attribute__((noreturn))
static void grow(uid_t uid)
{
	pthread_t thread;
	char *memory;
	int fd;

	if (!strcmp(way, "page")) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		mapped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (mapped == MAP_FAILED)
			fail(path);
	}
	memory = map(MOST_MIB);
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid) || pthread_create(&thread, NULL, hang, NULL))
		fail("a thread");
	/* Twice: on its way there it may sleep for something else. */
	for (int seen = 0; seen < 2; seen += is_asleep(state_of(getpid(), hanging)))
		usleep(20000);
	for (size_t at = 0; at < MOST_MIB * MIB; at += PAGE)
		memory[at] = 1;
	for (;;)
		pause();
}

/* Returns whether it was killed, and hangs. */
static bool run_victim(uid_t uid)
{
	const time_t end = time(NULL) + PATIENCE_S;
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid == 0)
		grow(uid);
	while (time(NULL) < end && state_of(pid, pid) != 'Z')
		usleep(20000);
	return waitpid(pid, NULL, WNOHANG) == 0 && state_of(pid, pid) == 'Z';
}

static int run_victims(uid_t uid, int nr)
{
	int hang = 0;

	while (nr-- > 0)
		hang += run_victim(uid);
	printf("%d\n", hang);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(argv[2]);
	if (argc == 3 && (!strcmp(argv[1], "freeze") || !strcmp(argv[1], "thaw")))
		return freeze(argv[2], !strcmp(argv[1], "freeze"));
	if (argc == 6 && !strcmp(argv[1], "hang") &&
	    (!strcmp(argv[2], "look") || !strcmp(argv[2], "write") || !strcmp(argv[2], "page"))) {
		way = argv[2];
		path = argv[3];
		return run_victims((uid_t)strtoul(argv[4], NULL, 10), atoi(argv[5]));
	}
	fprintf(argc == 2 ? stdout : stderr,
		"usage: dead_filesystem serve DIRECTORY\n"
		"       dead_filesystem freeze|thaw DIRECTORY\n"
		"       dead_filesystem hang look|write|page FILE UID N\n\n"
		"serve: mounts a FUSE file system, prints \"ready\", and answers nothing, until it is\n"
		"killed. hang: has N processes of UID, one after the other, take memory until they are\n"
		"killed, each with a thread that hangs: it looks at FILE, writes to it, or to a page of\n"
		"it that is mapped. Prints how many of them hang then.\n");
	return argc == 2 ? 0 : 2;
}

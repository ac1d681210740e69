// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * puppet - a process that does what a test tells it
 *
 * A started puppet listens on an abstract socket of its name and carries out
 * one command at a time. "tell" sends one and prints the answer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

#define MAX_REGIONS	64
#define STACK_SIZE	(64 * 1024)
#define MESSAGE_SIZE	1024

/* Exit statuses of "puppet tell". */
enum {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,	/* the command failed; the answer says why */
	EXIT_MISUSE = 2,
	EXIT_DIED = 3,		/* no answer: the puppet is gone */
};

/* The memory that commands have taken. */
static struct region {
	char *start;
	size_t bytes;
} regions[MAX_REGIONS];
static int nr_regions;

static char answer[MESSAGE_SIZE];
static int server = -1;		/* the socket listened on */
static int connection = -1;	/* the one being served */
static char *program;		/* how to execute this again */

static void print_help(void)
{
	printf("usage: puppet start UID NAME      become UID and wait for commands; prints the pid\n"
	       "       puppet tell NAME COMMAND   have NAME do COMMAND; prints its answer\n"
	       "\n"
	       "memory:     use BYTES  share BYTES  again TIMES  file PATH  free  rewrite\n"
	       "            pageout\n"
	       "signals:    on-term free|stay  terms  (what SIGTERM does: give back all but the last memory, or nothing)\n"
	       "identity:   setgid GID  setuid UID  setreal UID  thread-setreal UID  unshare-user  name TEXT\n"
	       "            realtime PRIORITY\n"
	       "processes:  fork NAME  forks COUNT  exec NAME  thread  locker  sharer  vfork-sharer  vfork UID\n"
	       "            vfork-exec  exit-leader  exit  spin MS\n"
	       "others:     hold PID  held PID  release PID\n"
	       "\n"
	       "BYTES may end in K, M or G. Exit status of tell: 0 done, 1 refused, 2 wrong\n"
	       "arguments, 3 the puppet died of it or is not there.\n");
}

__attribute__((format(printf, 1, 2), noreturn))
static void misuse(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "puppet: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry 'puppet --help'.\n");
	exit(EXIT_MISUSE);
}

/* The answer to the command that runs; returns whether it was done. */
__attribute__((format(printf, 1, 2)))
static int done(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(answer, sizeof(answer), format, args);
	va_end(args);
	return 0;
}

static int refused(const char *what)
{
	snprintf(answer, sizeof(answer), "%.200s: %s", what, strerror(errno));
	return -1;
}

static size_t parse_size(const char *text)
{
	char *unit;
	size_t bytes = strtoull(text, &unit, 10);

	switch (*unit) {
	case 'G':
		return bytes << 30;
	case 'M':
		return bytes << 20;
	case 'K':
		return bytes << 10;
	}
	return bytes;
}

static int keep_region(char *start, size_t bytes)
{
	if (start == MAP_FAILED)
		return refused("mmap");
	if (nr_regions == MAX_REGIONS) {
		errno = ENOSPC;
		return refused("regions");
	}
	regions[nr_regions++] = (struct region) { start, bytes };
	return 0;
}

/* Memory */

static int do_use(const char *text)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = parse_size(text);
	volatile char *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (keep_region((char *)start, bytes))
		return -1;
	for (size_t at = 0; at < bytes; at += page)
		start[at] = 1;
	return done("%zu", bytes);
}

/* Write to all memory again: what is shared since a fork() is copied. */
static int do_rewrite(const char *unused)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)unused;
	for (int i = 0; i < nr_regions; i++)
		for (size_t at = 0; at < regions[i].bytes; at += page)
			((volatile char *)regions[i].start)[at] = 2;
	return done("rewritten");
}

static int shared_fd = -1;	/* of the last "share" */
static size_t shared_bytes;

static int do_share(const char *text)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = parse_size(text);
	int fd = (int)syscall(SYS_memfd_create, "puppet", 0);
	volatile char *start;

	if (fd < 0 || ftruncate(fd, (off_t)bytes))
		return refused("memfd");
	start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	shared_fd = fd;
	shared_bytes = bytes;
	if (keep_region((char *)start, bytes))
		return -1;
	for (size_t at = 0; at < bytes; at += page)
		start[at] = 1;
	return done("%zu", bytes);
}

/* Map what was shared so many times more: it counts each time, and takes RAM only once. */
static int do_again(const char *text)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	volatile char *start, sum = 0;

	for (int times = atoi(text); times > 0; times--) {
		start = mmap(NULL, shared_bytes, PROT_READ, MAP_SHARED, shared_fd, 0);
		if (keep_region((char *)start, shared_bytes))
			return -1;
		for (size_t at = 0; at < shared_bytes; at += page)
			sum += start[at];
	}
	return done("%s", text);
}

static int do_file(const char *path)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	volatile char *start, sum = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return refused(path);
	start = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (keep_region((char *)start, (size_t)st.st_size))
		return -1;
	for (size_t at = 0; at < (size_t)st.st_size; at += page)
		sum += start[at];
	return done("%lld", (long long)st.st_size);
}

static int do_free(const char *unused)
{
	(void)unused;
	while (nr_regions > 0) {
		nr_regions--;
		munmap(regions[nr_regions].start, regions[nr_regions].bytes);
	}
	return done("freed");
}

static int do_pageout(const char *unused)
{
	(void)unused;
	for (int i = 0; i < nr_regions; i++)
		if (madvise(regions[i].start, regions[i].bytes, MADV_PAGEOUT))
			return refused("madvise");
	return done("out");
}

/* SIGTERM */

static volatile sig_atomic_t nr_terms;
static volatile sig_atomic_t frees_on_term;

/* The last region may be one that is being touched. */
static void take_term(int signal_number)
{
	(void)signal_number;
	nr_terms++;
	if (!frees_on_term || nr_regions < 2)
		return;
	for (int i = 0; i < nr_regions - 1; i++)
		munmap(regions[i].start, regions[i].bytes);
	regions[0] = regions[nr_regions - 1];
	nr_regions = 1;
}

static int do_on_term(const char *action)
{
	const struct sigaction take = { .sa_handler = take_term, .sa_flags = SA_RESTART };

	frees_on_term = !strcmp(action, "free");
	if (sigaction(SIGTERM, &take, NULL))
		return refused("sigaction");
	return done("%s", action);
}

static int do_terms(const char *unused)
{
	(void)unused;
	return done("%d", (int)nr_terms);
}

/* Identity: raw system calls where the C library would change all threads. */

static int do_setuid(const char *text)
{
	uid_t uid = (uid_t)strtoul(text, NULL, 10);

	if (setresuid(uid, uid, uid))
		return refused("setresuid");
	return done("uid %u", getuid());
}

static int do_setgid(const char *text)
{
	gid_t gid = (gid_t)strtoul(text, NULL, 10);

	if (setresgid(gid, gid, gid))
		return refused("setresgid");
	return done("gid %u", getgid());
}

static int do_setreal(const char *text)
{
	uid_t uid = (uid_t)strtoul(text, NULL, 10);

	if (setresuid(uid, (uid_t)-1, (uid_t)-1))
		return refused("setresuid");
	return done("uid %u", getuid());
}

/* What a helper thread is to do, and what came of it. */
struct errand {
	uid_t uid;
	int result;
	int error;
	pid_t pid;
	int ready[2];
};

static void *thread_setreal(void *data)
{
	struct errand *errand = data;

	errand->result = (int)syscall(SYS_setresuid, errand->uid, (uid_t)-1, (uid_t)-1);
	errand->error = errno;
	if (write(errand->ready[1], "", 1) != 1)
		abort();
	for (;;)
		pause();
	return NULL;
}

/* Starts a thread and waits until it has something to say. */
static int send_errand(void *(*function)(void *), struct errand *errand)
{
	pthread_t thread;
	char ready;

	if (pipe(errand->ready))
		return refused("pipe");
	errno = pthread_create(&thread, NULL, function, errand);
	if (errno)
		return refused("pthread_create");
	pthread_detach(thread);
	if (read(errand->ready[0], &ready, 1) != 1)
		return refused("read");
	return 0;
}

static int do_thread_setreal(const char *text)
{
	static struct errand errand;

	errand = (struct errand) { .uid = (uid_t)strtoul(text, NULL, 10) };
	if (send_errand(thread_setreal, &errand))
		return -1;
	errno = errand.error;
	if (errand.result)
		return refused("setresuid");
	return done("uid %u, its thread %u", getuid(), errand.uid);
}

static int do_unshare_user(const char *unused)
{
	(void)unused;
	/* Only a dumpable process has a /proc/PID/uid_map that may be written. */
	if (unshare(CLONE_NEWUSER) || prctl(PR_SET_DUMPABLE, 1))
		return refused("unshare");
	return done("in a user namespace");
}

/* With the privileges of root, so before setuid. */
static int do_realtime(const char *text)
{
	const struct sched_param param = { .sched_priority = atoi(text) };

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		return refused("sched_setscheduler");
	return done("priority %d", param.sched_priority);
}

static int do_name(const char *text)
{
	if (prctl(PR_SET_NAME, text))
		return refused("prctl");
	return done("named");
}

/* Processes */

static int listen_as(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	/* The first byte stays 0: an abstract name needs no file. */
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "puppet-%s", name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void serve(void);

static int do_fork(const char *name)
{
	int ready[2];
	pid_t pid;
	char byte;

	if (pipe(ready))
		return refused("pipe");
	pid = fork();
	if (pid < 0)
		return refused("fork");
	if (pid == 0) {
		close(server);
		close(connection);
		server = listen_as(name);
		if (server < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		close(ready[0]);
		close(ready[1]);
		serve();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return refused(name);
	close(ready[0]);
	return done("%d", pid);
}

/* Children that end at once, one after the other. */
static int do_forks(const char *text)
{
	int status;
	pid_t pid;

	for (int left = atoi(text); left > 0; left--) {
		pid = fork();
		if (pid < 0)
			return refused("fork");
		if (pid == 0)
			_exit(0);
		/* Fails when it is gone: SIGCHLD is ignored. */
		waitpid(pid, &status, 0);
	}
	return done("%s", text);
}

/* The new program answers: it listens under the new name first. */
static int do_exec(const char *name)
{
	char fd[16];

	snprintf(fd, sizeof(fd), "%d", connection);
	fcntl(connection, F_SETFD, 0);
	execl(program, program, "go-on", name, fd, NULL);
	return refused(program);
}

static void *thread_idle(void *data)
{
	struct errand *errand = data;

	if (write(errand->ready[1], "", 1) != 1)
		abort();
	for (;;)
		pause();
	return NULL;
}

/* Keeps the address space locked for most of the time. */
static void *lock_mm(void *data)
{
	struct errand *errand = data;

	if (write(errand->ready[1], "", 1) != 1)
		abort();
	for (;;) {
		mprotect(regions[0].start, regions[0].bytes, PROT_READ);
		mprotect(regions[0].start, regions[0].bytes, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

static int do_locker(const char *unused)
{
	static struct errand errand;

	(void)unused;
	if (nr_regions == 0) {
		errno = ENOMEM;
		return refused("locker");
	}
	if (send_errand(lock_mm, &errand))
		return -1;
	return done("locks");
}

static int do_thread(const char *unused)
{
	static struct errand errand;

	(void)unused;
	if (send_errand(thread_idle, &errand))
		return -1;
	return done("a thread more");
}

static int idle(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return 0;
}

/* A process of its own on our address space. */
static int do_sharer(const char *unused)
{
	char *stack = malloc(STACK_SIZE);
	pid_t pid;

	(void)unused;
	pid = clone(idle, stack + STACK_SIZE, CLONE_VM | SIGCHLD, NULL);
	if (pid < 0)
		return refused("clone");
	return done("%d", pid);
}

/* Runs on the address space of the thread that waits for it. */
static struct errand vforked;
static int vfork_go[2];

static int vfork_idle(void *unused)
{
	(void)unused;
	vforked.pid = (pid_t)syscall(SYS_getpid);
	syscall(SYS_write, vforked.ready[1], "", 1L);
	for (;;)
		syscall(SYS_ppoll, NULL, 0L, NULL, NULL, 0L);
	return 0;
}

static int vfork_setuid_exec(void *unused)
{
	char *const argv[] = { "sleep", "1000", NULL };
	char byte;

	(void)unused;
	vforked.pid = (pid_t)syscall(SYS_getpid);
	vforked.result = (int)syscall(SYS_setresuid, vforked.uid, vforked.uid, vforked.uid);
	syscall(SYS_write, vforked.ready[1], "", 1L);
	syscall(SYS_read, vfork_go[0], &byte, 1L);
	execv("/bin/sleep", argv);
	syscall(SYS_exit_group, 1L);
	return 0;
}

static void *thread_vfork(void *child)
{
	char *stack = malloc(STACK_SIZE);

	clone(*(int (**)(void *))child, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	for (;;)
		pause();
	return NULL;
}

static int start_vfork(int (*child)(void *), uid_t uid)
{
	static int (*function)(void *);
	pthread_t thread;
	char byte;

	vforked = (struct errand) { .uid = uid };
	function = child;
	if (pipe(vforked.ready) || pipe(vfork_go))
		return refused("pipe");
	errno = pthread_create(&thread, NULL, thread_vfork, &function);
	if (errno)
		return refused("pthread_create");
	if (read(vforked.ready[0], &byte, 1) != 1)
		return refused("read");
	if (vforked.result) {
		errno = EPERM;
		return refused("setresuid");
	}
	return done("%d", vforked.pid);
}

/* Only a child of vfork() has an oom_score_adj apart from who shares its memory. */
static int do_vfork_sharer(const char *unused)
{
	(void)unused;
	return start_vfork(vfork_idle, 0);
}

static int do_vfork(const char *text)
{
	return start_vfork(vfork_setuid_exec, (uid_t)strtoul(text, NULL, 10));
}

static int do_vfork_exec(const char *unused)
{
	(void)unused;
	if (write(vfork_go[1], "", 1) != 1)
		return refused("write");
	return done("goes on");
}

static void *thread_serve(void *unused)
{
	(void)unused;
	serve();
	return NULL;
}

static void reply(int status);

/* The first thread ends, and another one takes the commands. */
static int do_exit_leader(const char *unused)
{
	pthread_t thread;

	(void)unused;
	done("the first thread ends");
	reply(0);
	errno = pthread_create(&thread, NULL, thread_serve, NULL);
	if (errno)
		_exit(1);
	syscall(SYS_exit, 0L);
	return 0;
}

static int do_exit(const char *unused)
{
	(void)unused;
	done("exits");
	reply(0);
	_exit(0);
}

static int do_spin(const char *text)
{
	clock_t until = clock() + (clock_t)strtol(text, NULL, 10) * (CLOCKS_PER_SEC / 1000);

	while (clock() < until)
		;
	return done("%s", text);
}

/* Others: hold a process at the very beginning of its exit, with all its memory. */

static int do_hold(const char *text)
{
	pid_t pid = (pid_t)strtol(text, NULL, 10);

	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_TRACEEXIT))
		return refused("ptrace");
	return done("seized %d", pid);
}

static int do_held(const char *text)
{
	pid_t pid = (pid_t)strtol(text, NULL, 10);
	int status;

	if (waitpid(pid, &status, __WALL) != pid)
		return refused("waitpid");
	if (!WIFSTOPPED(status) || status >> 16 != PTRACE_EVENT_EXIT) {
		errno = ECHILD;
		return refused("it did not stop at its exit");
	}
	return done("held %d", pid);
}

static int do_release(const char *text)
{
	if (ptrace(PTRACE_DETACH, (pid_t)strtol(text, NULL, 10), NULL, NULL))
		return refused("ptrace");
	return done("released");
}

static const struct command {
	const char *name;
	bool has_argument;
	int (*run)(const char *argument);
} commands[] = {
	{ "use", true, do_use },
	{ "share", true, do_share },
	{ "again", true, do_again },
	{ "file", true, do_file },
	{ "free", false, do_free },
	{ "rewrite", false, do_rewrite },
	{ "pageout", false, do_pageout },
	{ "on-term", true, do_on_term },
	{ "terms", false, do_terms },
	{ "setgid", true, do_setgid },
	{ "setuid", true, do_setuid },
	{ "setreal", true, do_setreal },
	{ "thread-setreal", true, do_thread_setreal },
	{ "unshare-user", false, do_unshare_user },
	{ "realtime", true, do_realtime },
	{ "name", true, do_name },
	{ "fork", true, do_fork },
	{ "forks", true, do_forks },
	{ "exec", true, do_exec },
	{ "thread", false, do_thread },
	{ "locker", false, do_locker },
	{ "sharer", false, do_sharer },
	{ "vfork-sharer", false, do_vfork_sharer },
	{ "vfork", true, do_vfork },
	{ "vfork-exec", false, do_vfork_exec },
	{ "exit-leader", false, do_exit_leader },
	{ "exit", false, do_exit },
	{ "spin", true, do_spin },
	{ "hold", true, do_hold },
	{ "held", true, do_held },
	{ "release", true, do_release },
};

static const struct command *find_command(const char *text, const char **argument)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const size_t length = strlen(commands[i].name);

		if (strncmp(text, commands[i].name, length))
			continue;
		*argument = text + length + 1;
		if (text[length] == (commands[i].has_argument ? ' ' : '\0'))
			return &commands[i];
	}
	return NULL;
}

/* An answer begins with the byte of its status. */
static void reply(int status)
{
	char message[MESSAGE_SIZE + 1];

	message[0] = status ? 'n' : 'y';
	memcpy(message + 1, answer, sizeof(answer));
	if (send(connection, message, 1 + strlen(answer), MSG_NOSIGNAL) < 0)
		_exit(1);
	close(connection);
	connection = -1;
}

__attribute__((noreturn))
static void serve(void)
{
	const struct command *command;
	char text[MESSAGE_SIZE];
	const char *argument;
	ssize_t length;

	for (;;) {
		connection = accept4(server, NULL, NULL, SOCK_CLOEXEC);
		length = connection < 0 ? -1 : recv(connection, text, sizeof(text) - 1, 0);
		if (length < 0)
			_exit(1);
		text[length] = '\0';
		command = find_command(text, &argument);
		errno = EINVAL;
		reply(command ? command->run(argument) : refused(text));
	}
}

static void become(uid_t uid)
{
	if (uid && (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))) {
		perror("puppet: setresuid");
		exit(EXIT_REFUSED);
	}
}

/* Returns when the puppet listens, so that what follows can be told to it. */
static int start(uid_t uid, const char *name)
{
	pid_t pid;

	server = listen_as(name);
	if (server < 0) {
		perror(name);
		return EXIT_REFUSED;
	}
	pid = fork();
	if (pid < 0) {
		perror("puppet: fork");
		return EXIT_REFUSED;
	}
	if (pid > 0) {
		printf("%d\n", pid);
		return EXIT_DONE;
	}
	setsid();
	/* Nobody is to wait for the end of an output that this keeps open. */
	if (!freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stdout))
		_exit(1);
	signal(SIGCHLD, SIG_IGN);
	become(uid);
	serve();
}

/* After "exec": the same process, a new address space. */
static int go_on(const char *name, const char *fd)
{
	server = listen_as(name);
	connection = atoi(fd);
	fcntl(connection, F_SETFD, FD_CLOEXEC);
	if (server < 0)
		return EXIT_REFUSED;
	done("%d", getpid());
	reply(0);
	serve();
}

static int connect_to(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "puppet-%s", name);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	return fd;
}

static int tell(const char *name, char **words)
{
	char text[MESSAGE_SIZE] = "", received[MESSAGE_SIZE + 1];
	int fd = connect_to(name);
	ssize_t length;

	for (size_t used = 0; *words && used < sizeof(text); words++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "", *words);
	if (fd < 0 || send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return EXIT_DIED;
	length = recv(fd, received, sizeof(received) - 1, 0);
	if (length <= 0)
		return EXIT_DIED;
	received[length] = '\0';
	printf("%s\n", received + 1);
	return received[0] == 'y' ? EXIT_DONE : EXIT_REFUSED;
}

int main(int argc, char **argv)
{
	program = "/proc/self/exe";
	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_help();
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "start"))
		return start((uid_t)strtoul(argv[2], NULL, 10), argv[3]);
	if (argc == 4 && !strcmp(argv[1], "go-on"))
		return go_on(argv[2], argv[3]);
	if (argc >= 4 && !strcmp(argv[1], "tell"))
		return tell(argv[2], argv + 3);
	misuse("start UID NAME or tell NAME COMMAND is needed");
}

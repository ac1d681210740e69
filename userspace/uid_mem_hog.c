// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * uid_mem_hog - a workload to see a memory limit of a UID at work
 *
 * Sets the limit of a UID, becomes that UID and starts one process for each
 * size given; each process allocates that much memory and uses it. A process
 * that prints "start" and never "finish" was killed on the way; the parent
 * says so with "killed".
 *
 * The parent stays the user who started it: it has to survive the kills, and
 * it must not count to the UID under test.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMITS_FILE	"/proc/uid_mem/limits"

/* The UIDs a limit can be set for; 0 and (uid_t)-1 are refused by the kernel. */
#define UID_FIRST	1u
#define UID_LAST	4294967294u

/* Threads or children of one process. */
#define DEFAULT_WORKERS	4u
#define MAX_WORKERS	1024u

/* Android's users and apps: u0_a70 is 10070, u1_a70 is 110070. */
#define ANDROID_USER	100000u
#define ANDROID_APP	10000u

/* Exit statuses: 0 and 3 are results, the others say that there is none. */
enum {
	EXIT_ALL_FINISHED = 0,
	EXIT_FAILED = 1,	/* what the system refused */
	EXIT_MISUSE = 2,	/* what was asked for makes no sense */
	EXIT_SOME_KILLED = 3,
};

/* What one process has to do. */
struct work {
	size_t bytes;
	unsigned int workers;	/* threads or children, for the styles that have some */
};

/*
 * A way to use memory: one function and one line in styles[]. The function
 * returns 0 when the bytes are in use, else an errno.
 */
struct style {
	const char *name;
	const char *help;
	int (*use)(const struct work *work);
};

struct order {
	const struct style *style;
	unsigned int workers;
	unsigned int hold_seconds;
	bool together;
	uid_t uid;
	gid_t gid;
	const char *limit;	/* NULL: leave it as it is */
	size_t *sizes;
	int nr_sizes;
};

/*
 * The children that a process has forked to use memory: they keep it until
 * the process closes this end of a pipe. -1: there are none.
 */
static int release_workers = -1;

/*
 * A gate holds processes up until all of them have come to it, or died: a pipe
 * into which nobody writes, and which each closes its end of.
 */
struct gate {
	int wait;
	int enter;
};

/* With --together: before memory is used, and when it is. -1: there are none. */
static struct gate begin_gate = { -1, -1 }, done_gate = { -1, -1 };

static int open_gate(struct gate *gate)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	gate->wait = ends[0];
	gate->enter = ends[1];
	return 0;
}

static void close_gate(const struct gate *gate)
{
	if (gate->wait < 0)
		return;
	close(gate->enter);
	close(gate->wait);
}

static void pass_gate(const struct gate *gate)
{
	char none;

	if (gate->wait < 0)
		return;
	close(gate->enter);
	while (read(gate->wait, &none, 1) < 0 && errno == EINTR)
		;
	close(gate->wait);
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

static void *map_anonymous(size_t bytes, int flags)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
}

/* A page of anonymous memory exists once something is written into it. */
static void write_pages(volatile char *memory, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += page_size())
		memory[at] = 1;
}

static void read_pages(const volatile char *memory, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += page_size())
		(void)memory[at];
}

static int use_touch(const struct work *work)
{
	char *memory = map_anonymous(work->bytes, 0);

	if (memory == MAP_FAILED)
		return errno;
	write_pages(memory, work->bytes);
	return 0;
}

static int use_populate(const struct work *work)
{
	return map_anonymous(work->bytes, MAP_POPULATE) == MAP_FAILED ? errno : 0;
}

/* One read(), but for what the kernel does not read at once: more than 2 GiB. */
static int use_read(const struct work *work)
{
	char *memory = map_anonymous(work->bytes, 0);
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	size_t at = 0;
	ssize_t got;

	if (memory == MAP_FAILED || zero < 0)
		return errno;
	while (at < work->bytes) {
		got = read(zero, memory + at, work->bytes - at);
		if (got <= 0)
			return got ? errno : EIO;
		at += (size_t)got;
	}
	close(zero);
	return 0;
}

struct part {
	pthread_t thread;
	pthread_barrier_t *begin;
	char *memory;
	size_t bytes;
};

static void *write_part(void *argument)
{
	struct part *part = argument;

	pthread_barrier_wait(part->begin);
	write_pages(part->memory, part->bytes);
	return NULL;
}

/* The barrier lets no thread finish before the last one has started. */
static int use_threads(const struct work *work)
{
	size_t each = round_up(work->bytes / work->workers, page_size());
	char *memory = map_anonymous(each * work->workers, 0);
	struct part *parts = calloc(work->workers, sizeof(*parts));
	pthread_barrier_t begin;
	int error = 0;

	if (memory == MAP_FAILED || !parts)
		return ENOMEM;
	pthread_barrier_init(&begin, NULL, work->workers);
	for (unsigned int i = 0; i < work->workers && !error; i++) {
		parts[i] = (struct part){ .begin = &begin, .memory = memory + i * each, .bytes = each };
		error = pthread_create(&parts[i].thread, NULL, write_part, &parts[i]);
	}
	/* Where a thread could not be created, the process is about to end with all the others. */
	for (unsigned int i = 0; i < work->workers && !error; i++)
		pthread_join(parts[i].thread, NULL);
	return error;
}

/*
 * Write into @memory, say so by closing @done, and keep it until @release says
 * that the parent has ended or wants no more.
 */
__attribute__((noreturn))
static void run_worker(char *memory, size_t bytes, int done, int release)
{
	char none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close_gate(&done_gate);
	write_pages(memory, bytes);
	close(done);
	while (read(release, &none, 1) < 0 && errno == EINTR)
		;
	_exit(EXIT_ALL_FINISHED);
}

/*
 * fork(), repeatedly for some seconds where memory is short: on a kernel
 * that cannot make it wait for what a victim gives back, it fails meanwhile.
 */
static pid_t fork_patiently(void)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	pid_t pid = fork();

	for (int tries = 300; pid < 0 && errno == ENOMEM && tries; tries--) {
		nanosleep(&pause, NULL);
		pid = fork();
	}
	return pid;
}

/*
 * Fork children that all write into the memory of this process, and so get
 * each a copy of it. Returns when each of them is through or dead.
 */
static int fork_workers(unsigned int nr, char *memory, size_t bytes)
{
	int done[2], release[2];
	pid_t pid = 1;
	char none;

	if (pipe2(done, O_CLOEXEC) || pipe2(release, O_CLOEXEC))
		return errno;
	for (unsigned int i = 0; i < nr && pid > 0; i++) {
		pid = fork_patiently();
		if (pid == 0) {
			close(done[0]);
			close(release[1]);
			run_worker(memory, bytes, done[1], release[0]);
		}
	}
	if (pid < 0)
		return errno;
	close(done[1]);
	close(release[0]);
	release_workers = release[1];
	/* Nobody writes: this ends when the last worker has closed its end. */
	while (read(done[0], &none, 1) < 0 && errno == EINTR)
		;
	close(done[0]);
	return 0;
}

/* This process has one part as well. */
static size_t part_of_family(const struct work *work)
{
	return round_up(work->bytes / (work->workers + 1), page_size());
}

static int use_fork(const struct work *work)
{
	size_t part = part_of_family(work);
	char *memory = map_anonymous(part, 0);

	if (memory == MAP_FAILED)
		return errno;
	write_pages(memory, part);
	return fork_workers(work->workers, memory, part);
}

/* A file in memory. Not in every C library under this name, but in every kernel. */
static int open_memfd(size_t bytes)
{
	int fd = (int)syscall(SYS_memfd_create, "uid_mem_hog", 1u /* MFD_CLOEXEC */);

	if (fd >= 0 && ftruncate(fd, (off_t)bytes)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int use_cow(const struct work *work)
{
	size_t part = part_of_family(work);
	int fd = open_memfd(part);
	char *memory;

	if (fd < 0)
		return errno;
	memory = mmap(NULL, part, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (memory == MAP_FAILED)
		return errno;
	read_pages(memory, part);
	return fork_workers(work->workers, memory, part);
}

static int use_memfd(const struct work *work)
{
	int fd = open_memfd(work->bytes);
	char *memory;

	if (fd < 0)
		return errno;
	memory = mmap(NULL, work->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return errno;
	write_pages(memory, work->bytes);
	return 0;
}

/* The size of a huge page; 0 where the kernel has none. */
static size_t huge_page_size(void)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
	size_t size = 0;

	if (file && fscanf(file, "%zu", &size) != 1)
		size = 0;
	if (file)
		fclose(file);
	return size;
}

/* A huge page can only be where the memory is aligned to its size. */
static int use_thp(const struct work *work)
{
	size_t huge = huge_page_size(), bytes;
	uintptr_t address;
	char *memory;

	if (!huge)
		return EOPNOTSUPP;
	bytes = round_up(work->bytes, huge);
	memory = map_anonymous(bytes + huge, 0);
	if (memory == MAP_FAILED)
		return errno;
	address = round_up((uintptr_t)memory, huge);
	memory += address - (uintptr_t)memory;
	if (madvise(memory, bytes, MADV_HUGEPAGE))
		return errno;
	write_pages(memory, bytes);
	return 0;
}

static int use_mremap(const struct work *work)
{
	const size_t step = 1 << 20;
	size_t had = 0, want;
	char *memory = map_anonymous(page_size(), 0);

	if (memory == MAP_FAILED)
		return errno;
	for (; had < work->bytes; had = want) {
		want = work->bytes - had > step ? had + step : work->bytes;
		memory = mremap(memory, had ? had : page_size(), want, MREMAP_MAYMOVE);
		if (memory == MAP_FAILED)
			return errno;
		write_pages(memory + had, want - had);
	}
	return 0;
}

/* The first one is the default. */
static const struct style styles[] = {
	{ "touch", "write one byte into each page of anonymous memory", use_touch },
	{ "populate", "one mmap() with MAP_POPULATE", use_populate },
	{ "read", "one read() of all the bytes from /dev/zero into fresh memory", use_read },
	{ "threads", "--threads threads write into disjoint parts at the same time", use_threads },
	{ "fork", "anonymous memory, then --threads children that write into all of it\n"
		  "at the same time. Each process, parent and child, has BYTES /\n"
		  "(threads + 1); a child's copy counts from its fork on, as RSS does,\n"
		  "and takes up memory when the child writes", use_fork },
	{ "cow", "as fork, with a private mapping of a file in memory, which the parent\n"
		 "reads: a child's copy counts page by page, as the child writes", use_cow },
	{ "memfd", "write into each page of a shared mapping of a memfd", use_memfd },
	{ "thp", "write into anonymous memory with MADV_HUGEPAGE, aligned to it", use_thp },
	{ "mremap", "grow anonymous memory by mremap() in steps of 1 MiB, each written into", use_mremap },
};

#define NR_STYLES	(sizeof(styles) / sizeof(styles[0]))

/* A line of help may go on: its further lines are indented like the first. */
static void print_style(const struct style *style)
{
	const char *line = style->help, *name = style->name, *end;

	while ((end = strchr(line, '\n'))) {
		printf("  %-15s %.*s\n", name, (int)(end - line), line);
		line = end + 1;
		name = "";
	}
	printf("  %-15s %s\n", name, line);
}

static void print_help(void)
{
	printf("usage: uid_mem_hog [--style STYLE] [--threads N] [--together] [--hold SECONDS]\n"
	       "                   USER|UID LIMIT BYTES...\n"
	       "\n"
	       "Sets the memory limit of a user id, then, as that user id, starts one process\n"
	       "for each BYTES that allocates and uses so much memory. Needs root.\n"
	       "\n"
	       "  USER|UID        whose limit and processes; a name, of /etc/passwd or like Android's\n"
	       "                  u0_a70, or a number from %u to %u\n"
	       "  LIMIT           the limit to set in " LIMITS_FILE ": a size,\n"
	       "                  \"max\" for none, or \"-\" to leave it as it is\n"
	       "  BYTES           how much each process uses; K, M or G (powers of 1024) may follow\n"
	       "\n"
	       "  --style STYLE   how memory is used (default: %s)\n"
	       "  --threads N     for the styles that have some: how many, 1 to %u (default: %u)\n"
	       "  --together      the processes begin at the same time, and keep their memory until\n"
	       "                  each of them has its own or was killed\n"
	       "  --hold SECONDS  keep the memory for so long before finishing (default: 0)\n"
	       "  --help          this text\n"
	       "\n"
	       "styles:\n",
	       UID_FIRST, UID_LAST, styles[0].name, MAX_WORKERS, DEFAULT_WORKERS);
	for (size_t i = 0; i < NR_STYLES; i++)
		print_style(&styles[i]);
	printf("\n"
	       "Prints a line \"start pid=P uid=U bytes=B\" for each process, then one of\n"
	       "\"finish pid=P uid=U bytes=B\" and \"killed pid=P signal=N\". A process whose\n"
	       "child was killed prints \"killed\" for it and does not finish.\n"
	       "Exit status: 0 all finished, 3 some were killed, 1 something was refused,\n"
	       "2 wrong arguments.\n");
}

__attribute__((format(printf, 2, 3), noreturn))
static void quit(int status, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "uid_mem_hog: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	if (status == EXIT_MISUSE)
		fprintf(stderr, "Try 'uid_mem_hog --help'.\n");
	exit(status);
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* The power of two that a unit letter stands for, or -1. */
static int unit_shift(char unit)
{
	switch (unit) {
	case '\0':
		return 0;
	case 'K': case 'k':
		return 10;
	case 'M': case 'm':
		return 20;
	case 'G': case 'g':
		return 30;
	}
	return -1;
}

static size_t parse_size(const char *text)
{
	unsigned long long number;
	char *unit;
	int shift;

	errno = 0;
	number = strtoull(text, &unit, 10);
	shift = *unit && unit[1] ? -1 : unit_shift(*unit);
	if (strspn(text, "0123456789") == 0 || shift < 0)
		quit(EXIT_MISUSE, "'%s' is not a size: give bytes, or a number with K, M or G", text);
	if (errno == ERANGE || number > (SIZE_MAX >> shift) / 2)
		quit(EXIT_MISUSE, "'%s' is more than a process can have", text);
	if (number == 0)
		quit(EXIT_MISUSE, "a size must be more than 0");
	return (size_t)number << shift;
}

static unsigned int parse_seconds(const char *text)
{
	unsigned long seconds;

	errno = 0;
	seconds = strtoul(text, NULL, 10);
	if (!is_number(text) || errno || seconds > INT_MAX)
		quit(EXIT_MISUSE, "--hold '%s' is not a number of seconds", text);
	return (unsigned int)seconds;
}

static unsigned int parse_workers(const char *text)
{
	unsigned long workers;

	errno = 0;
	workers = strtoul(text, NULL, 10);
	if (!is_number(text) || errno || workers < 1 || workers > MAX_WORKERS)
		quit(EXIT_MISUSE, "--threads '%s' is not a number from 1 to %u", text, MAX_WORKERS);
	return (unsigned int)workers;
}

static const struct style *parse_style(const char *name)
{
	for (size_t i = 0; i < NR_STYLES; i++)
		if (!strcmp(styles[i].name, name))
			return &styles[i];
	quit(EXIT_MISUSE, "there is no style '%s'; --help lists them", name);
}

static void set_uid(struct order *order, unsigned long long uid)
{
	if (uid < UID_FIRST || uid > UID_LAST)
		quit(EXIT_MISUSE, "UID %llu cannot have a limit: only %u to %u can", uid, UID_FIRST, UID_LAST);
	order->uid = (uid_t)uid;
	order->gid = (gid_t)uid;
}

/* Is @name one that Android gives an app? Its user database has no lines for these. */
static bool is_android_app(const char *name, unsigned long long *uid)
{
	unsigned int user, app;
	int length = 0;

	if (sscanf(name, "u%5u_a%4u%n", &user, &app, &length) != 2 || name[length] ||
	    strpbrk(name, "+- "))
		return false;
	*uid = (unsigned long long)user * ANDROID_USER + ANDROID_APP + app;
	return true;
}

/* A static program reads /etc/passwd itself: name services need libraries. */
static bool find_in_passwd(struct order *order, const char *name)
{
	FILE *users = fopen("/etc/passwd", "re");
	char line[1024], *field[4];
	bool found = false;

	while (users && !found && fgets(line, sizeof(line), users)) {
		char *rest = line;

		for (int i = 0; i < 4; i++)
			field[i] = strsep(&rest, ":");
		found = field[3] && is_number(field[2]) && is_number(field[3]) && !strcmp(field[0], name);
	}
	if (found) {
		set_uid(order, strtoull(field[2], NULL, 10));
		order->gid = (gid_t)strtoul(field[3], NULL, 10);
	}
	if (users)
		fclose(users);
	return found;
}

static void find_user(struct order *order, const char *name)
{
	unsigned long long uid;

	if (find_in_passwd(order, name))
		return;
	if (!is_android_app(name, &uid))
		quit(EXIT_MISUSE, "there is no user '%s' in /etc/passwd; give the number of the UID", name);
	set_uid(order, uid);
}

static void parse_user(struct order *order, const char *text)
{
	if (!is_number(text)) {
		find_user(order, text);
		return;
	}
	errno = 0;
	set_uid(order, strtoull(text, NULL, 10));
}

/* What is a limit is for the kernel to say; a line break would be another entry. */
static const char *parse_limit(const char *text)
{
	if (!strcmp(text, "-"))
		return NULL;
	if (!*text || strpbrk(text, " \t\r\n"))
		quit(EXIT_MISUSE, "'%s' is not a limit: give a size, max or -", text);
	return text;
}

static struct order parse_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{ "style", required_argument, NULL, 's' },
		{ "threads", required_argument, NULL, 't' },
		{ "together", no_argument, NULL, 'g' },
		{ "hold", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct order order = { .style = &styles[0], .workers = DEFAULT_WORKERS };
	int option;

	/* "+": an argument that starts with "-" after the user is a LIMIT. */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 's':
			order.style = parse_style(optarg);
			break;
		case 't':
			order.workers = parse_workers(optarg);
			break;
		case 'g':
			order.together = true;
			break;
		case 'o':
			order.hold_seconds = parse_seconds(optarg);
			break;
		case 'h':
			print_help();
			exit(EXIT_ALL_FINISHED);
		default:	/* getopt_long has printed what is wrong */
			fprintf(stderr, "Try 'uid_mem_hog --help'.\n");
			exit(EXIT_MISUSE);
		}
	}
	if (argc - optind < 3)
		quit(EXIT_MISUSE, "USER|UID, LIMIT and at least one BYTES are needed");

	parse_user(&order, argv[optind]);
	order.limit = parse_limit(argv[optind + 1]);
	order.nr_sizes = argc - optind - 2;
	order.sizes = calloc((size_t)order.nr_sizes, sizeof(*order.sizes));
	if (!order.sizes)
		quit(EXIT_FAILED, "no memory for the list of sizes");
	for (int i = 0; i < order.nr_sizes; i++)
		order.sizes[i] = parse_size(argv[optind + 2 + i]);
	return order;
}

/* One line in one write(): the kernel takes it as a whole or refuses it. */
static void set_limit(uid_t uid, const char *limit)
{
	char line[256];
	int length, fd;

	length = snprintf(line, sizeof(line), "%u max=%s\n", uid, limit);
	if (length >= (int)sizeof(line))
		quit(EXIT_MISUSE, "the limit is too long");

	fd = open(LIMITS_FILE, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		quit(EXIT_FAILED, LIMITS_FILE " is not there: load the module with 'modprobe uid_mem'");
	if (fd < 0)
		quit(EXIT_FAILED, LIMITS_FILE ": %s%s", strerror(errno),
		     errno == EACCES || errno == EPERM ? "; only root may set a limit" : "");
	if (write(fd, line, (size_t)length) != length)
		quit(EXIT_FAILED, "the kernel refuses the limit '%s' for UID %u: %s%s", limit, uid, strerror(errno),
		     errno == ERANGE ? "; the least is 1M" : "");
	close(fd);
}

/* All ids at once, real, effective and saved: there is no way back. */
static void become(const struct order *order)
{
	if (setgroups(0, NULL) || setresgid(order->gid, order->gid, order->gid) ||
	    setresuid(order->uid, order->uid, order->uid))
		quit(EXIT_FAILED, "cannot become UID %u: %s%s", order->uid, strerror(errno),
		     errno == EPERM ? "; run as root" : "");
}

static void report(const char *what, size_t bytes)
{
	printf("%s pid=%d uid=%u bytes=%zu\n", what, getpid(), getuid(), bytes);
	fflush(stdout);
}

/* Waits for all children; a failed one counts for more than a killed one. */
static int await_children(void)
{
	int result = EXIT_ALL_FINISHED;
	int status;
	pid_t pid;

	while ((pid = wait(&status)) > 0) {
		if (WIFSIGNALED(status)) {
			printf("killed pid=%d signal=%d\n", pid, WTERMSIG(status));
			fflush(stdout);
			status = EXIT_SOME_KILLED;
		} else {
			status = WEXITSTATUS(status);
		}
		if (status == EXIT_SOME_KILLED && result == EXIT_ALL_FINISHED)
			result = EXIT_SOME_KILLED;
		else if (status != EXIT_SOME_KILLED && status != EXIT_ALL_FINISHED)
			result = EXIT_FAILED;
	}
	return result;
}

__attribute__((noreturn))
static void run_child(const struct order *order, size_t bytes, pid_t parent)
{
	const struct work work = { .bytes = bytes, .workers = order->workers };
	int error, status;

	/* Whoever kills the parent ends the whole workload. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	become(order);
	/* Changing ids forgets the signal above; and the parent may be gone by now. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILED);

	report("start", bytes);
	pass_gate(&begin_gate);
	error = order->style->use(&work);
	if (error)
		quit(EXIT_FAILED, "pid %d cannot have %zu bytes by %s: %s", getpid(), bytes, order->style->name,
		     strerror(error));
	pass_gate(&done_gate);
	sleep(order->hold_seconds);
	if (release_workers >= 0)
		close(release_workers);
	status = await_children();
	if (status == EXIT_ALL_FINISHED)
		report("finish", bytes);
	_exit(status);
}

static void start_child(const struct order *order, size_t bytes)
{
	pid_t parent = getpid();
	pid_t child = fork();

	if (child < 0)
		quit(EXIT_FAILED, "cannot start a process: %s", strerror(errno));
	if (child == 0)
		run_child(order, bytes, parent);
}

int main(int argc, char **argv)
{
	struct order order = parse_arguments(argc, argv);

	if (geteuid() != 0)
		quit(EXIT_FAILED, "only root can become UID %u and set its limit; run it with sudo", order.uid);
	if (order.limit)
		set_limit(order.uid, order.limit);
	if (order.together && (open_gate(&begin_gate) || open_gate(&done_gate)))
		quit(EXIT_FAILED, "cannot have a pipe: %s", strerror(errno));
	for (int i = 0; i < order.nr_sizes; i++)
		start_child(&order, order.sizes[i]);
	close_gate(&begin_gate);
	close_gate(&done_gate);
	return await_children();
}

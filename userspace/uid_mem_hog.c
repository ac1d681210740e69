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
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMITS_FILE	"/proc/uid_mem/limits"

/* The UIDs a limit can be set for; 0 and (uid_t)-1 are refused by the kernel. */
#define UID_FIRST	1u
#define UID_LAST	4294967294u

/* Exit statuses: 0 and 3 are results, the others say that there is none. */
enum {
	EXIT_ALL_FINISHED = 0,
	EXIT_FAILED = 1,	/* what the system refused */
	EXIT_MISUSE = 2,	/* what was asked for makes no sense */
	EXIT_SOME_KILLED = 3,
};

/*
 * A way to use memory: one function and one line in styles[]. The function
 * returns 0 when @bytes are in use, else an errno.
 */
struct style {
	const char *name;
	const char *help;
	int (*use)(size_t bytes);
};

struct order {
	const struct style *style;
	unsigned int hold_seconds;
	uid_t uid;
	gid_t gid;
	const char *limit;	/* NULL: leave it as it is */
	size_t *sizes;
	int nr_sizes;
};

/* A page of anonymous memory exists once something is written into it. */
static int use_touch(size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	volatile char *memory;

	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return errno;

	for (size_t at = 0; at < bytes; at += page)
		memory[at] = 1;
	return 0;
}

/* The first one is the default. */
static const struct style styles[] = {
	{ "touch", "write one byte into each page of anonymous memory", use_touch },
};

#define NR_STYLES	(sizeof(styles) / sizeof(styles[0]))

static void print_help(void)
{
	printf("usage: uid_mem_hog [--style STYLE] [--hold SECONDS] USER|UID LIMIT BYTES...\n"
	       "\n"
	       "Sets the memory limit of a user id, then, as that user id, starts one process\n"
	       "for each BYTES that allocates and uses so much memory. Needs root.\n"
	       "\n"
	       "  USER|UID        whose limit and processes; a name or a number from %u to %u\n"
	       "  LIMIT           the limit to set in " LIMITS_FILE ": a size,\n"
	       "                  \"max\" for none, or \"-\" to leave it as it is\n"
	       "  BYTES           how much each process uses; K, M or G (powers of 1024) may follow\n"
	       "\n"
	       "  --style STYLE   how memory is used (default: %s)\n"
	       "  --hold SECONDS  keep the memory for so long before finishing (default: 0)\n"
	       "  --help          this text\n"
	       "\n"
	       "styles:\n",
	       UID_FIRST, UID_LAST, styles[0].name);
	for (size_t i = 0; i < NR_STYLES; i++)
		printf("  %-15s %s\n", styles[i].name, styles[i].help);
	printf("\n"
	       "Prints a line \"start pid=P uid=U bytes=B\" for each process, then one of\n"
	       "\"finish pid=P uid=U bytes=B\" and \"killed pid=P signal=N\".\n"
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

/* A static program reads /etc/passwd itself: name services need libraries. */
static void find_user(struct order *order, const char *name)
{
	FILE *users = fopen("/etc/passwd", "re");
	struct passwd *user = NULL;

	while (users && (user = fgetpwent(users)) && strcmp(user->pw_name, name))
		;
	if (!user)
		quit(EXIT_MISUSE, "there is no user '%s' in /etc/passwd; give the number of the UID", name);
	set_uid(order, user->pw_uid);
	order->gid = user->pw_gid;
	fclose(users);
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
		{ "hold", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct order order = { .style = &styles[0] };
	int option;

	/* "+": an argument that starts with "-" after the user is a LIMIT. */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (option) {
		case 's':
			order.style = parse_style(optarg);
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

__attribute__((noreturn))
static void run_child(const struct order *order, size_t bytes, pid_t parent)
{
	int error;

	/* Whoever kills the parent ends the whole workload. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	become(order);
	/* Changing ids forgets the signal above; and the parent may be gone by now. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILED);

	report("start", bytes);
	error = order->style->use(bytes);
	if (error)
		quit(EXIT_FAILED, "pid %d cannot have %zu bytes: %s", getpid(), bytes, strerror(error));
	sleep(order->hold_seconds);
	report("finish", bytes);
	_exit(EXIT_ALL_FINISHED);
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
			if (result == EXIT_ALL_FINISHED)
				result = EXIT_SOME_KILLED;
		} else if (WEXITSTATUS(status) != EXIT_ALL_FINISHED) {
			result = EXIT_FAILED;
		}
	}
	return result;
}

int main(int argc, char **argv)
{
	struct order order = parse_arguments(argc, argv);

	if (geteuid() != 0)
		quit(EXIT_FAILED, "only root can become UID %u and set its limit; run it with sudo", order.uid);
	if (order.limit)
		set_limit(order.uid, order.limit);
	for (int i = 0; i < order.nr_sizes; i++)
		start_child(&order, order.sizes[i]);
	return await_children();
}

// SPDX-FileCopyrightText: 2026 The uid_mem authors
// SPDX-License-Identifier: GPL-3.0-or-later
/* uid_memtop - who uses how much of their limit, live in a terminal */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "uid_memtop.h"

#define LEAST_INTERVAL_NS	100000000u
#define DEFAULT_INTERVAL_NS	1000000000u

enum {
	EXIT_FINE = 0,
	EXIT_FAILED = 1,	/* what the system refused */
	EXIT_MISUSE = 2,	/* what was asked for makes no sense */
};

static struct {
	uint64_t interval_ns;
	const struct sort_key *key;
	bool once;
	bool no_events;
} options = { .interval_ns = DEFAULT_INTERVAL_NS, .key = &sort_keys[0] };

static void print_help(void)
{
	printf("usage: uid_memtop [OPTION]...\n"
	       "\n"
	       "Shows who uses how much of their memory limit, and the latest events below. Each\n"
	       "user sees themselves, root sees all, and the events.\n"
	       "\n"
	       "  --interval SECONDS   how often to look; a fraction may be given, 0.1 is the least\n"
	       "                       (default: 1)\n"
	       "  --sort KEY           percent of the limit (default), usage, kills or uid\n"
	       "  --no-events          leave the events out\n"
	       "  --once               print a table for programs, and exit: fields separated by blanks, sizes\n"
	       "                       in bytes, \"max\" for no limit, \"-\" for what there is not; the first\n"
	       "                       line names the columns. Further columns may come at the end\n"
	       "  --help               this text\n"
	       "\n"
	       "Keys: u usage, p percent, k kills, i uid; r reverse; up, down; q quit. A bar ends\n"
	       "at the limit, \":\" is the high mark. NO_COLOR in the environment: no colours.\n"
	       "Exit status: 0 ended as asked, 1 the module is not loaded, or no terminal; 2 wrong\n"
	       "arguments.\n");
}

__attribute__((format(printf, 2, 3), noreturn))
static void quit(int status, const char *format, ...)
{
	va_list args;

	fprintf(stderr, NAME ": ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	if (status == EXIT_MISUSE)
		fprintf(stderr, "Try '" NAME " --help'.\n");
	exit(status);
}

static const struct sort_key *parse_key(const char *name)
{
	for (size_t i = 0; i < nr_sort_keys; i++)
		if (!strcmp(sort_keys[i].name, name))
			return &sort_keys[i];
	quit(EXIT_MISUSE, "--sort: there is no key '%s'; there are percent, usage, kills and uid", name);
}

static void parse_arguments(int argc, char **argv)
{
	static const struct option names[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "sort", required_argument, NULL, 's' },
		{ "no-events", no_argument, NULL, 'n' },
		{ "once", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
		switch (option) {
		case 'i':
			if (!parse_seconds(optarg, LEAST_INTERVAL_NS, &options.interval_ns))
				quit(EXIT_MISUSE, "--interval '%s' is not a number of seconds from 0.1 on", optarg);
			break;
		case 's':
			options.key = parse_key(optarg);
			break;
		case 'n':
			options.no_events = true;
			break;
		case 'o':
			options.once = true;
			break;
		case 'h':
			print_help();
			exit(EXIT_FINE);
		default:	/* getopt_long has printed what is wrong */
			fprintf(stderr, "Try '" NAME " --help'.\n");
			exit(EXIT_MISUSE);
		}
	}
	if (optind < argc)
		quit(EXIT_MISUSE, "unexpected argument '%s'", argv[optind]);
}

static void print_size(uint64_t bytes)
{
	if (bytes == NO_LIMIT)
		printf(" max");
	else
		printf(" %llu", (unsigned long long)bytes);
}

static void print_once(const struct row *row)
{
	char name[64], percent[16] = "-";

	user_name(row->stats.uid, name, sizeof(name));
	if (row_percent(row) >= 0)
		snprintf(percent, sizeof(percent), "%.1f", row_percent(row));
	printf("%llu %s", (unsigned long long)row->stats.uid, name);
	print_size(row->stats.usage);
	print_size(row->stats.max);
	printf(" %s", percent);
	print_size(row->high);
	print_size(row->stats.peak);
	printf(" %llu %llu\n", (unsigned long long)row->stats.procs, (unsigned long long)row->stats.kills);
}

static int show_once(void)
{
	struct rows rows = { 0 };

	if (rows_read(&rows))
		quit(EXIT_FAILED, STATS_FILE ": %s%s", strerror(errno),
		     errno == ENOENT ? "; load the module with 'modprobe uid_mem'" : "");
	rows_sort(&rows, options.key, false);
	printf("UID USER USAGE MAX PERCENT HIGH PEAK PROCS KILLS\n");
	for (size_t i = 0; i < rows.nr; i++)
		print_once(&rows.row[i]);
	return fflush(stdout) ? EXIT_FAILED : EXIT_FINE;
}

static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGTSTP);
	sigaddset(&signals, SIGWINCH);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_timer(void)
{
	const struct timespec interval = {
		.tv_sec = (time_t)(options.interval_ns / 1000000000u),
		.tv_nsec = (long)(options.interval_ns % 1000000000u),
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd >= 0)
		timerfd_settime(fd, 0, &(struct itimerspec){ interval, interval }, NULL);
	return fd;
}

/* ^Z: the shell gets its terminal as it was, and we another one later. */
static void suspend(void)
{
	screen_close();
	raise(SIGSTOP);
	screen_open();
}

/* Returns false where it is the end. */
static bool take_signal(int fd)
{
	struct signalfd_siginfo signal;

	if (read(fd, &signal, sizeof(signal)) != (ssize_t)sizeof(signal))
		return true;
	if (signal.ssi_signo == SIGTSTP)
		suspend();
	return signal.ssi_signo == SIGTSTP || signal.ssi_signo == SIGWINCH;
}

static void take_key(struct view *view, char key)
{
	for (size_t i = 0; i < nr_sort_keys; i++)
		if (key == sort_keys[i].letter) {
			view->key = &sort_keys[i];
			view->reverse = false;
		}
	if (key == 'r')
		view->reverse = !view->reverse;
}

/* Returns false where it is the end. */
static bool take_keys(struct view *view)
{
	char keys[64];
	ssize_t nr = read(STDIN_FILENO, keys, sizeof(keys));

	if (nr <= 0)
		return nr < 0 && errno == EINTR;
	for (ssize_t i = 0; i < nr; i++) {
		if (nr - i >= 3 && keys[i] == '\033') {
			if (keys[i + 2] == 'A' && view->first)
				view->first--;
			else if (keys[i + 2] == 'B')
				view->first++;
			i += 2;
		} else if (keys[i] == 'q') {
			return false;
		} else {
			take_key(view, keys[i]);
		}
	}
	return true;
}

static void look(struct view *view, struct rows *rows, struct events *events)
{
	view->error = rows_read(rows) ? errno : 0;
	/* The module may have been loaded since. */
	if (view->with_events && events->fd < 0 && events->error != EACCES)
		events_open(events);
	events_read(events);
}

static void watch(int signals, int timer)
{
	static struct events events = { .fd = -1 };
	struct view view = { .key = options.key, .with_events = !options.no_events };
	struct rows rows = { 0 };
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		{ .fd = timer, .events = POLLIN },
	};
	uint64_t expirations;
	bool going = true;

	look(&view, &rows, &events);
	while (going) {
		rows_sort(&rows, view.key, view.reverse);
		screen_draw(&view, &rows, &events);
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0)
			continue;
		if (fds[0].revents)
			going = take_keys(&view);
		if (fds[1].revents)
			going &= take_signal(signals);
		if (fds[2].revents && read(timer, &expirations, sizeof(expirations)) > 0)
			look(&view, &rows, &events);
	}
}

static int show_live(void)
{
	int signals = open_signals(), timer = open_timer();

	if (signals < 0 || timer < 0)
		quit(EXIT_FAILED, "signalfd or timerfd: %s", strerror(errno));
	if (!screen_open())
		quit(EXIT_FAILED, "input or output is not a terminal; for a table, give --once");
	watch(signals, timer);
	screen_close();
	return EXIT_FINE;
}

int main(int argc, char **argv)
{
	parse_arguments(argc, argv);
	return options.once ? show_once() : show_live();
}
